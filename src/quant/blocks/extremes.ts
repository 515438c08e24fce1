/**
 * The extreme values of a block, from which its scale follows, and the inverse of that scale.
 *
 * A NaN is no extreme: it loses every comparison. The one exception is ggml's macro `MAX`, in which a comparison
 * that fails picks the newcomer, so that a NaN replaces the largest value and the number behind it replaces the NaN.
 *
 * @module
 */

/** The value of largest magnitude in `values[from, to)`, with its sign; of equal ones the first, and 0 of none. */
export function extremeOf(values: Float32Array, from: number, to: number): number {
  let extreme = 0;
  let magnitude = 0;
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    if (magnitude < Math.abs(value)) {
      magnitude = Math.abs(value);
      extreme = value;
    }
  }
  return extreme;
}

/** The largest magnitude in `values[from, to)`, as ggml's macro `MAX` finds it. */
export function largestMagnitude(values: Float32Array, from: number, to: number): number {
  let largest = 0;
  for (let i = from; i < to; i++) {
    const magnitude = Math.abs(values[i]!);
    largest = largest > magnitude ? largest : magnitude;
  }
  return largest;
}

/** What to multiply with instead of dividing by a float32 scale: its inverse in float32, and 0 for the scale 0. */
export function inverseOf(scale: number): number {
  return scale === 0 ? 0 : Math.fround(1 / scale);
}
