/**
 * The five 8-bit floating point types of torch.
 *
 * ```text
 *                  7 6       3 2     0                      7 6         2 1   0
 *                 +-+---------+-------+                    +-+-----------+-----+
 * e4m3fn, e4m3fnuz|s|exponent |fraction|    e5m2, e5m2fnuz |s| exponent  |fract|
 *                 +-+---------+-------+                    +-+-----------+-----+
 *
 * type      bias  infinity  NaN                    largest
 * e4m3fn       7  none      s.1111.111             448
 * e4m3fnuz     8  none      1.0000.000 (no -0)     240
 * e5m2        15  s.11111.00  s.11111.01 and above 57344
 * e5m2fnuz    16  none      1.00000.00 (no -0)     57344
 * e8m0fnu    127  none      255                    2^127   all eight bits are the exponent: powers of two
 * ```
 *
 * The letters say it: `f` finite, `n` NaN in a place of its own, `uz` an unsigned zero only, `u` no sign.
 * Every value is exact in float32. Weights in these types are read, never written.
 *
 * @see https://arxiv.org/abs/2209.05433
 * @see https://github.com/jax-ml/ml_dtypes
 * @module
 */

/** Names of the 8-bit floating point types. */
export type Float8Type = 'float8_e4m3fn' | 'float8_e4m3fnuz' | 'float8_e5m2' | 'float8_e5m2fnuz' | 'float8_e8m0fnu';

interface Layout {
  readonly fractionBits: number;
  readonly bias: number;
  /** What the patterns that are not numbers mean; undefined for a number. */
  readonly special: (pattern: number) => number | undefined;
}

const LAYOUTS: Readonly<Record<Exclude<Float8Type, 'float8_e8m0fnu'>, Layout>> = {
  float8_e4m3fn: { fractionBits: 3, bias: 7, special: (pattern) => ((pattern & 0x7f) === 0x7f ? NaN : undefined) },
  float8_e4m3fnuz: { fractionBits: 3, bias: 8, special: (pattern) => (pattern === 0x80 ? NaN : undefined) },
  float8_e5m2: {
    fractionBits: 2,
    bias: 15,
    special: (pattern) => ((pattern & 0x7c) !== 0x7c ? undefined : (pattern & 3) === 0 ? Infinity : NaN),
  },
  float8_e5m2fnuz: { fractionBits: 2, bias: 16, special: (pattern) => (pattern === 0x80 ? NaN : undefined) },
};

const tables = new Map<Float8Type, Float32Array>();

/** Decodes 8-bit floats into as many float32; exact. The first call for a type builds a table of 1 KiB. */
export function decodeFloat8(type: Float8Type, bytes: Uint8Array, out: Float32Array): void {
  const table = tables.get(type) ?? Float32Array.from({ length: 256 }, (_, pattern) => valueOf(type, pattern));
  tables.set(type, table);
  for (let i = 0; i < out.length; i++) out[i] = table[bytes[i]!]!;
}

function valueOf(type: Float8Type, pattern: number): number {
  if (type === 'float8_e8m0fnu') return pattern === 0xff ? NaN : 2 ** (pattern - 127);
  const { fractionBits, bias, special } = LAYOUTS[type];
  const sign = pattern & 0x80 ? -1 : 1;
  const exponent = (pattern & 0x7f) >>> fractionBits;
  const fraction = (pattern & ((1 << fractionBits) - 1)) / (1 << fractionBits);
  const magnitude = exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias);
  return sign * (special(pattern) ?? magnitude);
}
