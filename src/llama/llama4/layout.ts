/**
 * The tensors of Llama 4: under what names Meta's files hold them, what they are, and how shards cut them.
 *
 * The canonical names are those that Meta's classes give them while loading: the files hold q, k and v fused, w1 and w3
 * of dense layers too, and the experts of a layer as one matrix. Fused parts are cut for themselves, so each shard holds
 * its own piece of each, one below the other.
 *
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama4/model.py (load_hook)
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama4/moe.py
 * @module
 */
import type { Llama4Family } from '../family.js';
import type { ShardSplit } from '../layout.js';
import type { LlamaConfig } from '../model.js';

/** A tensor of Llama 4. */
export interface Llama4Tensor {
  /** Canonical name. */
  readonly name: string;
  /** Shape of the whole. */
  readonly shape: readonly number[];
  /** How shards cut it: experts along their width, whatever else as everywhere. */
  readonly split: ShardSplit | 'expert-rows';
  /** Name in Meta's files. */
  readonly stored: string;
  /** Rows of the other parts of a fused tensor, where it is one. */
  readonly fused?: { readonly before: number; readonly total: number } | undefined;
}

/** Where the names of the encoder begin. */
export const LLAMA4_ENCODER = 'vision_embeddings.vision_encoder.';

/** What files hold beside weights: marks of a library, statistics of training, frequencies. */
export function isLeftOut(name: string): boolean {
  return (
    name.endsWith('._extra_state') ||
    name === 'rope.freqs' ||
    name === 'freq_cis' ||
    /^layers\.\d+\.feed_forward\.(?:global_gate_stats_3E|running_gate_stats_3E|expert_activation_DE)$/.test(name)
  );
}

/** Whether a layer has experts. */
export function hasExperts(layer: number, { moe }: Pick<Llama4Family, 'moe'>): boolean {
  return moe !== undefined && (layer + 1) % moe.layerStep === 0;
}

/** Every tensor, in the order of Meta's state dict. */
export function llama4Tensors(config: LlamaConfig, family: Llama4Family): Llama4Tensor[] {
  const { dim, vocabSize, nLayers } = config;
  const layers = Array.from({ length: nLayers }, (_, layer) => [
    ...attention(`layers.${layer}`, config),
    ...(hasExperts(layer, family) ? experts(`layers.${layer}`, config, family) : dense(`layers.${layer}`, config)),
  ]);
  return [
    plain('tok_embeddings.weight', [vocabSize, dim], 'rows'),
    ...layers.flat(),
    plain('norm.weight', [dim], 'replicated'),
    plain('output.weight', [vocabSize, dim], 'rows'),
    ...images(config, family),
  ];
}

function plain(name: string, shape: readonly number[], split: Llama4Tensor['split'], stored = name): Llama4Tensor {
  return { name, shape, split, stored };
}

function attention(layer: string, { dim, nHeads, nKvHeads, headDim }: LlamaConfig): Llama4Tensor[] {
  const [queries, keys] = [nHeads * headDim, nKvHeads * headDim];
  const total = queries + 2 * keys;
  const fused = (role: string, rows: number, before: number): Llama4Tensor => ({
    ...plain(`${layer}.attention.${role}.weight`, [rows, dim], 'rows', `${layer}.attention.wqkv.weight`),
    fused: { before, total },
  });
  return [
    ...[fused('wq', queries, 0), fused('wk', keys, queries), fused('wv', keys, queries + keys)],
    plain(`${layer}.attention.wo.weight`, [dim, queries], 'columns'),
    plain(`${layer}.attention_norm.weight`, [dim], 'replicated', `${layer}.attention.wqkv.layer_norm_weight`),
  ];
}

function dense(layer: string, { dim, ffnDim }: LlamaConfig): Llama4Tensor[] {
  const block = `${layer}.feed_forward`;
  const fused = (role: string, before: number): Llama4Tensor => ({
    ...plain(`${block}.${role}.weight`, [ffnDim, dim], 'rows', `${block}.mlp.fc1_weight`),
    fused: { before, total: 2 * ffnDim },
  });
  return [
    ...[fused('w1', 0), fused('w3', ffnDim)],
    plain(`${block}.w2.weight`, [dim, ffnDim], 'columns', `${block}.mlp.fc2_weight`),
    plain(`${layer}.ffn_norm.weight`, [dim], 'replicated', `${block}.mlp.layer_norm_weight`),
  ];
}

function experts(layer: string, { dim }: LlamaConfig, { moe, expertDim }: Llama4Family): Llama4Tensor[] {
  const block = `${layer}.feed_forward`;
  const count = moe?.numExperts ?? 0;
  return [
    plain(`${block}.experts.w1`, [count, dim, expertDim], 'columns', `${block}.experts.moe_w_in_eD_F`),
    plain(`${block}.experts.w2`, [count, expertDim, dim], 'expert-rows', `${block}.experts.moe_w_out_eF_D`),
    plain(`${block}.experts.w3`, [count, dim, expertDim], 'columns', `${block}.experts.moe_w_swiglu_eD_F`),
    plain(`${block}.router_DE`, [dim, count], 'replicated'),
    plain(`${block}.shared_expert.w1.weight`, [expertDim, dim], 'rows', `${block}.w_in_shared_FD.weight`),
    plain(`${block}.shared_expert.w2.weight`, [dim, expertDim], 'columns', `${block}.w_out_shared_DF.weight`),
    plain(`${block}.shared_expert.w3.weight`, [expertDim, dim], 'rows', `${block}.w_swiglu_FD.weight`),
    plain(`${layer}.ffn_norm.weight`, [dim], 'replicated', `${block}.norm.weight`),
  ];
}

function images({ dim }: LlamaConfig, { vision }: Llama4Family): Llama4Tensor[] {
  if (vision === undefined) return [];
  const { dim: width, imageSize, patchSize, outputDim, pixelShuffleRatio, nLayers } = vision;
  const patches = Math.floor(imageSize / patchSize) ** 2;
  const joined = Math.floor(width / pixelShuffleRatio ** 2);
  const adapter = 'vision_embeddings.vision_adapter.mlp.';
  return [
    plain(`${LLAMA4_ENCODER}class_embedding`, [width], 'replicated'),
    plain(`${LLAMA4_ENCODER}positional_embedding_vlm`, [patches + 1, width], 'replicated'),
    plain(`${LLAMA4_ENCODER}conv1._linear.weight`, [width, 3 * patchSize ** 2], 'rows'),
    ...layerNorm(`${LLAMA4_ENCODER}ln_pre`, width),
    ...layerNorm(`${LLAMA4_ENCODER}ln_post`, width),
    ...Array.from({ length: nLayers }, (_, index) => imageBlock(index, width, vision.mlpRatio)).flat(),
    plain(`${adapter}c_fc.weight`, [outputDim, joined], 'rows'),
    plain(`${adapter}c_proj.weight`, [outputDim, outputDim], 'columns'),
    plain('vision_projection.weight', [dim, outputDim], 'rows'),
  ];
}

function imageBlock(index: number, width: number, mlpRatio: number): Llama4Tensor[] {
  const block = `${LLAMA4_ENCODER}transformer.resblocks.${index}.`;
  const inner = Math.floor(mlpRatio * width);
  return [
    ...['wq', 'wk', 'wv'].flatMap((role) => [
      plain(`${block}attn.${role}.weight`, [width, width], 'rows'),
      plain(`${block}attn.${role}.bias`, [width], 'rows'),
    ]),
    plain(`${block}attn.wo.weight`, [width, width], 'columns'),
    plain(`${block}attn.wo.bias`, [width], 'replicated'),
    plain(`${block}mlp.c_fc.weight`, [inner, width], 'rows'),
    plain(`${block}mlp.c_fc.bias`, [inner], 'rows'),
    plain(`${block}mlp.c_proj.weight`, [width, inner], 'columns'),
    plain(`${block}mlp.c_proj.bias`, [width], 'replicated'),
    ...layerNorm(`${block}ln_1`, width),
    ...layerNorm(`${block}ln_2`, width),
  ];
}

function layerNorm(name: string, width: number): Llama4Tensor[] {
  return [plain(`${name}.weight`, [width], 'replicated'), plain(`${name}.bias`, [width], 'replicated')];
}
