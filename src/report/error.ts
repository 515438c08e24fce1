/**
 * An error, for a person: one line with its code, then what to do.
 *
 * @module
 */
import { type CheckpointError, hexOffset } from '../errors.js';
import { type Line, marked, shown, wrap } from './lines.js';

/** Longest message that is shown whole: a name in it may be of any length. */
const LONGEST_MESSAGE = 1000;

/** The error on one line, whatever its width, so that it can be searched for; then the hint. */
export function errorLines(error: CheckpointError): Line[] {
  const { message, path, offset, code, hint } = error;
  const where = path === undefined || message.startsWith(path) ? '' : `${shown(path)}: `;
  const at = offset === undefined || message.includes(hexOffset(offset)) ? '' : ` (at ${hexOffset(offset)})`;
  const line: Line = [
    marked('bad', 'error:'),
    ` ${where}${shown(message, LONGEST_MESSAGE)}${at}   `,
    marked('faint', `[${code}]`),
  ];
  return [line, ...wrap(hint ?? '', 2)];
}

/** What a person should know although nothing failed. */
export function warningLines(warnings: readonly string[]): Line[] {
  return warnings.map((warning) => [marked('warn', 'warning:'), ` ${shown(warning, LONGEST_MESSAGE)}`]);
}
