/**
 * The tensors of Llama 3.2 Vision as Hugging Face has them, in the order of transformers' state dict.
 * @module
 */
import type { DType } from '../../dtype.js';
import type { VisionFamily } from '../../llama/family.js';
import type { LlamaModel } from '../../llama/model.js';
import { inHfForm } from '../../llama/vision/hf-form.js';
import { type BlockPlaces, blockPlaces, mllamaName } from '../../llama/vision/hf-names.js';
import { ENCODER } from '../../llama/vision/layout.js';
import { type LooseTensor, castTensor } from '../cast.js';

/** The tensors, each in the type given or its own; lazy. @throws LlamaError, ConvertError `convert/unsupported-type` */
export function mllamaTensors(model: LlamaModel, family: VisionFamily, dtype: DType | undefined): LooseTensor[] {
  const { config } = model;
  const places = blockPlaces(config.nLayers, family.nCrossLayers);
  return canonicalOrder(family, places).map((from) => {
    const { tensor, shape } = inHfForm(model, family, from);
    const target = { name: mllamaName(from, places), from, dtype: dtype ?? tensor.dtype };
    return castTensor(tensor, { ...target, shape });
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
