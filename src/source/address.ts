/**
 * Telling an address from a path.
 *
 * @module
 */

/** Anything with `scheme://` in front is an address; no path begins so. */
const ADDRESS = /^([a-z][a-z0-9+.-]*):\/\//i;

/** Whether a text is an address (`https://…`, `s3://…`) rather than a path. */
export function isAddress(text: string): boolean {
  return ADDRESS.test(text);
}

/** What stands before `://`, in lower case; undefined for a path. */
export function schemeOf(text: string): string | undefined {
  return ADDRESS.exec(text)?.[1]?.toLowerCase();
}

/**
 * A text that may be an address, without what may be secret in it: user name, query and fragment. Of one that is no URL
 * only the scheme is left, since a password with a slash in it makes one of those.
 */
export function withoutSecrets(address: string): string {
  const scheme = schemeOf(address);
  if (scheme === undefined) return address;
  if (!URL.canParse(address)) return `${scheme}://…`;
  const { host, pathname } = new URL(address);
  return `${scheme}://${host}${pathname}`;
}
