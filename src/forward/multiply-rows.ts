/**
 * Rows of any type for the WebAssembly kernels: as they are stored where there is a kernel, else as float32.
 *
 * @module
 */
import { type DType, byteLengthOf } from '../dtype.js';
import { ggmlTypeOf } from '../formats/gguf/tensor-types.js';
import { decodeToFloat32 } from '../quant/codec.js';
import type { WeightRows } from './kernels.js';
import type { Inputs, MatmulKernels, Outputs } from './kernels/matmul-kernels.js';
import { multiplyPlainly } from './plain-kernels.js';

/** Unpacked weights at a time: within the second-level cache of any machine. */
const SCRATCH_ELEMENTS = 1 << 16;

/** ggml's number for rows that a kernel multiplies as they are stored; undefined where there is none. */
export function kernelFormat(kernels: MatmulKernels, dtype: DType, rowLength: number): number | undefined {
  const format = ggmlTypeOf(dtype)?.id;
  return format !== undefined && kernels.canMultiply(format, rowLength) ? format : undefined;
}

/**
 * Multiplies rows of any type that can be decoded. Peak memory: some rows in float32.
 *
 * @throws QuantError `quant/no-decoder`
 */
export function multiplyRows(kernels: MatmulKernels, weights: WeightRows, inputs: Inputs, outputs: Outputs): void {
  const { dtype, bytes, rowCount, rowLength } = weights;
  const format = kernelFormat(kernels, dtype, rowLength);
  if (format !== undefined) kernels.multiply({ format, bytes, rowCount, rowLength }, inputs, outputs);
  else if (kernelFormat(kernels, 'float32', rowLength) !== undefined)
    multiplyDecoded(kernels, weights, inputs, outputs);
  else multiplyPlainly(weights, { ...inputs, ...outputs });
}

function multiplyDecoded(
  kernels: MatmulKernels,
  { dtype, bytes, rowCount, rowLength }: WeightRows,
  inputs: Inputs,
  { output, outputWidth, outputColumn }: Outputs,
): void {
  const rowBytes = bytes.byteLength / rowCount;
  const step = Math.max(1, Math.floor(SCRATCH_ELEMENTS / rowLength));
  const scratch = new Float32Array(Math.min(step, rowCount) * rowLength); // (rows, rowLength)
  for (let first = 0; first < rowCount; first += step) {
    const count = Math.min(step, rowCount - first);
    const values = scratch.subarray(0, count * rowLength);
    decodeToFloat32(dtype, bytes.subarray(first * rowBytes, (first + count) * rowBytes), values);
    const decoded = new Uint8Array(scratch.buffer, 0, byteLengthOf('float32', values.length));
    kernels.multiply({ format: 0, bytes: decoded, rowCount: count, rowLength }, inputs, {
      output,
      outputWidth,
      outputColumn: outputColumn + first,
    });
  }
}
