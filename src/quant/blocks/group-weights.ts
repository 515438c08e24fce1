/**
 * How much each value of a group counts when a scale is fitted to it.
 *
 * An importance says how large the activations are that a column meets. ggml multiplies it with the root of the
 * value's square plus the mean square of its neighbourhood, so that large weights count more, but small ones are
 * not forgotten.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (`weight[i] = qw[i] * sqrtf(...)`)
 * @module
 */

/** The sum of squares in float32, added from the first to the last. */
export function sumOfSquares(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum = Math.fround(sum + Math.fround(value * value));
  return sum;
}

/** Fills `out` with importance * sqrt(meanSquare + value^2). All three arrays have the length of the group. */
export function weighByImportance(
  group: Float32Array,
  importance: Float32Array,
  meanSquare: number,
  out: Float32Array,
): void {
  for (let i = 0; i < group.length; i++) {
    const square = Math.fround(group[i]! * group[i]!);
    out[i] = importance[i]! * Math.fround(Math.sqrt(Math.fround(meanSquare + square)));
  }
}

/** Fills `out` with the squares of the values: how values count without importances. */
export function weighBySquare(group: Float32Array, out: Float32Array): void {
  for (let i = 0; i < group.length; i++) out[i] = group[i]! * group[i]!;
}
