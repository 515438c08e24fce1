/**
 * C's `roundf`: to the nearest integer, halves away from zero.
 *
 * JavaScript's `Math.round` sends halves up, so -2.5 becomes -2 where C makes -3. Adding a half to a float32 is
 * exact in float64 wherever it decides anything, so the largest number below a half does not become 1.
 *
 * @module
 */

/** Rounds a float32 to the nearest integer, halves away from zero. NaN and infinities stay what they are. */
export function roundHalfAway(value: number): number {
  return value < 0 ? -Math.floor(0.5 - value) : Math.floor(value + 0.5);
}
