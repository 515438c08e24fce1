/**
 * Names of Llama 3.2 Vision at Hugging Face (`mllama`), as transformers 4.45 saves them and Meta publishes them.
 *
 * The blocks of text and of cross attention stand in one list there: each cross-attention block before the text block
 * that it precedes, 3, 8, 13, … 38 for the 11B.
 *
 * @see https://github.com/huggingface/transformers/blob/v4.45.2/src/transformers/models/mllama/convert_mllama_weights_to_hf.py
 * @module
 */
import { expectNameInLayout } from '../layout.js';
import { LlamaError } from '../model.js';
import { ENCODER, fusionSchedule } from './layout.js';

/** Where blocks stand in the one list of Hugging Face. */
export interface BlockPlaces {
  /** Places of the cross-attention blocks. */
  readonly cross: readonly number[];
  /** Places of the text blocks. */
  readonly text: readonly number[];
}

/** The places of so many blocks. */
export function blockPlaces(nLayers: number, nCrossLayers: number): BlockPlaces {
  const cross = fusionSchedule(nLayers, nCrossLayers).map((layer, index) => layer + index);
  const all = Array.from({ length: nLayers + nCrossLayers }, (_, place) => place);
  return { cross, text: all.filter((place) => !cross.includes(place)) };
}

const CROSS: Readonly<Record<string, string>> = {
  gate_attn: 'cross_attn_attn_gate',
  gate_ffwd: 'cross_attn_mlp_gate',
  'attention.wq.weight': 'cross_attn.q_proj.weight',
  'attention.wk.weight': 'cross_attn.k_proj.weight',
  'attention.wv.weight': 'cross_attn.v_proj.weight',
  'attention.wo.weight': 'cross_attn.o_proj.weight',
  'attention.q_norm.weight': 'cross_attn.q_norm.weight',
  'attention.k_norm.weight': 'cross_attn.k_norm.weight',
  'attention_norm.weight': 'input_layernorm.weight',
  'feed_forward.w1.weight': 'mlp.gate_proj.weight',
  'feed_forward.w2.weight': 'mlp.down_proj.weight',
  'feed_forward.w3.weight': 'mlp.up_proj.weight',
  'ffn_norm.weight': 'post_attention_layernorm.weight',
};

const ENCODER_PARTS: Readonly<Record<string, string>> = {
  class_embedding: 'class_embedding',
  positional_embedding: 'gated_positional_embedding.embedding',
  gated_positional_embedding: 'gated_positional_embedding.tile_embedding.weight',
  gated_positional_embedding_gate: 'gated_positional_embedding.gate',
  'conv1._linear.weight': 'patch_embedding.weight',
  'pre_tile_pos_embed.embedding': 'pre_tile_positional_embedding.embedding.weight',
  'pre_tile_pos_embed.gate': 'pre_tile_positional_embedding.gate',
  'post_tile_pos_embed.embedding': 'post_tile_positional_embedding.embedding.weight',
  'post_tile_pos_embed.gate': 'post_tile_positional_embedding.gate',
  'ln_pre.weight': 'layernorm_pre.weight',
  'ln_pre.bias': 'layernorm_pre.bias',
  'ln_post.weight': 'layernorm_post.weight',
  'ln_post.bias': 'layernorm_post.bias',
};

const ENCODER_BLOCK: Readonly<Record<string, string>> = {
  gate_attn: 'gate_attn',
  gate_ffn: 'gate_ffn',
  'attn.wq.weight': 'self_attn.q_proj.weight',
  'attn.wk.weight': 'self_attn.k_proj.weight',
  'attn.wv.weight': 'self_attn.v_proj.weight',
  'attn.wo.weight': 'self_attn.o_proj.weight',
  'ln_1.weight': 'input_layernorm.weight',
  'ln_1.bias': 'input_layernorm.bias',
  'mlp.c_fc.weight': 'mlp.fc1.weight',
  'mlp.c_fc.bias': 'mlp.fc1.bias',
  'mlp.c_proj.weight': 'mlp.fc2.weight',
  'mlp.c_proj.bias': 'mlp.fc2.bias',
  'ln_2.weight': 'post_attention_layernorm.weight',
  'ln_2.bias': 'post_attention_layernorm.bias',
};

/**
 * The name at Hugging Face of a tensor of this canonical name.
 *
 * @throws LlamaError `llama/unknown-tensor` for names that are not those of a vision model, and for the learned rows,
 *   which are a part of the embedding there
 */
export function mllamaName(canonical: string, { cross, text }: BlockPlaces): string {
  const block = /^(cross_attention_layers|layers|.*\.resblocks)\.(\d+)\.(.+)$/.exec(canonical);
  const [, list = '', index = '', rest = ''] = block ?? [];
  if (list === 'cross_attention_layers') {
    return `language_model.model.layers.${cross[Number(index)]}.${expectIn(CROSS, rest, canonical)}`;
  }
  if (list === 'layers') {
    const moved = `layers.${text[Number(index)]}.${rest}`;
    return `language_model.${expectNameInLayout(moved, 'hf')}`;
  }
  if (list.startsWith(ENCODER)) {
    const part = list.slice(ENCODER.length, -'.resblocks'.length);
    return `vision_model.${part}.layers.${index}.${expectIn(ENCODER_BLOCK, rest, canonical)}`;
  }
  if (canonical.startsWith(ENCODER)) {
    return `vision_model.${expectIn(ENCODER_PARTS, canonical.slice(ENCODER.length), canonical)}`;
  }
  const projection = 'vision_model.vision_projection.';
  if (canonical.startsWith(projection)) return `multi_modal_projector.${canonical.slice(projection.length)}`;
  return `language_model.${expectNameInLayout(canonical, 'hf')}`;
}

function expectIn(names: Readonly<Record<string, string>>, key: string, canonical: string): string {
  const name = Object.hasOwn(names, key) ? names[key] : undefined;
  if (name !== undefined) return name;
  throw new LlamaError('llama/unknown-tensor', `the tensor ${canonical} is not a part of Llama 3.2 Vision`);
}
