/**
 * Plan of a Hugging Face folder of Llama 4, in the layout of transformers' `llama4`: weights and configuration.
 *
 * @see https://huggingface.co/meta-llama/Llama-4-Scout-17B-16E-Instruct/blob/main/config.json
 * @module
 */
import type { DType } from '../../dtype.js';
import type { Llama4Family } from '../../llama/family.js';
import { HF_CONFIG_STYLES, float, oneOrAll, pythonJson, ropeScalingJson } from '../../llama/hf-config.js';
import type { LlamaModel } from '../../llama/model.js';
import { END_OF_MESSAGE, END_OF_TURN, SPECIAL_OFFSET } from '../../tokenizer/special-tokens.js';
import { generationConfigJson, hfTokenizerFiles, isInstruct, specialIds } from '../hf-text-files.js';
import type { ConvertOptions } from '../options.js';
import { type PlannedFile, textFile } from '../plan.js';
import { shardedFiles } from '../safetensors-plan.js';
import { llama4HfTensors } from './tensors.js';

/** Special tokens that the files name, counted from the first. */
const PAD = 18;
const IMAGE = { begin: 80, end: 81, patch: 92 } as const;
/** Id of the first special token in every release. */
const FIRST_SPECIAL = 200000;

const TRANSFORMERS_VERSION = '4.51.0';
const STYLE = HF_CONFIG_STYLES.llama32;

/** The files; every tensor lies in them in its own type unless one is given. @throws ConvertError `convert/unsupported-type` */
export function llama4Files(
  model: LlamaModel,
  family: Llama4Family,
  dtype: DType,
  options: ConvertOptions,
): { readonly files: PlannedFile[]; readonly warnings: string[] } {
  const isText = isTextModel(model, family);
  const cast = options.type === undefined ? undefined : dtype;
  const tensors = llama4HfTensors(model, family, { isText, dtype: cast });
  const instruct = isInstruct(model);
  const tokens = tokenIds(model);
  const config = (isText ? textModelConfig : wholeConfig)(model, family, dtype, tokens);
  const files = [
    ...shardedFiles(tensors, options),
    textFile('config.json', pythonJson(config)),
    textFile('generation_config.json', generationConfigJson({ ...tokens, instruct, version: TRANSFORMERS_VERSION })),
    ...hfTokenizerFiles(model.vocabulary, model, options),
  ];
  return { files, warnings: [] };
}

/** Whether the folder is one of the text part alone: what the source says it is, else what has no encoder. */
function isTextModel({ hf }: LlamaModel, family: Llama4Family): boolean {
  if (hf === undefined) return family.vision === undefined;
  return (JSON.parse(hf.configText) as { readonly model_type?: unknown }).model_type === 'llama4_text';
}

function textModelConfig(model: LlamaModel, family: Llama4Family, dtype: DType, tokens: TokenIds): object {
  const text = textConfig(model, family, dtype, tokens);
  return { architectures: ['Llama4ForCausalLM'], ...text, transformers_version: TRANSFORMERS_VERSION };
}

function wholeConfig(model: LlamaModel, family: Llama4Family, dtype: DType, tokens: TokenIds): object {
  const { first } = tokens;
  return {
    ...{ architectures: ['Llama4ForConditionalGeneration'], boi_token_index: first + IMAGE.begin },
    ...{ eoi_token_index: first + IMAGE.end, image_token_index: first + IMAGE.patch, model_type: 'llama4' },
    text_config: textConfig(model, family, dtype, tokens),
    ...{ tie_word_embeddings: false, torch_dtype: dtype, transformers_version: TRANSFORMERS_VERSION },
    ...(family.vision === undefined ? {} : { vision_config: visionConfig(family, dtype) }),
  };
}

/** Ids that the files name. */
interface TokenIds {
  /** The first special token. */
  readonly first: number;
  readonly bosId: number | undefined;
  readonly eosIds: readonly number[];
  readonly padId: number | undefined;
}

/** Those of the vocabulary; without one those of the releases, or none where the embedding has no rows for these. */
function tokenIds(model: LlamaModel): TokenIds {
  const first = model.vocabulary?.baseSize ?? FIRST_SPECIAL;
  if (model.vocabulary !== undefined) return { first, ...specialIds(model), padId: first + PAD };
  if (first + PAD >= model.config.vocabSize) return { first, bosId: undefined, eosIds: [], padId: undefined };
  const ends = isInstruct(model) ? [END_OF_MESSAGE.llama4, END_OF_TURN.llama4] : [];
  const eosIds = [SPECIAL_OFFSET.endOfText, ...ends].map((offset) => first + offset);
  return { first, bosId: first + SPECIAL_OFFSET.beginOfText, eosIds, padId: first + PAD };
}

/** How a `config.json` says that a token is not known. */
function orNull<T>(value: T | undefined): T | null {
  return value ?? null;
}

function textConfig({ config }: LlamaModel, family: Llama4Family, dtype: DType, tokens: TokenIds): object {
  const { moe, nopeLayerInterval: every, expertDim, attentionTemperature: temperature } = family;
  const layers = Array.from({ length: config.nLayers }, (_, layer) => layer + 1);
  return {
    attention_bias: false,
    attention_chunk_size: family.attentionChunkSize ?? null,
    attention_dropout: float(0),
    attn_scale: float(temperature?.scale ?? 0.1),
    attn_temperature_tuning: temperature !== undefined,
    bos_token_id: orNull(tokens.bosId),
    eos_token_id: orNull(tokens.eosIds.length === 0 ? undefined : oneOrAll(tokens.eosIds)),
    floor_scale: temperature?.floor ?? 8192,
    for_llm_compressor: false,
    head_dim: config.headDim,
    hidden_act: 'silu',
    hidden_size: config.dim,
    initializer_range: 0.02,
    interleave_moe_layer_step: moe?.layerStep ?? 0,
    intermediate_size: moe === undefined ? config.ffnDim : expertDim,
    intermediate_size_mlp: config.ffnDim,
    max_position_embeddings: config.contextLength,
    model_type: 'llama4_text',
    ...(moe === undefined ? { moe_layers: [] } : {}),
    no_rope_layers: layers.map((layer) => (every !== undefined && layer % every === 0 ? 0 : 1)),
    num_attention_heads: config.nHeads,
    num_experts_per_tok: moe?.topK ?? 0,
    num_hidden_layers: config.nLayers,
    num_key_value_heads: config.nKvHeads,
    num_local_experts: moe?.numExperts ?? 0,
    output_router_logits: false,
    pad_token_id: orNull(tokens.padId),
    rms_norm_eps: float(config.normEps),
    rope_scaling: config.ropeScaling && ropeScalingJson(config.ropeScaling, STYLE),
    rope_theta: float(config.ropeTheta),
    router_aux_loss_coef: 0.001,
    router_jitter_noise: float(0),
    tie_word_embeddings: false,
    torch_dtype: dtype,
    use_cache: true,
    use_qk_norm: family.useQkNorm,
    vocab_size: config.vocabSize,
  };
}

function visionConfig({ vision }: Llama4Family, dtype: DType): object {
  if (vision === undefined) return {};
  return {
    attention_dropout: float(0),
    hidden_act: 'gelu',
    hidden_size: vision.dim,
    image_size: vision.imageSize,
    initializer_range: 0.02,
    intermediate_size: Math.floor(vision.mlpRatio * vision.dim),
    model_type: 'llama4_vision_model',
    multi_modal_projector_bias: false,
    norm_eps: float(1e-5),
    num_attention_heads: vision.nHeads,
    num_channels: 3,
    num_hidden_layers: vision.nLayers,
    patch_size: vision.patchSize,
    pixel_shuffle_ratio: vision.pixelShuffleRatio,
    projector_dropout: float(0),
    projector_input_dim: vision.outputDim,
    projector_output_dim: vision.outputDim,
    rope_theta: 10000,
    torch_dtype: dtype,
    vision_feature_layer: -1,
    vision_feature_select_strategy: 'default',
    vision_output_dim: vision.outputDim,
  };
}
