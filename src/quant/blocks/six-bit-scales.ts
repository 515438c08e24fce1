/**
 * Eight scales and eight minima of six bits in twelve bytes: Q4_K and Q5_K.
 *
 * ```text
 *   byte   0 .. 3                4 .. 7                8 .. 11
 *         +-----+---------------+-----+---------------+-----------+-----------+
 *         | s4+ | scale 0 .. 3  | m4+ | min 0 .. 3    | min 4 .. 7| scale 4 ..7|   high bits first
 *         +-----+---------------+-----+---------------+-----------+-----------+
 *          2 bits  6 bits        2 bits  6 bits        4 low bits  4 low bits
 * ```
 *
 * The two upper bits of scale and minimum 4 to 7 stand above scale and minimum 0 to 3.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (get_scale_min_k4)
 * @module
 */

/** Packs eight scales and eight minima into the twelve bytes from `at` on. */
export function packSixBitScales(scales: Uint8Array, minima: Uint8Array, out: Uint8Array, at: number): void {
  for (let group = 0; group < 4; group++) {
    const [highScale, highMinimum] = [scales[group + 4]!, minima[group + 4]!];
    out[at + group] = scales[group]! | ((highScale >>> 4) << 6);
    out[at + 4 + group] = minima[group]! | ((highMinimum >>> 4) << 6);
    out[at + 8 + group] = (highScale & 0x0f) | ((highMinimum & 0x0f) << 4);
  }
}

/** The scale of a group, 0 to 7, from the twelve bytes from `at` on. */
export function sixBitScale(blocks: Uint8Array, at: number, group: number): number {
  if (group < 4) return blocks[at + group]! & 63;
  return (blocks[at + 4 + group]! & 0x0f) | ((blocks[at + group - 4]! >>> 6) << 4);
}

/** The minimum of a group, 0 to 7. */
export function sixBitMinimum(blocks: Uint8Array, at: number, group: number): number {
  if (group < 4) return blocks[at + 4 + group]! & 63;
  return (blocks[at + 4 + group]! >>> 4) | ((blocks[at + group]! >>> 6) << 4);
}
