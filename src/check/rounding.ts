/**
 * Whether one value is what another becomes when it is rounded to a type.
 *
 * Rounding to nearest moves a value by at most half a unit in the last place, and both sides are given
 * as the float32 values that their bytes stand for, so this test is exact and needs no encoder.
 *
 * @module
 */
import type { Rounding } from './thresholds.js';

/** Power of two of a float32 value, by its eight exponent bits; those below the normal range share the smallest. */
const POWERS = Float64Array.from({ length: 256 }, (_, exponent) => 2 ** (Math.max(exponent, 1) - 127));

/** Furthest that rounding moves a value whose float32 bits are these. */
export function halfUnitOf(bits: number, { halfUnit, smallestHalfUnit }: Rounding): number {
  return Math.max(powerOf(bits) * halfUnit, smallestHalfUnit);
}

/** Whether `value`, whose float32 bits are given, becomes `rounded` in the type. Zero keeps its sign; NaN becomes NaN. */
export function roundsTo(value: number, bits: number, rounded: number, type: Rounding): boolean {
  if (rounded === 0 && Object.is(rounded, -0) !== bits >>> 31 > 0) return false;
  if (Math.abs(value) >= type.overflow) return rounded === Math.sign(value) * Infinity;
  if (Math.abs(value - rounded) <= halfUnitOf(bits, type)) return !fallsBelow(bits, rounded, type);
  return Number.isNaN(value) && Number.isNaN(rounded);
}

/** Whether `rounded` lies below the value's power of two, which is itself nearer; only tiny numbers have no power between. */
function fallsBelow(bits: number, rounded: number, { halfUnit, smallestHalfUnit }: Rounding): boolean {
  const power = powerOf(bits);
  return Math.abs(rounded) < power && power * halfUnit > smallestHalfUnit;
}

function powerOf(bits: number): number {
  return POWERS[(bits >>> 23) & 0xff]!;
}
