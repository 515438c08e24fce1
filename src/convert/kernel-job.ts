/**
 * A block of rows as the WebAssembly kernels take it.
 *
 * @module
 */
import { type DType, blockLayout, byteLengthOf, isQuantized } from '../dtype.js';
import { ggmlTypeOf } from '../formats/gguf/tensor-types.js';
import { rowLengthOf } from '../formats/tensor.js';
import { decodeToFloat32 } from '../quant/codec.js';
import type { KernelJob, KernelOutcome, KernelSource, QuantKernels } from '../quant/kernels/quant-kernels.js';
import { type PlannedRows, expectFinite, expectScales, sourceByteLength } from './encoder.js';
import type { TensorPiece } from './plan.js';
import type { Slot } from './slots.js';

/** ggml's number of the format that a kernel has to make of a tensor; undefined where there is none. */
export function kernelFormat(kernels: QuantKernels, { tensor, dtype }: TensorPiece): number | undefined {
  if (tensor.dtype === dtype || !isQuantized(dtype)) return undefined;
  const format = ggmlTypeOf(dtype)?.id;
  return format !== undefined && kernels.canQuantize(format) ? format : undefined;
}

/** Whether the weights of a tensor have to become float32 before a kernel reads them. */
function isDecodedFirst({ tensor, dtype }: TensorPiece): boolean {
  return isQuantized(dtype) && tensor.dtype !== dtype && !isKernelSource(tensor.dtype);
}

/** Bytes that the input of a slot takes: those of the block as it is read, or of its values in float32. */
export function kernelInputLength(rows: PlannedRows): number {
  const { piece, count } = rows;
  return isDecodedFirst(piece) ? byteLengthOf('float32', count * rowLengthOf(piece.shape)) : sourceByteLength(rows);
}

/**
 * The job of a block for a format. Its values lie in the slot's input: copied there when `source` is elsewhere,
 * decoded there when their type is none that kernels read.
 */
export function kernelJob(
  format: number,
  { piece, count }: PlannedRows,
  source: Uint8Array,
  { input }: Slot,
): KernelJob {
  const { dtype } = piece.tensor;
  const rowLength = rowLengthOf(piece.shape);
  const job = { format, rowLength, importance: piece.importance };
  if (!isKernelSource(dtype)) {
    const floats = new Float32Array(input.buffer, input.byteOffset, count * rowLength);
    decodeToFloat32(dtype, source, floats);
    return { ...job, source: 'float32', values: input.subarray(0, floats.byteLength) };
  }
  const values = input.subarray(0, source.byteLength);
  if (source.buffer !== input.buffer) values.set(source);
  return { ...job, source: dtype, values };
}

/** Throws what a kernel found. @throws ConvertError `convert/not-finite`, `convert/scale-overflow` */
export function expectKernelOutcome(rows: PlannedRows, { badValue, badBlock }: KernelOutcome): void {
  expectFinite(rows, badValue);
  expectScales(rows, badBlock, blockLayout(rows.piece.dtype).blockElements);
}

function isKernelSource(dtype: DType): dtype is KernelSource {
  return dtype === 'float32' || dtype === 'float16' || dtype === 'bfloat16';
}
