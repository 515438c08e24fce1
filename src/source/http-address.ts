/**
 * Addresses of files and folders on a web server.
 *
 * What follows the `?` of an address may be a signature that anybody could use, so it is sent but never shown.
 *
 * @see https://url.spec.whatwg.org/
 * @module
 */
import { schemeOf, withoutSecrets } from './address.js';
import { SourceError } from './byte-source.js';

/** An address the way every message shows it: without user name, query and fragment. */
export function shownAddress(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/**
 * The URL of an address that can be read from here.
 *
 * @throws SourceError `source/bad-address` for other schemes than http and https, for what is no URL, and for one
 *   that holds a user name or password
 */
export function parseAddress(address: string): URL {
  const scheme = schemeOf(address);
  if (scheme !== 'http' && scheme !== 'https') {
    throw new SourceError('source/bad-address', `an address of http or https was expected, not ${scheme ?? 'a path'}`, {
      path: withoutSecrets(address),
    });
  }
  if (!URL.canParse(address)) {
    throw new SourceError('source/bad-address', 'this is no valid address', { path: withoutSecrets(address) });
  }
  const url = new URL(address);
  if (url.username !== '' || url.password !== '') {
    throw new SourceError('source/bad-address', 'an address must not hold a user name or password', {
      path: shownAddress(url),
      hint: 'others see it in lists of processes and logs; give the server a header instead',
    });
  }
  url.hash = '';
  return url;
}

/** The folder that a file lies in. */
export function folderOf(file: URL): URL {
  const url = new URL(file);
  url.pathname = file.pathname.replace(/[^/]*$/, '');
  return url;
}

/** The address of a file below a folder; a query (a signature for all of the folder) is kept. */
export function addressBelow(folder: URL, name: string): URL {
  const url = new URL(folder);
  url.pathname = `${folder.pathname}${wellFormed(name).split('/').map(encodeURIComponent).join('/')}`;
  return url;
}

/** A name as UTF-8 can hold it: half of a surrogate pair, as JSON may have it, is the replacement character as on disk. */
function wellFormed(name: string): string {
  return name.replace(/[\ud800-\udfff]/gu, '\ufffd');
}
