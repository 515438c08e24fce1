/**
 * Points and lengths of time as NumPy prints them.
 *
 * Python has dates and durations for units from a microsecond to a week; what is finer, has no unit, or lies
 * outside the years 1 to 9999, is an integer to it.
 *
 * @see https://numpy.org/doc/stable/reference/arrays.datetime.html
 * @module
 */
import type { NumpyDtype } from './numpy-dtype.js';

/** What a `datetime64` or `timedelta64` is to Python: text, an integer, or nothing for "not a time". */
export function numpyTime({ kind, unit }: Pick<NumpyDtype, 'kind' | 'unit'>, steps: bigint): string | bigint | null {
  if (steps === NOT_A_TIME) return null;
  const { name, count } = unit ?? { name: '', count: 1 };
  const amount = steps * BigInt(count);
  return (kind === 'M' ? pointOf(name, amount) : lengthOf(name, amount)) ?? steps;
}

const NOT_A_TIME = -(2n ** 63n);

/** Units by name: microseconds, what a length is called, and how much of `YYYY-MM-DDTHH:MM:SS.ffffff` a point shows. */
const UNITS: ReadonlyMap<string, readonly [microseconds: bigint, plural: string, shown: number]> = new Map([
  ['W', [604_800_000_000n, 'weeks', 10]],
  ['D', [86_400_000_000n, 'days', 10]],
  ['h', [3_600_000_000n, 'hours', 13]],
  ['m', [60_000_000n, 'minutes', 16]],
  ['s', [1_000_000n, 'seconds', 19]],
  ['ms', [1000n, 'milliseconds', 23]],
  ['us', [1n, 'microseconds', 26]],
]);

/** The years that Python's dates know, in microseconds since 1970. */
const FIRST = -62_135_596_800_000_000n;
const LAST = 253_402_300_799_999_999n;

function pointOf(unit: string, amount: bigint): string | undefined {
  if (unit === 'Y' || unit === 'M') return monthOf(unit === 'Y' ? 12n * amount : amount, unit === 'Y' ? 4 : 7);
  const known = UNITS.get(unit);
  if (known === undefined) return undefined;
  const microseconds = amount * known[0];
  if (microseconds < FIRST || microseconds > LAST) return undefined;
  const rest = BigInt.asUintN(64, ((microseconds % 1000n) + 1000n) % 1000n);
  const date = new Date(Number((microseconds - rest) / 1000n)).toISOString().slice(0, -1);
  return `${date}${String(rest).padStart(3, '0')}`.slice(0, known[2]);
}

function monthOf(months: bigint, shown: number): string | undefined {
  const [year, month] = [1970n + (months - (((months % 12n) + 12n) % 12n)) / 12n, ((months % 12n) + 12n) % 12n];
  if (year < 1n || year > 9999n) return undefined;
  return `${String(year).padStart(4, '0')}-${String(month + 1n).padStart(2, '0')}`.slice(0, shown);
}

function lengthOf(unit: string, amount: bigint): string | undefined {
  const known = UNITS.get(unit);
  if (known === undefined) return undefined;
  const days = (amount * known[0]) / 86_400_000_000n;
  return days > 999_999_999n || days < -999_999_999n ? undefined : `${amount} ${known[1]}`;
}
