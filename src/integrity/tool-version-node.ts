/**
 * Version of this package. One of the few modules that know Node.
 *
 * @module
 */
import { readFileSync } from 'node:fs';

/** The version that `package.json` states. */
export function toolVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
