/**
 * Models on huggingface.co, whose pages people have the addresses of.
 *
 * `/ORG/NAME` is a page; the files are under `/ORG/NAME/resolve/REVISION/`, and there is a list of them.
 *
 * @see https://huggingface.co/docs/hub/api
 * @module
 */
import { SourceError } from './byte-source.js';
import type { FolderEntry } from './folder.js';
import { openHttpFile } from './http.js';
import { addressBelow } from './http-address.js';
import type { HttpClient } from './http-client.js';
import type { HttpFolderPlace } from './http-folder.js';
import { readWhole } from './whole.js';

/** A model, one of its folders or one of its files. */
export interface HubAddress {
  /** `ORG/NAME`. */
  readonly repository: string;
  /** Branch, tag or commit, as it stands in addresses. */
  readonly revision: string;
  /** Path below it, as it stands in addresses; empty for all of it. */
  readonly path: string;
  /** Whether the path is a file's. */
  readonly isFile: boolean;
}

const HUB = 'https://huggingface.co';

/** First parts of addresses that are not the name of an organisation with models. */
const OTHER_PAGES: ReadonlySet<string> = new Set([
  'datasets',
  'spaces',
  'api',
  'docs',
  'models',
  'papers',
  'collections',
]);

/** Most bytes of a list of files; a repository of a thousand has 300 kB. */
const LIST_BYTES_LIMIT = 8 << 20;

/** What an address of huggingface.co means; undefined for all others. */
export function hubAddress(url: URL): HubAddress | undefined {
  if (url.origin !== HUB) return undefined;
  const [organisation = '', name = '', view = 'tree', ...rest] = url.pathname.split('/').filter((part) => part !== '');
  if (name === '' || OTHER_PAGES.has(organisation) || !['tree', 'blob', 'resolve'].includes(view)) return undefined;
  const repository = `${organisation}/${name}`;
  // pull requests are revisions of three parts
  const parts = rest[0] === 'refs' ? [rest.slice(0, 3).join('%2F'), ...rest.slice(3)] : rest;
  const [revision = 'main', ...path] = parts;
  const isFile = view !== 'tree' && path.length > 0 && !url.pathname.endsWith('/');
  return { repository, revision, path: path.join('/'), isFile };
}

/** The address of a file, or of the folder with a slash at its end. */
export function hubFiles({ repository, revision, path, isFile }: HubAddress): URL {
  const below = path === '' || isFile ? path : `${path}/`;
  return new URL(`${HUB}/${repository}/resolve/${revision}/${below}`);
}

/** A folder of a model with the list of its files; one request. @throws SourceError as reading a file, `source/too-large`, `source/http-answer` */
export async function hubFolder(client: HttpClient, address: HubAddress): Promise<HttpFolderPlace> {
  const { repository, revision, path } = address;
  const name = hubName(address);
  const list = new URL(
    `${HUB}/api/models/${repository}/tree/${revision}${path === '' ? '' : `/${path}`}?recursive=true`,
  );
  await using source = await openHttpFile(client, list, name);
  if (source.link !== null && /rel="?next/.test(source.link)) {
    throw new SourceError('source/too-large', 'the repository has more files than one list holds', {
      path: name,
      hint: 'give the address of a folder in it, or of a file',
    });
  }
  const bytes = await readWhole(source, LIST_BYTES_LIMIT);
  const files = parseList(bytes, path === '' ? '' : `${decoded(path)}/`, name);
  const base = hubFiles(address);
  return { name, addressOf: (file) => addressBelow(base, file), files };
}

/** The page of a folder, so that its last part is the name of the model. */
function hubName({ repository, revision, path }: HubAddress): string {
  const version = revision === 'main' ? '' : `@${decoded(revision).replaceAll('/', '-')}`;
  return path === '' ? `${HUB}/${repository}${version}` : `${HUB}/${repository}/tree/${revision}/${path}`;
}

/** A part of an address as it is written in a list; one that is encoded wrongly stays as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parseList(bytes: Uint8Array, prefix: string, path: string): FolderEntry[] {
  const wrong = (): SourceError => new SourceError('source/http-answer', 'the list of files is none', { path });
  let entries: unknown;
  try {
    entries = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw wrong();
  }
  if (!Array.isArray(entries)) throw wrong();
  const files: FolderEntry[] = [];
  for (const entry of entries as readonly unknown[]) {
    const { type, path: file, size } = (entry ?? {}) as Readonly<Record<string, unknown>>;
    if (type === 'directory') continue;
    if (typeof file !== 'string' || !file.startsWith(prefix) || !isSize(size)) throw wrong();
    files.push({ name: file.slice(prefix.length), size });
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function isSize(size: unknown): size is number {
  return Number.isSafeInteger(size) && (size as number) >= 0;
}
