/**
 * The sixteen values of 4-bit floating point (E2M1), and which of them is nearest.
 *
 * ggml keeps them doubled, which makes them integers, and halves the scales of MXFP4 and NVFP4 instead.
 *
 * ```text
 *     3 2     1 0
 *   +-+---------+-+
 *   |s| exponent|f|   bias 1; doubled: 0 1 2 3 4 6 8 12, and with the sign bit their negatives
 *   +-+---------+-+
 * ```
 *
 * The pattern of minus zero stands for zero, and is never written.
 *
 * @see https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf
 * @module
 */

/** Twice the value of each pattern of 4 bits. */
export const DOUBLED_FLOAT4: Readonly<Int8Array> = Int8Array.of(
  0,
  1,
  2,
  3,
  4,
  6,
  8,
  12,
  0,
  -1,
  -2,
  -3,
  -4,
  -6,
  -8,
  -12,
);

/**
 * Writes to `levels` the patterns that are nearest to `values[first ...]`, in units of `scale`, which is halved.
 * Between two that are equally near the lower pattern is taken, so that halves go towards zero.
 */
export function nearestFloat4(values: Float32Array, first: number, scale: number, levels: Uint8Array): void {
  for (let i = 0; i < levels.length; i++) levels[i] = nearestPattern(values[first + i]!, scale);
}

function nearestPattern(value: number, scale: number): number {
  let nearest = 0;
  let smallestError = Math.abs(value);
  for (let pattern = 1; pattern < DOUBLED_FLOAT4.length; pattern++) {
    const error = Math.abs(Math.fround(Math.fround(DOUBLED_FLOAT4[pattern]! * scale) - value));
    if (error < smallestError) {
      smallestError = error;
      nearest = pattern;
    }
  }
  return nearest;
}
