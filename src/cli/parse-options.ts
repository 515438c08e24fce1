/**
 * Numbers, sizes and names on the command line.
 *
 * @module
 */
import { type Command, InvalidArgumentError } from 'commander';

import { usageError } from './errors.js';

/** Whole numbers with commas between them: `1,2,3`. @throws InvalidArgumentError */
export function parseIds(text: string): number[] {
  const ids = text.split(',').map((part) => part.trim());
  if (!ids.every((id) => /^\d{1,15}$/.test(id))) {
    throw new InvalidArgumentError('Whole numbers with commas between them were expected, such as 1,2,3.');
  }
  return ids.map(Number);
}

const UNITS = ['', 'k', 'm', 'g', 't'];

/** A size such as `5GB`, `500MB`, `5GiB` or a number of bytes, in bytes. @throws InvalidArgumentError */
export function parseSize(text: string): number {
  const [, number = '', unit = '', binary = ''] = /^(\d+(?:\.\d+)?) *([kmgt]?)(i?)b?$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(number) * (binary === '' ? 1000 : 1024) ** UNITS.indexOf(unit.toLowerCase()));
  if (number !== '' && (binary === '' || unit !== '') && bytes >= 1 && Number.isSafeInteger(bytes)) return bytes;
  throw new InvalidArgumentError('A size was expected, such as 5GB, 500MB or 5GiB.');
}

/** A number of things: 1, 2, 8. @throws InvalidArgumentError */
export function parseCount(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A whole number from 1 to 999 was expected.');
}

/** Factor of the rope scaling. @throws InvalidArgumentError */
export function parseRopeFactor(text: string): number {
  const factor = Number(text);
  if (text.trim() !== '' && Number.isFinite(factor) && factor >= 1) return factor;
  throw new InvalidArgumentError('A number of at least 1 was expected, such as 8 or 32.');
}

/** The names so far and one more, `module.name` in full: a pattern would allow what nobody thought of. @throws InvalidArgumentError */
export function collectGlobalName(name: string, names: readonly string[] = []): string[] {
  if (/^[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)+$/u.test(name)) return [...names, name];
  throw new InvalidArgumentError('The full name of a class or function was expected, such as mylib.config.Config.');
}

/** Refuses an option together with its `--no-` form, of which the last would win silently. @throws CliError `cli/usage` */
export function refuseBoth(command: Command, name: string): Command {
  const given = new Set<string>();
  for (const form of [name, `no-${name}`]) {
    command.on(`option:${form}`, () => {
      given.add(form);
      if (given.size > 1) throw usageError(`--${name} and --no-${name} cannot be given together`);
    });
  }
  return command;
}
