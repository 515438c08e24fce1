/**
 * Releases as models whose tensors have names, types and shapes but no bytes.
 *
 * Not part of the package.
 *
 * @module
 */
import type { PlannedFile } from '../convert/plan.js';
import type { DType } from '../dtype.js';
import { expectedTensors } from '../llama/layout.js';
import type { LlamaConfig, LlamaModel } from '../llama/model.js';
import { llama3Scaling } from '../llama/rope.js';
import type { ByteSource } from '../source/byte-source.js';
import type { Folder } from '../source/folder.js';
import { knownBytes } from './planned-files.js';
import { modelOf } from './synthetic-model.js';

/** Hyperparameters of Llama 3.1 8B. */
export const LLAMA_3_1_8B: LlamaConfig = {
  ...{ dim: 4096, nLayers: 32, nHeads: 32, nKvHeads: 8, headDim: 128, ffnDim: 14336, vocabSize: 128256 },
  ...{ normEps: 1e-5, ropeTheta: 5e5, ropeScaling: llama3Scaling(8), contextLength: 131072, tied: false },
};

/** Hyperparameters of Llama 3.2 1B. */
export const LLAMA_3_2_1B: LlamaConfig = {
  ...{ ...LLAMA_3_1_8B, dim: 2048, nLayers: 16, headDim: 64, ffnDim: 8192 },
  ...{ ropeScaling: llama3Scaling(32), tied: true },
};

/** A model of these hyperparameters of which nothing can be read. */
export function shapeOnly(config: LlamaConfig, name: string, dtype: DType = 'bfloat16'): LlamaModel {
  const tensors = expectedTensors(config).map(({ name: tensor, shape }) => ({
    ...{ name: tensor, shape, dtype },
    readRows: () => Promise.reject(new Error(`${tensor} was read`)),
  }));
  return modelOf(config, tensors, name);
}

/** A folder of planned files whose weights are all zero: they are made when they are read, and take no room. */
export function standInFolder(files: readonly PlannedFile[], name: string): Folder {
  const byName = new Map(files.map((file) => [file.name, file]));
  return {
    name,
    list: async () => files.map((file) => ({ name: file.name, size: file.byteLength })),
    has: async (file) => byName.has(file),
    open: async (file) => standInSource(byName.get(file)!, `${name}/${file}`),
  };
}

function standInSource({ byteLength, pieces }: PlannedFile, name: string): ByteSource {
  const read = (offset: number, target: Uint8Array): Uint8Array => {
    target.fill(0);
    let start = 0;
    for (const piece of pieces) {
      const known = knownBytes(piece);
      const length = piece.kind === 'bytes' ? piece.bytes.byteLength : piece.byteLength;
      const [from, to] = [Math.max(offset, start), Math.min(offset + target.byteLength, start + length)];
      if (known !== undefined && from < to) {
        target.set(known.subarray(from - start, to - start), from - offset);
      }
      start += length;
    }
    return target;
  };
  return {
    ...{ name, size: byteLength, close: async () => {}, [Symbol.asyncDispose]: async () => {} },
    read: async (offset, length) => read(offset, new Uint8Array(length)),
    readInto: async (offset, target) => void read(offset, target),
  };
}
