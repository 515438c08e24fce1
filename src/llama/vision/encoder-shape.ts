/**
 * Shape of the vision encoder, read off its tensors: `params.json` says only how large a tile is.
 *
 * Meta's code has the shape of the releases written into it (width 1280, 32 and 8 blocks); where the width is that, the
 * depth must be too, so that a missing block is missed.
 *
 * @module
 */
import type { VisionEncoderShape } from '../family.js';
import { LlamaError } from '../model.js';
import type { Shards } from '../shards.js';
import { ENCODER } from './layout.js';

/** The encoder of the releases. */
export const RELEASED_ENCODER = { width: 1280, nLayers: 32, nGlobalLayers: 8, joinedLayers: 5, patchSize: 14 } as const;

/** Most blocks that are believed: names are made for each of them. */
const MOST_BLOCKS = 4096;

/**
 * The shape; reads nothing.
 *
 * @throws LlamaError `llama/missing-tensor`, `llama/wrong-shape`
 */
export function encoderShape(shards: Shards): VisionEncoderShape {
  const { tensors, path } = shards[0];
  const extents = (name: string, count: number): readonly number[] => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new LlamaError('llama/missing-tensor', `the tensor ${name} is missing`, { path });
    if (tensor.shape.length === count && tensor.shape.every((extent) => extent > 0)) return tensor.shape;
    const message = `${name} has shape (${tensor.shape.join(', ')}); ${count} extents above zero were expected`;
    throw new LlamaError('llama/wrong-shape', message, { path });
  };
  const [width = 0] = extents(`${ENCODER}class_embedding`, 1);
  const [rows = 0] = extents(`${ENCODER}positional_embedding`, 2);
  const [, patch = 0] = extents(`${ENCODER}conv1._linear.weight`, 2);
  const [, joined = 0] = extents('vision_model.vision_projection.weight', 2);
  const [ffnPart = 0] = extents(`${ENCODER}transformer.resblocks.0.mlp.c_fc.weight`, 2);
  const isReleased = width === RELEASED_ENCODER.width;
  return {
    width,
    ffnWidth: ffnPart * shards.length,
    nLayers: isReleased ? RELEASED_ENCODER.nLayers : blockCount(tensors, 'transformer'),
    nGlobalLayers: isReleased ? RELEASED_ENCODER.nGlobalLayers : blockCount(tensors, 'global_transformer'),
    joinedLayers: Math.max(0, Math.round(joined / width) - 1),
    patchSize: Math.max(1, Math.round(Math.sqrt(patch / 3))),
    positions: rows - 1,
  };
}

/** One more than the largest number that a block has. */
function blockCount(tensors: ReadonlyMap<string, unknown>, part: string): number {
  const prefix = `${ENCODER}${part}.resblocks.`;
  let count = 0;
  for (const name of tensors.keys()) {
    if (!name.startsWith(prefix)) continue;
    const index = Number.parseInt(name.slice(prefix.length), 10);
    if (index < MOST_BLOCKS) count = Math.max(count, index + 1);
  }
  return count;
}
