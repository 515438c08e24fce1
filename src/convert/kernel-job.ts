/**
 * A block of rows as quantizers take it, in the buffers of its slot.
 *
 * @module
 */
import { ggmlTypeOf } from '../formats/gguf/tensor-types.js';
import { rowLengthOf } from '../formats/tensor.js';
import { decodeToFloat32 } from '../quant/codec.js';
import type { KernelJob, QuantKernels } from '../quant/kernels/quant-kernels.js';
import { type PlannedRows, floatByteLength, isKernelSource, isToBeQuantized } from './encoder.js';
import type { TensorPiece } from './plan.js';
import { type Slot, inputOffset } from './slots.js';

/** ggml's number of the format that a kernel has to make of a tensor; undefined where there is none. */
export function kernelFormat(kernels: QuantKernels, piece: TensorPiece): number | undefined {
  const format = isToBeQuantized(piece) ? ggmlTypeOf(piece.dtype)?.id : undefined;
  return format !== undefined && kernels.canQuantize(format) ? format : undefined;
}

/**
 * The job of a block for a kernel. Its values lie in the slot's input: copied there when `source` is elsewhere,
 * decoded there when their type is none that kernels read.
 */
export function kernelJob(format: number, rows: PlannedRows, source: Uint8Array, slot: Slot): KernelJob {
  const { tensor, importance } = rows.piece;
  const job = { format, rowLength: rowLengthOf(tensor.shape), importance };
  if (isKernelSource(tensor.dtype)) return { ...job, source: tensor.dtype, values: inSlot(rows, source, slot) };
  const values = slot.input.subarray(0, floatByteLength(rows)); // what was read lies behind them
  decodeToFloat32(tensor.dtype, source, new Float32Array(values.buffer, values.byteOffset, values.byteLength / 4));
  return { ...job, source: 'float32', values };
}

/** The rows as they were read, in the slot's input: copied there when they are elsewhere. */
export function inSlot(rows: PlannedRows, source: Uint8Array, { input }: Slot): Uint8Array {
  if (source.buffer === input.buffer) return source;
  const offset = inputOffset(rows);
  const values = input.subarray(offset, offset + source.byteLength);
  values.set(source);
  return values;
}
