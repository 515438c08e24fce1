/**
 * What an answer took from a web server, for a person.
 *
 * @module
 */
import type { Traffic } from '../source/http-options.js';
import { type Line, marked } from './lines.js';
import { counted, sized } from './numbers.js';

/** One line below an answer. */
export function fetchedLines({ requests, byteLength }: Traffic): Line[] {
  return ['', [marked('faint', `  fetched ${sized(byteLength)} in ${counted(requests, 'request')}`)]];
}
