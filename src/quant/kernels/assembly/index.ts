/**
 * WebAssembly kernels of the number formats: the entry point, in AssemblyScript.
 *
 * Compiled by `scripts/kernels.mjs` into `kernels.generated.js`. One file a format beside this one, each holding the
 * same algorithm as the TypeScript of the same name in `quant/blocks`, which is the one to read first: here only
 * the order of independent operations changes, never the order in which a sum is made.
 *
 * Float32 arithmetic of WebAssembly is IEEE without fused operations, so the bytes are ggml's.
 *
 * @module
 */
import { storeFloats } from './floats';
import { elementsOf, quantizeInGroups } from './groups';
import { quantizeIQ4_NL, quantizeIQ4_XS } from './iq4';
import { quantizeQ2_K } from './q2-k';
import { quantizeQ3_K } from './q3-k';
import { quantizeQ4_K, quantizeQ5_K } from './q4-k';
import { quantizeQ6_K } from './q6-k';
import { expandToFloat32, firstNotFinite } from './rows';
import { firstBadScale } from './scales';
import { quantizeOffsetWeighted } from './weighted-offset';
import { quantizeSymmetricWeighted } from './weighted-symmetric';

export { castFloats } from './casts';

/** First byte that is free for the caller. */
export function heapBase(): usize {
  return __heap_base;
}

/** Whether {@link quantize} knows a format, given by ggml's number for its type. */
export function canQuantize(format: i32): bool {
  return isFloat(format) || isSimple(format) || (format >= 10 && format <= 14) || format == 20 || format == 23;
}

/** Values in a block of a format. */
export function blockElements(format: i32): i32 {
  return elementsOf(format);
}

/** Whether a format has one step of scales, and its blocks are made in groups. */
function isSimple(format: i32): bool {
  return format == 2 || format == 3 || (format >= 6 && format <= 8) || format == 34 || format == 35 || isNewest(format);
}

/** MXFP4, NVFP4, Q1_0 and Q2_0. */
function isNewest(format: i32): bool {
  return format >= 39 && format <= 42;
}

/** Whether a format holds floating point numbers without blocks: float32, float16, bfloat16. */
function isFloat(format: i32): bool {
  return format == 0 || format == 1 || format == 30;
}

/**
 * Quantizes `rows` rows of `rowLength` values from `src` into blocks at `dst`.
 *
 * `source` is ggml's number for the type of the values: 0 float32, 1 float16, 30 bfloat16. `importance` is the address
 * of `rowLength` float32 weights, or 0; `scratch` that of room for `rowLength` float32 values.
 *
 * Returns -1; or the index of the first value that is not finite, and then what stands at `dst` means nothing; or
 * -2 - n when the scale of block n is not finite.
 */
export function quantize(
  format: i32,
  source: i32,
  src: usize,
  dst: usize,
  rows: i32,
  rowLength: i32,
  importance: usize,
  scratch: usize,
): i32 {
  const blocks = dst;
  for (let row = 0; row < rows; row++) {
    let values = src;
    if (source == 0) {
      src += <usize>rowLength << 2;
    } else {
      values = scratch;
      expandToFloat32(source, src, values, rowLength);
      src += <usize>rowLength << 1;
    }
    if (isFloat(format)) {
      dst = storeFloats(format, values, dst, rowLength);
      continue;
    }
    const bad = firstNotFinite(values, rowLength);
    if (bad >= 0) return row * rowLength + bad;
    dst = quantizeRow(format, values, dst, rowLength, importance);
  }
  const bad = firstBadScale(format, blocks, dst);
  return bad < 0 ? -1 : -2 - bad;
}

function quantizeRow(format: i32, values: usize, dst: usize, rowLength: i32, importance: usize): usize {
  switch (format) {
    case 2:
    case 3:
    case 6:
    case 7:
      if (importance != 0) return quantizeWeighted(format, values, dst, rowLength, importance);
      return quantizeInGroups(format, values, dst, rowLength);
    case 8:
    case 34:
    case 35:
    case 39:
    case 40:
    case 41:
    case 42:
      return quantizeInGroups(format, values, dst, rowLength);
    case 10:
      return quantizeQ2_K(values, dst, rowLength, importance);
    case 11:
      return quantizeQ3_K(values, dst, rowLength, importance);
    case 12:
      return quantizeQ4_K(values, dst, rowLength, importance);
    case 13:
      return quantizeQ5_K(values, dst, rowLength, importance);
    case 14:
      return quantizeQ6_K(values, dst, rowLength, importance);
    case 20:
      return quantizeIQ4_NL(values, dst, rowLength, importance);
    case 23:
      return quantizeIQ4_XS(values, dst, rowLength, importance);
    default:
      return unreachable();
  }
}

function quantizeWeighted(format: i32, values: usize, dst: usize, rowLength: i32, importance: usize): usize {
  switch (format) {
    case 2:
      return quantizeSymmetricWeighted(8, values, dst, rowLength, importance);
    case 3:
      return quantizeOffsetWeighted(15, values, dst, rowLength, importance);
    case 6:
      return quantizeSymmetricWeighted(16, values, dst, rowLength, importance);
    default:
      return quantizeOffsetWeighted(31, values, dst, rowLength, importance);
  }
}
