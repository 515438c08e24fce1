/**
 * The Hadamard transform that SpinQuant applies to what goes into `feed_forward.w2`.
 *
 * Element k of the result is the sum of all elements i, each with the sign of the parity of the bits that
 * i and k share, over the root of their number. The matrix of that is symmetric and its own inverse, so that
 * transforming the input of a matrix is the same as transforming each of the matrix's rows, once, beforehand.
 *
 * @see https://arxiv.org/abs/2405.16406
 * @module
 */

/** Whether a row of this length can be transformed: a power of two. */
export function isHadamardLength(length: number): boolean {
  return length > 0 && Number.isInteger(Math.log2(length));
}

/** Transforms a row in place, in float64; its length is a power of two. Costs `n log2 n` additions. */
export function hadamardInPlace(row: Float64Array): void {
  for (let half = 1; half < row.length; half *= 2) {
    for (let start = 0; start < row.length; start += 2 * half) {
      for (let i = start; i < start + half; i++) {
        const [a, b] = [row[i]!, row[i + half]!];
        row[i] = a + b;
        row[i + half] = a - b;
      }
    }
  }
  const norm = 1 / Math.sqrt(row.length);
  for (let i = 0; i < row.length; i++) row[i]! *= norm;
}
