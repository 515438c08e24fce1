/**
 * The scales of finished blocks, looked over for those that are no numbers, as `quant/block-scales.ts` lists them.
 *
 * A scale that half precision cannot hold becomes infinite, and a block with such a scale is worth nothing.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (ggml_validate_row_data)
 * @module
 */

/** Where the scales of a format lie: bytes of a block, then the places of two half floats, which may be the same. */
// @ts-ignore: decorator
@inline
function layout(blockBytes: i32, first: i32, second: i32): i32 {
  return blockBytes | (first << 10) | (second << 20);
}

/** Zero for formats whose scales are numbers whatever their bits. */
function layoutOf(format: i32): i32 {
  switch (format) {
    case 2: // Q4_0
    case 20: // IQ4_NL
    case 41: // Q1_0
    case 42: // Q2_0
      return layout(18, 0, 0);
    case 3: // Q4_1
      return layout(20, 0, 2);
    case 6: // Q5_0
      return layout(22, 0, 0);
    case 7: // Q5_1
      return layout(24, 0, 2);
    case 8: // Q8_0
      return layout(34, 0, 0);
    case 10: // Q2_K
      return layout(84, 80, 82);
    case 11: // Q3_K
      return layout(110, 108, 108);
    case 12: // Q4_K
      return layout(144, 0, 2);
    case 13: // Q5_K
      return layout(176, 0, 2);
    case 14: // Q6_K
      return layout(210, 208, 208);
    case 23: // IQ4_XS
      return layout(136, 0, 0);
    case 34: // TQ1_0
      return layout(54, 52, 52);
    case 35: // TQ2_0
      return layout(66, 64, 64);
    default:
      return 0;
  }
}

/** Index of the first block from `blocks` to `end` with a scale that is infinite or NaN; -1 when there is none. */
export function firstBadScale(format: i32, blocks: usize, end: usize): i32 {
  if (format == 39) return firstBadExponent(blocks, end);
  const places = layoutOf(format);
  if (places == 0) return -1;
  const blockBytes: usize = places & 1023;
  const first: usize = (places >>> 10) & 1023;
  const second: usize = places >>> 20;
  for (let at = blocks; at < end; at += blockBytes) {
    if (isSpecial(at + first) || isSpecial(at + second)) return <i32>((at - blocks) / blockBytes);
  }
  return -1;
}

// @ts-ignore: decorator
@inline
function isSpecial(at: usize): bool {
  return (load<u16>(at) & 0x7c00) == 0x7c00;
}

/** MXFP4, in blocks of 17 bytes: its scale is an exponent, of which 255 means NaN. */
function firstBadExponent(blocks: usize, end: usize): i32 {
  for (let at = blocks; at < end; at += 17) {
    if (load<u8>(at) == 0xff) return <i32>((at - blocks) / 17);
  }
  return -1;
}
