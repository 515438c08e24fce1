/**
 * The tensors of Llama 4 as Hugging Face has them, in the order of transformers' state dict.
 *
 * The rows of q and k keep Meta's order: transformers rotates neighbouring pairs here, unlike in earlier Llamas. The
 * first and third matrix of the experts become one, side by side; the router is transposed.
 *
 * @see https://github.com/huggingface/transformers/blob/main/src/transformers/models/llama4/convert_llama4_weights_to_hf.py
 * @module
 */
import type { DType } from '../../dtype.js';
import type { Tensor } from '../../formats/tensor.js';
import type { Llama4Family } from '../../llama/family.js';
import { LLAMA4_ENCODER, hasExperts } from '../../llama/llama4/layout.js';
import { type LlamaModel, expectTensor } from '../../llama/model.js';
import { concatColumns, transposed } from '../../llama/views.js';
import { type LooseTensor, castTensor } from '../cast.js';

/** A name at Hugging Face and the canonical one; `join` is set side by side with it. */
interface Source {
  readonly name: string;
  readonly from: string;
  readonly join?: string;
  readonly transpose?: boolean;
}

/** The tensors, each in the type given or its own; lazy. @throws LlamaError, ConvertError `convert/unsupported-type` */
export function llama4HfTensors(model: LlamaModel, family: Llama4Family, dtype: DType | undefined): LooseTensor[] {
  return sources(model.config.nLayers, family).map((source) => {
    const tensor = tensorOf(model, source);
    return castTensor(tensor, { name: source.name, from: source.from, dtype: dtype ?? tensor.dtype });
  });
}

function tensorOf(model: LlamaModel, { from, join, transpose }: Source): Tensor {
  const tensor = expectTensor(model, from);
  if (transpose === true) return transposed(tensor);
  return join === undefined ? tensor : concatColumns(from, [tensor, expectTensor(model, join)]);
}

function sources(nLayers: number, family: Llama4Family): Source[] {
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

function feedForward(own: string, hf: string): Source[] {
  return [
    { name: `${hf}.gate_proj.weight`, from: `${own}.w1.weight` },
    { name: `${hf}.up_proj.weight`, from: `${own}.w3.weight` },
    { name: `${hf}.down_proj.weight`, from: `${own}.w2.weight` },
  ];
}

function expertSources(layer: string, hfLayer: string): Source[] {
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

function imageSources(nLayers: number): Source[] {
  const both = (name: string, from: string): Source[] =>
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
