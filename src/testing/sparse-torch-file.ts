/**
 * A `.pth` of real size whose weights are all zero and exist nowhere.
 *
 * Not part of the package.
 *
 * @module
 */
import { torchFileParts } from '../formats/torch/file-parts.js';
import { type TorchEntry, planTorchFile } from '../formats/torch/write.js';
import { expectedTensors } from '../llama/layout.js';
import type { LlamaConfig } from '../llama/model.js';
import type { ServedFile } from './http-server.js';

/** The shape of Llama 3.2 1B, whose file has 2.47 GB. */
export const SHAPE_OF_1B: LlamaConfig = {
  ...{ dim: 2048, nLayers: 16, nHeads: 32, nKvHeads: 8, headDim: 64, ffnDim: 8192, vocabSize: 128_256 },
  ...{ normEps: 1e-5, ropeTheta: 500_000, contextLength: 131_072, tied: true },
  ropeScaling: { factor: 32, lowFreqFactor: 1, highFreqFactor: 4, originalContextLength: 8192 },
};

/** The file of a model of this shape as `torch.save` lays it out, with the checksums left at zero. */
export function sparseTorchFile(config: LlamaConfig): ServedFile {
  const entries = expectedTensors(config).map(({ name, shape }): TorchEntry => ({ name, shape, dtype: 'bfloat16' }));
  const plan = planTorchFile(entries, { archiveName: 'consolidated.00' });
  const pieces: { readonly start: number; readonly bytes: Uint8Array }[] = [];
  let at = 0;
  for (const part of torchFileParts(plan)) {
    if (part.kind === 'storage') {
      at = part.fileOffset + (plan.storages.find(({ entry }) => entry === part.entry)?.byteLength ?? 0);
      continue;
    }
    const bytes = part.kind === 'bytes' ? part.bytes : part.make(() => 0);
    pieces.push({ start: at, bytes });
    at += bytes.byteLength;
  }
  return { size: plan.byteLength, read: (start, end) => stretchOf(pieces, start, end) };
}

function stretchOf(
  pieces: readonly { readonly start: number; readonly bytes: Uint8Array }[],
  start: number,
  end: number,
): Uint8Array {
  const stretch = new Uint8Array(end - start);
  for (const piece of pieces) {
    const from = Math.max(start, piece.start);
    const to = Math.min(end, piece.start + piece.bytes.byteLength);
    if (from < to) stretch.set(piece.bytes.subarray(from - piece.start, to - piece.start), from - start);
  }
  return stretch;
}
