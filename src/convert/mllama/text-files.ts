/**
 * The small files of a Hugging Face folder of Llama 3.2 Vision.
 *
 * `config.json` has the values of the published ones, without the settings of text generation that transformers 4.45
 * repeats in both halves. What stands in no file of Meta's (heads of the encoder, which of its layers are joined) is that
 * of the releases, which Meta's code has written into it.
 *
 * @see https://huggingface.co/meta-llama/Llama-3.2-11B-Vision-Instruct/blob/main/config.json
 * @module
 */
import type { DType } from '../../dtype.js';
import type { VisionFamily } from '../../llama/family.js';
import { encoderSettings } from '../../llama/family-settings.js';
import { HF_CONFIG_STYLES, float, oneOrAll, pythonJson, ropeScalingJson } from '../../llama/hf-config.js';
import type { LlamaModel } from '../../llama/model.js';
import { RELEASED_ENCODER } from '../../llama/vision/encoder-shape.js';
import { blockPlaces } from '../../llama/vision/hf-names.js';
import { tileGrids } from '../../llama/vision/tiles.js';
import { withImageToken } from '../../llama/vision/vocabulary.js';
import type { TokenizerJsonOptions } from '../../tokenizer/tokenizer-json.js';
import { generationConfigJson, hfTokenizerFiles, isInstruct, specialIds } from '../hf-text-files.js';
import { type PlannedFile, textFile } from '../plan.js';

const STYLE = HF_CONFIG_STYLES.llama32;

/** The configuration, generation settings, image settings and, where there is one, the tokenizer. */
export function mllamaTextFiles(
  model: LlamaModel,
  family: VisionFamily,
  dtype: DType,
  options: TokenizerJsonOptions = {},
): PlannedFile[] {
  const { vocabulary } = model;
  return [
    textFile('config.json', configJson(model, family, dtype)),
    textFile(
      'generation_config.json',
      generationConfigJson({
        ...{ ...specialIds(model), padId: padId(model), instruct: isInstruct(model) },
        version: STYLE.transformersVersion,
      }),
    ),
    textFile('preprocessor_config.json', preprocessorJson(family)),
    ...hfTokenizerFiles(vocabulary && withImageToken(vocabulary), model, options),
    ...processorTemplate(model),
  ];
}

/** The chat template once more: where the processor, which takes images beside texts, looks for it. */
function processorTemplate({ chatTemplates }: LlamaModel): PlannedFile[] {
  if (chatTemplates?.main === undefined) return [];
  return [textFile('chat_template.json', pythonJson({ chat_template: chatTemplates.main }))];
}

/** What a person should know of the configuration: values that are guessed. */
export function mllamaWarnings({ encoder }: VisionFamily): string[] {
  const { width, nLayers, joinedLayers } = RELEASED_ENCODER;
  if (encoder.stated !== undefined) return [];
  if (encoder.width === width && encoder.nLayers === nLayers && encoder.joinedLayers === joinedLayers) return [];
  return [
    'the vision encoder is not that of a release: attention_heads and intermediate_layers_indices stand in no file ' +
      "of Meta's, so set them in config.json before the model is used",
  ];
}

function configJson(model: LlamaModel, family: VisionFamily, dtype: DType): string {
  const { vocabSize } = model.config;
  return pythonJson({
    architectures: ['MllamaForConditionalGeneration'],
    image_token_index: vocabSize,
    model_type: 'mllama',
    text_config: textConfig(model, family, dtype),
    torch_dtype: dtype,
    transformers_version: STYLE.transformersVersion,
    vision_config: visionConfig(family, dtype),
  });
}

function textConfig(model: LlamaModel, { nCrossLayers }: VisionFamily, dtype: DType): object {
  const { config } = model;
  const { bosId, eosIds } = specialIds(model);
  return {
    bos_token_id: bosId,
    cross_attention_layers: blockPlaces(config.nLayers, nCrossLayers).cross,
    dropout: 0,
    eos_token_id: oneOrAll(eosIds),
    hidden_act: 'silu',
    hidden_size: config.dim,
    initializer_range: 0.02,
    intermediate_size: config.ffnDim,
    max_position_embeddings: config.contextLength,
    model_type: 'mllama_text_model',
    num_attention_heads: config.nHeads,
    num_hidden_layers: config.nLayers + nCrossLayers,
    num_key_value_heads: config.nKvHeads,
    pad_token_id: padId(model),
    rms_norm_eps: float(config.normEps),
    rope_scaling: config.ropeScaling && ropeScalingJson(config.ropeScaling, STYLE),
    rope_theta: float(config.ropeTheta),
    tie_word_embeddings: false,
    torch_dtype: dtype,
    use_cache: true,
    vocab_size: config.vocabSize,
  };
}

function visionConfig({ encoder, maxTiles, tileSize }: VisionFamily, dtype: DType): object {
  const { heads, joined } = encoderSettings(encoder);
  return {
    attention_heads: heads,
    hidden_act: 'gelu',
    hidden_size: encoder.width,
    image_size: tileSize,
    initializer_range: 0.02,
    intermediate_layers_indices: joined,
    intermediate_size: encoder.ffnWidth,
    max_num_tiles: maxTiles,
    model_type: 'mllama_vision_model',
    norm_eps: float(1e-5),
    num_channels: 3,
    num_global_layers: encoder.nGlobalLayers,
    num_hidden_layers: encoder.nLayers,
    patch_size: encoder.patchSize,
    supported_aspect_ratios: tileGrids(maxTiles),
    torch_dtype: dtype,
    vision_output_dim: encoder.width * (1 + encoder.joinedLayers),
  };
}

/** The token that fills batches up: the fifth of the special ones. */
function padId({ config, vocabulary }: LlamaModel): number {
  return (vocabulary?.baseSize ?? config.vocabSize - 256) + 4;
}

/** How images become tiles; the means and deviations are those of CLIP. */
function preprocessorJson({ maxTiles, tileSize }: VisionFamily): string {
  return pythonJson({
    do_convert_rgb: true,
    do_normalize: true,
    do_pad: true,
    do_rescale: true,
    do_resize: true,
    image_mean: [0.48145466, 0.4578275, 0.40821073],
    image_processor_type: 'MllamaImageProcessor',
    image_std: [0.26862954, 0.26130258, 0.27577711],
    max_image_tiles: maxTiles,
    resample: 2,
    rescale_factor: 0.00392156862745098,
    size: { height: tileSize, width: tileSize },
  });
}
