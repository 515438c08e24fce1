/**
 * Rows of the formats whose blocks are quantized in groups of four.
 *
 * A row that does not end with a group is filled up with zeros in a place aside, and of what comes out only the blocks
 * of the row are kept.
 *
 * @module
 */
import { quantizeMXFP4 } from './mxfp4';
import { quantizeNVFP4 } from './nvfp4';
import { quantizeQ1_0 } from './q1-0';
import { quantizeQ2_0 } from './q2-0';
import { quantizeQ4_0 } from './q4-0';
import { quantizeQ4_1 } from './q4-1';
import { quantizeQ5_0 } from './q5-0';
import { quantizeQ5_1 } from './q5-1';
import { quantizeQ8_0 } from './q8-0';
import { quantizeTQ1_0 } from './tq1-0';
import { quantizeTQ2_0 } from './tq2-0';

/** Most bytes that a group of values has: four blocks of 256. */
const GROUP_VALUES = 4 * 256 * 4;

/** Most bytes that a group of blocks has. */
const GROUP_BLOCKS = 1024;

const paddedValues = memory.data(GROUP_VALUES, 16);
const paddedBlocks = memory.data(GROUP_BLOCKS, 16);

/** Quantizes a row without importances; returns the address behind the last block. */
export function quantizeInGroups(format: i32, src: usize, dst: usize, length: i32): usize {
  const blockElements = elementsOf(format);
  const blockBytes = bytesOf(format);
  const groupElements = blockElements << 2;
  const rest = length & (groupElements - 1);
  const whole = length - rest;
  if (whole > 0) quantizeGroups(format, src, dst, whole);
  dst += (<usize>whole / blockElements) * blockBytes;
  if (rest == 0) return dst;
  memory.fill(paddedValues, 0, <usize>groupElements << 2);
  memory.copy(paddedValues, src + (<usize>whole << 2), <usize>rest << 2);
  quantizeGroups(format, paddedValues, paddedBlocks, groupElements);
  const restBytes = (<usize>rest / blockElements) * blockBytes;
  memory.copy(dst, paddedBlocks, restBytes);
  return dst + restBytes;
}

function quantizeGroups(format: i32, src: usize, dst: usize, length: i32): void {
  switch (format) {
    case 2:
      quantizeQ4_0(src, dst, length);
      break;
    case 3:
      quantizeQ4_1(src, dst, length);
      break;
    case 6:
      quantizeQ5_0(src, dst, length);
      break;
    case 7:
      quantizeQ5_1(src, dst, length);
      break;
    case 8:
      quantizeQ8_0(src, dst, length);
      break;
    case 34:
      quantizeTQ1_0(src, dst, length);
      break;
    case 35:
      quantizeTQ2_0(src, dst, length);
      break;
    case 39:
      quantizeMXFP4(src, dst, length);
      break;
    case 40:
      quantizeNVFP4(src, dst, length);
      break;
    case 41:
      quantizeQ1_0(src, dst, length);
      break;
    case 42:
      quantizeQ2_0(src, dst, length);
      break;
    default:
      unreachable();
  }
}

/** Values in a block. */
export function elementsOf(format: i32): i32 {
  if (format >= 10 && format <= 15) return 256;
  switch (format) {
    case 0:
    case 1:
    case 30:
      return 1;
    case 23:
    case 34:
    case 35:
      return 256;
    case 41:
      return 128;
    case 40:
    case 42:
      return 64;
    default:
      return 32;
  }
}

/** Bytes of a block. */
function bytesOf(format: i32): i32 {
  switch (format) {
    case 2:
      return 18;
    case 3:
      return 20;
    case 6:
      return 22;
    case 7:
      return 24;
    case 8:
      return 34;
    case 34:
      return 54;
    case 35:
      return 66;
    case 39:
      return 17;
    case 40:
      return 36;
    case 41:
    case 42:
      return 18;
    default:
      return unreachable();
  }
}
