/**
 * Matrix products in this thread, in WebAssembly.
 *
 * A product is summed in float32, 256 columns at a time, and the sums of these in order. That is less exact than the
 * float64 of `plain-kernels.ts`, by some 5e-7 of the largest product, and ten times faster.
 *
 * @module
 */
import { type Kernels, kernelsOf } from './kernels.js';
import { type MatmulKernels, createMatmulKernels } from './kernels/matmul-kernels.js';
import { multiplyRows } from './multiply-rows.js';
import { plainKernels } from './plain-kernels.js';

/** The fastest kernels that need no thread: WebAssembly, or plain TypeScript where a machine has none. */
export async function createKernels(): Promise<Kernels> {
  const kernels = await createMatmulKernels();
  return kernels === undefined ? plainKernels : wasmKernels(kernels);
}

/** Kernels over one instance of the compiled ones. Peak memory: two blocks, and some 10 MB for the instance. */
export function wasmKernels(kernels: MatmulKernels): Kernels {
  return kernelsOf((input) => {
    let inputs: { input: Float32Array; tokens: number } | undefined;
    return (weights, activations) => {
      inputs ??= { input, tokens: activations.tokens };
      multiplyRows(kernels, weights, inputs, activations);
    };
  });
}
