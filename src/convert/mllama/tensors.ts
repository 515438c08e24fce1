/**
 * The tensors of Llama 3.2 Vision as Hugging Face has them, in the order of transformers' state dict.
 *
 * Three differ in more than the name. The learned rows are the last rows of the embedding. The patch embedding is a
 * convolution, the same numbers with more extents. And each position embedding of tiles is laid out once for every
 * supported arrangement of tiles, in the place of the tiles that the arrangement lacks zeros.
 *
 * @see https://github.com/huggingface/transformers/blob/v4.45.2/src/transformers/models/mllama/modeling_mllama.py
 * @module
 */
import type { DType } from '../../dtype.js';
import { type Tensor, rowByteLengthOf } from '../../formats/tensor.js';
import type { VisionFamily } from '../../llama/family.js';
import { rotaryHeads } from '../../llama/layout.js';
import { type LlamaModel, expectTensor } from '../../llama/model.js';
import { toHfRowOrder } from '../../llama/row-order.js';
import { concatRows } from '../../llama/views.js';
import { type BlockPlaces, blockPlaces, mllamaName } from '../../llama/vision/hf-names.js';
import { ENCODER } from '../../llama/vision/layout.js';
import { bufferFor } from '../../source/byte-source.js';
import { type LooseTensor, castTensor } from '../cast.js';

/** A number of tiles beside and below each other. */
export type TileGrid = readonly [height: number, width: number];

/** Every arrangement of at most so many tiles, in the order in which transformers numbers them, from 1. */
export function tileGrids(maxTiles: number): TileGrid[] {
  const sides = Array.from({ length: maxTiles }, (_, index) => index + 1);
  return sides.flatMap((height) =>
    sides.filter((width) => height * width <= maxTiles).map((width): TileGrid => [height, width]),
  );
}

/** The tensors, each in the type given or its own; lazy. @throws LlamaError, ConvertError `convert/unsupported-type` */
export function mllamaTensors(model: LlamaModel, family: VisionFamily, dtype: DType | undefined): LooseTensor[] {
  const { config } = model;
  const places = blockPlaces(config.nLayers, family.nCrossLayers);
  return canonicalOrder(family, places).map((from) => {
    const { tensor, shape } = inHfForm(model, family, from);
    const target = { name: mllamaName(from, places), from, dtype: dtype ?? tensor.dtype };
    return castTensor(tensor, { ...target, ...(shape && { shape }) });
  });
}

const BLOCK = ['attention.wq', 'attention.wk', 'attention.wv', 'attention.wo'];
const FEED_FORWARD = ['feed_forward.w1', 'feed_forward.w3', 'feed_forward.w2'];
const ENCODER_BLOCK = [
  ...['attn.wq.weight', 'attn.wk.weight', 'attn.wv.weight', 'attn.wo.weight', 'mlp.c_fc.weight', 'mlp.c_fc.bias'],
  ...['mlp.c_proj.weight', 'mlp.c_proj.bias', 'ln_1.weight', 'ln_1.bias', 'ln_2.weight', 'ln_2.bias'],
];

/** Canonical names in the order of transformers' state dict. */
function canonicalOrder({ encoder }: VisionFamily, { cross, text }: BlockPlaces): string[] {
  const whole = (...names: string[]): string[] => names.map((name) => `${ENCODER}${name}`);
  const blocks = (part: string, count: number, names: readonly string[]): string[] =>
    Array.from({ length: count }, (_, index) =>
      names.map((name) => `${ENCODER}${part}.resblocks.${index}.${name}`),
    ).flat();
  const layers = Array.from({ length: cross.length + text.length }, (_, place) =>
    cross.includes(place) ? crossBlock(cross.indexOf(place)) : textBlock(text.indexOf(place)),
  );
  return [
    ...whole('class_embedding', 'conv1._linear.weight', 'gated_positional_embedding_gate', 'positional_embedding'),
    ...whole('gated_positional_embedding', 'pre_tile_pos_embed.gate', 'pre_tile_pos_embed.embedding'),
    ...whole('post_tile_pos_embed.gate', 'post_tile_pos_embed.embedding'),
    ...whole('ln_pre.weight', 'ln_pre.bias', 'ln_post.weight', 'ln_post.bias'),
    ...blocks('transformer', encoder.nLayers, ENCODER_BLOCK),
    ...blocks('global_transformer', encoder.nGlobalLayers, ['gate_attn', 'gate_ffn', ...ENCODER_BLOCK]),
    ...['tok_embeddings.weight', ...layers.flat(), 'norm.weight', 'output.weight'],
    ...['vision_model.vision_projection.weight', 'vision_model.vision_projection.bias'],
  ];
}

function textBlock(index: number): string[] {
  return [...BLOCK, ...FEED_FORWARD, 'attention_norm', 'ffn_norm'].map((role) => `layers.${index}.${role}.weight`);
}

function crossBlock(index: number): string[] {
  const roles = [...BLOCK, 'attention.q_norm', 'attention.k_norm', 'attention_norm', ...FEED_FORWARD, 'ffn_norm'];
  const names = ['gate_attn', 'gate_ffwd', ...roles.map((role) => `${role}.weight`)];
  return names.map((name) => `cross_attention_layers.${index}.${name}`);
}

interface HfForm {
  readonly tensor: Tensor;
  /** Extents where they are others than those of the tensor that is streamed. */
  readonly shape?: readonly number[];
}

function inHfForm(model: LlamaModel, family: VisionFamily, name: string): HfForm {
  const tensor = expectTensor(model, name);
  const { width, patchSize, positions } = family.encoder;
  switch (name) {
    case 'tok_embeddings.weight':
      return { tensor: concatRows(name, [tensor, expectTensor(model, 'learnable_embedding.weight')]) };
    case `${ENCODER}conv1._linear.weight`:
      return { tensor, shape: [width, 3, patchSize, patchSize] };
    case `${ENCODER}gated_positional_embedding`:
      return byTileGrid(tensor, family.maxTiles, positions + 1);
    case `${ENCODER}pre_tile_pos_embed.embedding`:
    case `${ENCODER}post_tile_pos_embed.embedding`:
      return byTileGrid(tensor, family.maxTiles, 1);
    default: {
      const heads = rotaryHeads(name, model.config);
      return { tensor: heads === undefined ? tensor : toHfRowOrder(tensor, model.config.headDim) };
    }
  }
}

/**
 * An embedding (tiles, tiles, patches, width) of each place of a tile as a table (1 + grids, tiles * patches * width):
 * a row for each arrangement, its tiles in reading order, then zeros; the first row, for no image, is all zeros.
 * Streams rows of `width`; one read for each tile of a block.
 */
function byTileGrid(tensor: Tensor, maxTiles: number, patches: number): HfForm {
  const width = tensor.shape.at(-1) ?? 0;
  const rowBytes = rowByteLengthOf(tensor);
  const grids: readonly TileGrid[] = [[0, 0], ...tileGrids(maxTiles)];
  const rows = grids.length * maxTiles * patches;
  const view: Tensor = {
    ...{ name: tensor.name, dtype: tensor.dtype, shape: [rows, width] },
    readRows: async (first, count, options) => {
      const bytes = bufferFor(count * rowBytes, options).fill(0);
      for (let row = first; row < first + count;) {
        const tile = Math.floor(row / patches);
        const run = Math.min((tile + 1) * patches, first + count) - row;
        const place = placeOf(grids[Math.floor(tile / maxTiles)]!, tile % maxTiles);
        if (place !== undefined) {
          const [down, across] = place;
          const at = (down * maxTiles + across) * patches + (row % patches);
          bytes.set(await tensor.readRows(at, run, { ...options, into: undefined }), (row - first) * rowBytes);
        }
        row += run;
      }
      return bytes;
    },
  };
  return { tensor: view, shape: [grids.length, maxTiles * patches * width] };
}

/** Where the n-th tile of an arrangement stands; undefined when it has no more than n. */
function placeOf([height, width]: TileGrid, tile: number): TileGrid | undefined {
  return tile < height * width ? [Math.floor(tile / width), tile % width] : undefined;
}
