/**
 * The tensors of Llama 3.2 Vision beside those of its text model: names, shapes, and how shards cut them.
 *
 * In the canonical form the prefix `text_model.` is left out, so that the text part has the names of any Llama.
 * The cross-attention blocks keep a list of their own, as at Meta; {@link fusionSchedule} says where they run.
 *
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama3/multimodal/model.py
 * @module
 */
import type { VisionEncoderShape, VisionFamily } from '../family.js';
import type { ExpectedTensor, ShardSplit } from '../layout.js';
import type { LlamaConfig } from '../model.js';

/** What Meta's files put before the names of the text model. */
export const TEXT_PREFIX = 'text_model.';

/** Rows that are learned for images and stand behind the embedding of the text. */
export const LEARNED_ROWS = 8;

/** Canonical name of the tensor that holds them. */
export const LEARNED_EMBEDDING = 'learnable_embedding.weight';

/** Where the encoder's names begin. */
export const ENCODER = 'vision_model.vision_encoder.';

const CHANNELS = 3;

/** A group of tensors: the end of the name, the shape, the cut. */
type Part = readonly [name: string, shape: readonly number[], split: ShardSplit];

/** Every tensor but those of the text model itself, in the order of Meta's state dict. */
export function expectedVisionTensors(config: LlamaConfig, family: VisionFamily): ExpectedTensor[] {
  const { encoder } = family;
  const blocks = (prefix: string, count: number, parts: readonly Part[]): ExpectedTensor[] =>
    Array.from({ length: count }, (_, index) => named(`${prefix}.${index}.`, parts)).flat();
  return [
    ...named(ENCODER, encoderParts(family)),
    ...blocks(`${ENCODER}transformer.resblocks`, encoder.nLayers, encoderBlock(encoder)),
    ...blocks(`${ENCODER}global_transformer.resblocks`, encoder.nGlobalLayers, [
      ...gates('gate_attn', 'gate_ffn'),
      ...encoderBlock(encoder),
    ]),
    ...named('vision_model.vision_projection.', [
      ['weight', [config.dim, encoder.width * (1 + encoder.joinedLayers)], 'rows'],
      ['bias', [config.dim], 'rows'],
    ]),
    ...named('', [[LEARNED_EMBEDDING, [LEARNED_ROWS, config.dim], 'rows']]),
    ...blocks('cross_attention_layers', family.nCrossLayers, crossBlock(config)),
  ];
}

/**
 * Text blocks before which the cross-attention blocks run, in order: every `ceil(layers / cross layers)`-th, counted from
 * the last (3, 7, 11, … 31 for the 11B). Fewer than there are cross layers where these do not fit.
 */
export function fusionSchedule(nLayers: number, nCrossLayers: number): number[] {
  const every = Math.ceil(nLayers / nCrossLayers);
  return Array.from({ length: nCrossLayers }, (_, index) => nLayers - 1 - index * every)
    .filter((layer) => layer >= 0)
    .reverse();
}

/** Whether a canonical tensor holds an embedding for each place of a tile, (tiles, tiles, patches, width). */
export function isTileEmbedding(name: string): boolean {
  const parts = ['gated_positional_embedding', 'pre_tile_pos_embed.embedding', 'post_tile_pos_embed.embedding'];
  return parts.some((part) => name === `${ENCODER}${part}`);
}

function named(prefix: string, parts: readonly Part[]): ExpectedTensor[] {
  return parts.map(([name, shape, split]) => ({ name: `${prefix}${name}`, shape, split }));
}

function gates(...names: string[]): Part[] {
  return names.map((name) => [name, [1], 'replicated']);
}

function layerNorms(width: number, ...names: string[]): Part[] {
  return names.flatMap((name): Part[] => [
    [`${name}.weight`, [width], 'replicated'],
    [`${name}.bias`, [width], 'replicated'],
  ]);
}

function encoderParts({ encoder, maxTiles }: VisionFamily): Part[] {
  const { width, patchSize, positions } = encoder;
  const tiles = [maxTiles, maxTiles, 1, width];
  return [
    ['class_embedding', [width], 'replicated'],
    ['positional_embedding', [positions + 1, width], 'replicated'],
    ['gated_positional_embedding', [maxTiles, maxTiles, positions + 1, width], 'replicated'],
    ...gates('gated_positional_embedding_gate'),
    ['conv1._linear.weight', [width, CHANNELS * patchSize ** 2], 'rows'],
    ...layerNorms(width, 'ln_post', 'ln_pre'),
    ['pre_tile_pos_embed.embedding', tiles, 'replicated'],
    ...gates('pre_tile_pos_embed.gate'),
    ['post_tile_pos_embed.embedding', tiles, 'replicated'],
    ...gates('post_tile_pos_embed.gate'),
  ];
}

function encoderBlock({ width, ffnWidth }: VisionEncoderShape): Part[] {
  return [
    ['attn.wq.weight', [width, width], 'rows'],
    ['attn.wk.weight', [width, width], 'rows'],
    ['attn.wv.weight', [width, width], 'rows'],
    ['attn.wo.weight', [width, width], 'columns'],
    ...layerNorms(width, 'ln_1'),
    ['mlp.c_fc.weight', [ffnWidth, width], 'rows'],
    ['mlp.c_fc.bias', [ffnWidth], 'rows'],
    ['mlp.c_proj.weight', [width, ffnWidth], 'columns'],
    ['mlp.c_proj.bias', [width], 'replicated'],
    ...layerNorms(width, 'ln_2'),
  ];
}

function crossBlock({ dim, nHeads, nKvHeads, headDim, ffnDim }: LlamaConfig): Part[] {
  return [
    ...gates('gate_attn', 'gate_ffwd'),
    ['attention.wq.weight', [nHeads * headDim, dim], 'rows'],
    ['attention.wk.weight', [nKvHeads * headDim, dim], 'rows'],
    ['attention.wv.weight', [nKvHeads * headDim, dim], 'rows'],
    ['attention.wo.weight', [dim, nHeads * headDim], 'columns'],
    ['attention.q_norm.weight', [headDim], 'replicated'],
    ['attention.k_norm.weight', [headDim], 'replicated'],
    ['attention_norm.weight', [dim], 'replicated'],
    ['feed_forward.w1.weight', [ffnDim, dim], 'rows'],
    ['feed_forward.w2.weight', [dim, ffnDim], 'columns'],
    ['feed_forward.w3.weight', [ffnDim, dim], 'rows'],
    ['ffn_norm.weight', [dim], 'replicated'],
  ];
}
