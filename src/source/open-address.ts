/**
 * From an address to a folder or a file on a web server.
 *
 * An address that ends with a slash is a folder's, others are files', but for the pages of models on huggingface.co.
 *
 * @module
 */
import type { ByteSource } from './byte-source.js';
import type { Folder, FolderEntry } from './folder.js';
import { openHttpFile } from './http.js';
import { addressBelow, folderOf, parseAddress, shownAddress } from './http-address.js';
import { HttpClient } from './http-client.js';
import { CHECKPOINT_FILES, type HttpFolderPlace, httpFolder } from './http-folder.js';
import { type HubAddress, hubAddress, hubFiles, hubFolder } from './http-hub.js';
import type { HttpOptions } from './http-options.js';

/** A folder or a file on a web server. */
export type OpenedAddress =
  | {
      readonly kind: 'folder';
      /** What it is called. */
      readonly path: string;
      readonly folder: Folder;
      /** The folder above, of which nothing is asked before it is used; undefined where there is none. */
      readonly parent: Folder | undefined;
      /** Address of a file in it. */
      readonly pathOf: (name: string) => string;
      /** Its files and those in the folders below, as far as they are known, and what is not known. */
      readonly below: () => Promise<{ readonly entries: readonly FolderEntry[]; readonly notes: readonly string[] }>;
    }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly source: ByteSource;
      /** The folder that it lies in, with those of the files that are there. */
      readonly folder: (names: readonly string[]) => Promise<Folder>;
    };

const NO_LIST = 'a server does not tell what a folder holds: only files with the usual names were looked for';

/**
 * Opens what lies at an address: one request for a file or a list, none for a folder without one.
 *
 * @throws SourceError as `openHttpSource`
 */
export async function openAddress(address: string, options: HttpOptions): Promise<OpenedAddress> {
  const given = parseAddress(address);
  const client = new HttpClient(options);
  const hub = hubAddress(given);
  if (hub !== undefined && !hub.isFile) return openHubFolder(client, hub);
  const url = hub === undefined ? given : hubFiles(hub);
  if (url.pathname.endsWith('/')) return openPlainFolder(client, url);
  return {
    kind: 'file',
    path: shownAddress(url),
    source: await openHttpFile(client, url, shownAddress(url)),
    folder: async (names) => httpFolder(client, placeOf(folderOf(url), { names })),
  };
}

async function openHubFolder(client: HttpClient, hub: HubAddress): Promise<OpenedAddress> {
  const place = await hubFolder(client, hub);
  return {
    ...{ kind: 'folder', path: place.name, folder: httpFolder(client, place), parent: undefined },
    pathOf: (name) => place.addressOf(name).href,
    below: async () => ({ entries: Array.isArray(place.files) ? place.files : [], notes: [] }),
  };
}

function openPlainFolder(client: HttpClient, url: URL): OpenedAddress {
  const place = placeOf(url, CHECKPOINT_FILES);
  const folder = httpFolder(client, place);
  const above = new URL(url);
  above.pathname = url.pathname.replace(/[^/]*\/$/, '');
  const parent = url.pathname === '/' ? undefined : httpFolder(client, placeOf(above, { names: [] }));
  return {
    ...{ kind: 'folder', path: place.name, folder, parent },
    pathOf: (name) => shownAddress(place.addressOf(name)),
    below: async () => ({ entries: await folder.list(), notes: [NO_LIST] }),
  };
}

function placeOf(url: URL, files: HttpFolderPlace['files']): HttpFolderPlace {
  return { name: shownAddress(url).replace(/\/$/, ''), addressOf: (name) => addressBelow(url, name), files };
}
