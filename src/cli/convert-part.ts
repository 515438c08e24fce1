/**
 * `convert --part i/n` and `convert --finish`: a conversion in parts, each by a process or machine of its own.
 *
 * @module
 */
import { InvalidArgumentError, Option } from 'commander';

import type { ConversionPart } from '../convert/plan.js';

/** What is to be written of a conversion in parts. */
export interface PartOptions {
  /** One part. */
  readonly part?: ConversionPart;
  /** What is left when all parts are there. */
  readonly finish?: boolean;
}

/** `--part`. */
export function partOption(): Option {
  return new Option('--part <i/n>', 'write part i of n only: its share of the files with weights').argParser(parsePart);
}

/** `--finish`. */
export function finishOption(): Option {
  return new Option('--finish', 'when all parts are there: write the other files').conflicts('part');
}

/** A part such as `2/8`. @throws InvalidArgumentError */
function parsePart(text: string): ConversionPart {
  const [, number = '0', count = '0'] = /^([1-9]\d{0,3})\/([1-9]\d{0,3})$/.exec(text) ?? [];
  if (Number(number) >= 1 && Number(number) <= Number(count)) return { number: Number(number), count: Number(count) };
  throw new InvalidArgumentError('A part was expected, from 1/n to n/n with n up to 9999, such as 2/8.');
}
