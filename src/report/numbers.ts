/**
 * Numbers as a person reads them.
 *
 * @module
 */
import prettyBytes from 'pretty-bytes';

/** A size with three digits: `2.47 GB`. */
export function sized(bytes: number): string {
  return prettyBytes(bytes);
}

/** A size to the byte: `2,471,645,608 bytes`. */
export function exactSize(bytes: number): string {
  return counted(bytes, 'byte');
}

/** A number of things: `1 shard`, `8 shards`. */
export function counted(count: number, thing: string, things = `${thing}s`): string {
  return `${grouped(count)} ${count === 1 ? thing : things}`;
}

/** A whole number with its thousands apart. `toLocaleString` would load tables for 20 ms, as long as reading the headers. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

const MAGNITUDES = [
  [1e12, 'T'],
  [1e9, 'B'],
  [1e6, 'M'],
  [1e3, 'K'],
] as const;

/** A number of parameters as models are named after: `1.24 B`. */
export function parameters(count: number): string {
  const [unit, letter] = MAGNITUDES.find(([size]) => count >= size) ?? [1, ''];
  return letter === '' ? String(count) : `${Number((count / unit).toPrecision(3))} ${letter}`;
}

/** Bits that a weight takes, in a sentence: `16`, `8.5`, `4.89`; nothing where there is none. */
export function bits(count: number | undefined): string {
  return count === undefined ? '' : String(Number(count.toFixed(2)));
}

/** The same below each other in a column: `16.00`, `8.50`, `4.89`. */
export function alignedBits(count: number | undefined): string {
  return count?.toFixed(2) ?? '';
}

/** A share of a whole: `33 %`; nothing where it is unknown. */
export function percent(share: number | undefined): string {
  return share === undefined ? '' : `${Math.round(100 * share)} %`;
}

/** A duration: `0.04 s`, `2.5 s`, `75 s`, `3 min 20 s`. */
export function duration(seconds: number): string {
  if (seconds < 1) return `${seconds.toFixed(2)} s`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** A small number with three digits: `3.1e-4`, `0.19`, `0`. */
export function small(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const magnitude = Math.abs(value);
  return magnitude < 1e-3 || magnitude >= 1e6 ? exponential(value, 1) : String(Number(value.toPrecision(3)));
}

/** A hyperparameter: `500000`, `1e-5`. */
export function plain(value: number): string {
  return value !== 0 && Math.abs(value) < 1e-3 ? exponential(value) : String(value);
}

function exponential(value: number, digits?: number): string {
  return value.toExponential(digits).replace('.0e', 'e').replace('e+', 'e');
}

/** A shape: `128256 × 2048`; a scalar has none. */
export function extents(shape: readonly number[]): string {
  return shape.length === 0 ? 'scalar' : shape.join(' × ');
}
