/**
 * Numbers and JSON as Python writes them.
 *
 * Both languages print the shortest digits that read back as the same float, and differ in when they turn
 * to an exponent. `json.dumps` separates with blanks and escapes all that is not ASCII.
 *
 * @see https://docs.python.org/3/library/json.html
 * @module
 */
import type { TaggedJson } from './tagged-json.js';

/** What `repr` gives for a float: `1.0`, `1e-05`, `nan`, `-0.0`. */
export function floatRepr(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const [mantissa = '', power = ''] = Math.abs(value).toExponential().split('e');
  const [digits, exponent] = [mantissa.replace('.', ''), Number(power)];
  if (value !== 0 && (exponent < -4 || exponent >= 16)) {
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

/** What `json.dumps(value, sort_keys=True)` gives; the value must not be nested deeper than a program recurses. */
export function jsonDumps(value: TaggedJson): string {
  if (typeof value === 'string') return asciiQuoted(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isArray(value)) return `[${value.map(jsonDumps).join(', ')}]`;
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${asciiQuoted(name)}: ${jsonDumps(value[name]!)}`).join(', ')}}`;
}

function asciiQuoted(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function isArray(value: TaggedJson): value is readonly TaggedJson[] {
  return Array.isArray(value);
}
