/**
 * The tensors of Llama 4 as Hugging Face has them (`llama4`), in the order of transformers' state dict.
 *
 * The rows of q and k keep Meta's order: transformers rotates neighbouring pairs here, unlike in earlier Llamas. The
 * first and third matrix of the experts become one, side by side; the router is transposed.
 *
 * @see https://github.com/huggingface/transformers/blob/main/src/transformers/models/llama4/convert_llama4_weights_to_hf.py
 * @module
 */
import type { Llama4Family } from '../family.js';
import { LLAMA4_ENCODER, hasExperts } from './layout.js';

/** A tensor of Hugging Face's, and the canonical ones that it is made of. */
export interface Llama4HfTensor {
  /** Name at Hugging Face. */
  readonly name: string;
  /** Canonical name. */
  readonly from: string;
  /** Canonical name of one that is set side by side with it. */
  readonly join?: string;
  /** Whether rows and columns change places. */
  readonly transpose?: boolean;
}

/** Every tensor. */
export function llama4HfNames(nLayers: number, family: Llama4Family): Llama4HfTensor[] {
  const root = 'language_model.model';
  const layers = Array.from({ length: nLayers }, (_, layer) => {
    const [own, hf] = [`layers.${layer}`, `${root}.layers.${layer}`];
    return [
      ...['q', 'k', 'v', 'o'].map((role) => ({
        name: `${hf}.self_attn.${role}_proj.weight`,
        from: `${own}.attention.w${role}.weight`,
      })),
      ...(hasExperts(layer, family)
        ? expertSources(own, hf)
        : feedForward(`${own}.feed_forward`, `${hf}.feed_forward`)),
      { name: `${hf}.input_layernorm.weight`, from: `${own}.attention_norm.weight` },
      { name: `${hf}.post_attention_layernorm.weight`, from: `${own}.ffn_norm.weight` },
    ];
  });
  return [
    ...(family.vision === undefined ? [] : imageSources(family.vision.nLayers)),
    { name: `${root}.embed_tokens.weight`, from: 'tok_embeddings.weight' },
    ...layers.flat(),
    { name: `${root}.norm.weight`, from: 'norm.weight' },
    { name: 'language_model.lm_head.weight', from: 'output.weight' },
  ];
}

function feedForward(own: string, hf: string): Llama4HfTensor[] {
  return [
    { name: `${hf}.gate_proj.weight`, from: `${own}.w1.weight` },
    { name: `${hf}.up_proj.weight`, from: `${own}.w3.weight` },
    { name: `${hf}.down_proj.weight`, from: `${own}.w2.weight` },
  ];
}

function expertSources(layer: string, hfLayer: string): Llama4HfTensor[] {
  const [own, hf] = [`${layer}.feed_forward`, `${hfLayer}.feed_forward`];
  return [
    { name: `${hf}.experts.gate_up_proj`, from: `${own}.experts.w1`, join: `${own}.experts.w3` },
    { name: `${hf}.experts.down_proj`, from: `${own}.experts.w2` },
    { name: `${hf}.router.weight`, from: `${own}.router_DE`, transpose: true },
    ...feedForward(`${own}.shared_expert`, `${hf}.shared_expert`),
  ];
}

const IMAGE_BLOCK: readonly (readonly [hf: string, own: string])[] = [
  ...['q', 'k', 'v', 'o'].map((role) => [`self_attn.${role}_proj`, `attn.w${role}`] as const),
  ...([['mlp.fc1', 'mlp.c_fc'], ['mlp.fc2', 'mlp.c_proj']] as const), // prettier-ignore
  ...([['input_layernorm', 'ln_1'], ['post_attention_layernorm', 'ln_2']] as const), // prettier-ignore
];

function imageSources(nLayers: number): Llama4HfTensor[] {
  const both = (name: string, from: string): Llama4HfTensor[] =>
    ['weight', 'bias'].map((part) => ({ name: `${name}.${part}`, from: `${from}.${part}` }));
  const adapter = 'vision_embeddings.vision_adapter.mlp';
  return [
    { name: 'vision_model.class_embedding', from: `${LLAMA4_ENCODER}class_embedding` },
    { name: 'vision_model.positional_embedding_vlm', from: `${LLAMA4_ENCODER}positional_embedding_vlm` },
    { name: 'vision_model.patch_embedding.linear.weight', from: `${LLAMA4_ENCODER}conv1._linear.weight` },
    ...both('vision_model.layernorm_pre', `${LLAMA4_ENCODER}ln_pre`),
    ...both('vision_model.layernorm_post', `${LLAMA4_ENCODER}ln_post`),
    ...Array.from({ length: nLayers }, (_, layer) =>
      IMAGE_BLOCK.flatMap(([hf, own]) =>
        both(`vision_model.model.layers.${layer}.${hf}`, `${LLAMA4_ENCODER}transformer.resblocks.${layer}.${own}`),
      ),
    ).flat(),
    { name: 'vision_model.vision_adapter.mlp.fc1.weight', from: `${adapter}.c_fc.weight` },
    { name: 'vision_model.vision_adapter.mlp.fc2.weight', from: `${adapter}.c_proj.weight` },
    { name: 'multi_modal_projector.linear_1.weight', from: 'vision_projection.weight' },
  ];
}
