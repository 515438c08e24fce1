/**
 * The nearest value of 4-bit floating point: `quant/blocks/float4.ts`.
 *
 * @module
 */

/** Twice the magnitude of each pattern without its sign. */
const MAGNITUDES = memory.data<u8>([0, 1, 2, 3, 4, 6, 8, 12]);

/**
 * The pattern nearest to a value, found as ggml finds it: by trying all. Needed where a product overflows, or where
 * the value is so much larger than all that the differences are the same; elsewhere comparing with the points half way gives the same.
 */
export function nearestPattern(value: f32, scale: f32): u32 {
  let nearest: u32 = 0;
  let smallest = abs(value);
  for (let pattern: u32 = 1; pattern < 16; pattern++) {
    const magnitude = <f32>load<u8>(MAGNITUDES + (pattern & 7));
    const error = abs((pattern < 8 ? magnitude : -magnitude) * scale - value);
    if (error < smallest) {
      nearest = pattern;
      smallest = error;
    }
  }
  return nearest;
}
