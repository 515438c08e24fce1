import { afterEach, describe, expect, it, vi } from 'vitest';

import { memoryTensor } from '../testing/synthetic-model.js';
import { createKernels } from './wasm-kernels.js';

afterEach(() => {
  vi.doUnmock('./kernels/matmul-kernels.js');
  vi.resetModules();
});

describe('createKernels', () => {
  it('keeps products apart that are asked for at the same time', async () => {
    const kernels = await createKernels();
    const weights = memoryTensor('m', [3, 2], Float32Array.of(1, 0, 0, 1, 1, 1), 'float32');
    const slow = { ...weights, readRows: async (...args: Parameters<typeof weights.readRows>) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return weights.readRows(...args);
    } }; // prettier-ignore
    const [first, second] = await Promise.all([
      kernels.multiply(Float32Array.of(1, 2), [slow, weights]),
      kernels.multiply(Float32Array.of(30, 40, 5, 6), [weights, slow]),
    ]);
    expect(first.map((product) => [...product])).toEqual([[1, 2, 3], [1, 2, 3]]); // prettier-ignore
    expect(second.map((product) => [...product])).toEqual(Array(2).fill([30, 40, 70, 5, 6, 11]));
    await kernels.close();
  });

  it('is plain TypeScript on a machine that cannot run the compiled kernels, in Node too', async () => {
    vi.resetModules();
    vi.doMock('./kernels/matmul-kernels.js', () => ({ createMatmulKernels: async () => undefined, compileMatmulKernels: async () => undefined })); // prettier-ignore
    const { plainKernels } = await import('./plain-kernels.js');
    const here = await import('./wasm-kernels.js');
    const node = await import('./kernel-pool-node.js');
    expect(await here.createKernels()).toBe(plainKernels);
    expect(await node.createNodeKernels()).toBe(plainKernels);
  });
});
