/**
 * Weights of every type that the kernels know as float32, to the bit as in `quant/`.
 *
 * @module
 */
import { expandToFloat32 } from '../../../quant/kernels/assembly/rows';
import { unpackQ4_0, unpackQ8_0 } from './blocks32';
import { unpackQ4_K, unpackQ5_K, unpackQ6_K } from './super-blocks';

/** Whether {@link unpack} knows a type, given by ggml's number. */
export function canUnpack(format: i32): bool {
  return (format >= 0 && format <= 2) || format == 8 || (format >= 12 && format <= 14) || format == 30;
}

/** Turns `length` weights at `src` into float32 at `dst`. */
export function unpack(format: i32, src: usize, dst: usize, length: i32): void {
  switch (format) {
    case 0:
      memory.copy(dst, src, <usize>length << 2);
      break;
    case 1:
      expandToFloat32(format, src, dst, length);
      break;
    case 30:
      unpackBfloat16(src, dst, length);
      break;
    case 2:
      unpackQ4_0(src, dst, length);
      break;
    case 8:
      unpackQ8_0(src, dst, length);
      break;
    case 12:
      unpackQ4_K(src, dst, length);
      break;
    case 13:
      unpackQ5_K(src, dst, length);
      break;
    case 14:
      unpackQ6_K(src, dst, length);
      break;
    default:
      unreachable();
  }
}

/** The upper halves of float32 values; this order of lanes is an instruction of its own on x86. */
function unpackBfloat16(src: usize, dst: usize, length: i32): void {
  const end = src + (<usize>length << 1);
  const zero = i32x4.splat(0);
  for (; src + 32 <= end; src += 32, dst += 64) {
    const first = v128.load(src);
    const second = v128.load(src, 16);
    v128.store(dst, v128.shuffle<i16>(zero, first, 0, 8, 1, 9, 2, 10, 3, 11));
    v128.store(dst, v128.shuffle<i16>(zero, first, 4, 12, 5, 13, 6, 14, 7, 15), 16);
    v128.store(dst, v128.shuffle<i16>(zero, second, 0, 8, 1, 9, 2, 10, 3, 11), 32);
    v128.store(dst, v128.shuffle<i16>(zero, second, 4, 12, 5, 13, 6, 14, 7, 15), 48);
  }
  for (; src < end; src += 2, dst += 4) store<u32>(dst, <u32>load<u16>(src) << 16);
}
