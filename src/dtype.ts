/**
 * Element types and their sizes.
 *
 * One vocabulary for three file formats: PyTorch's names for plain elements, ggml's for quantized
 * blocks. Every type is a block of `blockElements` elements in `blockBytes` bytes; for plain types
 * the block is one element. A row of a quantized tensor holds a whole number of blocks.
 *
 * @see https://pytorch.org/docs/stable/tensor_attributes.html#torch-dtype
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml.c (type_traits)
 * @module
 */

/** Elements per block and bytes per block. */
export interface BlockLayout {
  /** Elements that are stored together; 1 for plain types. */
  readonly blockElements: number;
  /** Bytes that one block takes. */
  readonly blockBytes: number;
}

function plain(blockBytes: number): BlockLayout {
  return { blockElements: 1, blockBytes };
}

function blocks(blockElements: number, blockBytes: number): BlockLayout {
  return { blockElements, blockBytes };
}

const LAYOUTS = {
  float64: plain(8),
  float32: plain(4),
  float16: plain(2),
  bfloat16: plain(2),
  float8_e4m3fn: plain(1),
  float8_e4m3fnuz: plain(1),
  float8_e5m2: plain(1),
  float8_e5m2fnuz: plain(1),
  float8_e8m0fnu: plain(1),
  float4_e2m1fn_x2: plain(1),
  complex32: plain(4),
  complex64: plain(8),
  complex128: plain(16),
  int8: plain(1),
  int16: plain(2),
  int32: plain(4),
  int64: plain(8),
  uint8: plain(1),
  uint16: plain(2),
  uint32: plain(4),
  uint64: plain(8),
  bool: plain(1),
  qint8: plain(1),
  quint8: plain(1),
  qint32: plain(4),
  quint4x2: blocks(2, 1),
  quint2x4: blocks(4, 1),
  bits8: plain(1),
  bits16: plain(2),
  bits1x8: plain(1),
  bits2x4: plain(1),
  bits4x2: plain(1),
  q4_0: blocks(32, 18),
  q4_1: blocks(32, 20),
  q5_0: blocks(32, 22),
  q5_1: blocks(32, 24),
  q8_0: blocks(32, 34),
  q8_1: blocks(32, 36),
  q2_k: blocks(256, 84),
  q3_k: blocks(256, 110),
  q4_k: blocks(256, 144),
  q5_k: blocks(256, 176),
  q6_k: blocks(256, 210),
  q8_k: blocks(256, 292),
  iq2_xxs: blocks(256, 66),
  iq2_xs: blocks(256, 74),
  iq3_xxs: blocks(256, 98),
  iq1_s: blocks(256, 50),
  iq4_nl: blocks(32, 18),
  iq3_s: blocks(256, 110),
  iq2_s: blocks(256, 82),
  iq4_xs: blocks(256, 136),
  iq1_m: blocks(256, 56),
  tq1_0: blocks(256, 54),
  tq2_0: blocks(256, 66),
  mxfp4: blocks(32, 17),
  nvfp4: blocks(64, 36),
  q1_0: blocks(128, 18),
  q2_0: blocks(64, 18),
} as const satisfies Record<string, BlockLayout>;

/** Name of an element type. */
export type DType = keyof typeof LAYOUTS;

/** Whether an element type has that name. */
export function isDType(name: string): name is DType {
  return Object.hasOwn(LAYOUTS, name);
}

/** Elements and bytes of one block of a type. */
export function blockLayout(dtype: DType): BlockLayout {
  return LAYOUTS[dtype];
}

/** Whether the type stores several elements in one block, so that single elements cannot be addressed. */
export function isQuantized(dtype: DType): boolean {
  return LAYOUTS[dtype].blockElements > 1;
}

/** Number of elements of a shape; 1 for a scalar's empty shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Bytes that `elements` elements of a type take, rounded up to whole blocks. */
export function byteLengthOf(dtype: DType, elements: number): number {
  const { blockElements, blockBytes } = LAYOUTS[dtype];
  return Math.ceil(elements / blockElements) * blockBytes;
}
