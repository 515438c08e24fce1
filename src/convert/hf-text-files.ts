/**
 * The small files of a Hugging Face folder: configuration, generation settings, tokenizer.
 *
 * @module
 */
import type { DType } from '../dtype.js';
import { TEMPLATE_FILE } from '../llama/hf-chat-template.js';
import { HF_CONFIG_STYLES, type HfConfigStyle, float, hfConfigJson, oneOrAll, pythonJson } from '../llama/hf-config.js';
import type { HfContents, LlamaConfig, LlamaModel } from '../llama/model.js';
import { isInstructName } from '../llama/model-name.js';
import { releaseOf } from '../llama/releases.js';
import { specialTokensMapJson, tokenizerConfigJson } from '../tokenizer/hf-files.js';
import { type TokenizerJsonOptions, tokenizerJson } from '../tokenizer/tokenizer-json.js';
import { END_OF_MESSAGE, END_OF_TURN, SPECIAL_OFFSET } from '../tokenizer/special-tokens.js';
import type { Vocabulary } from '../tokenizer/vocabulary.js';
import { carriedFiles, carriesTokenizer } from './hf-carried-files.js';
import { type PlannedFile, bytesFile, textFile } from './plan.js';
import { INSTRUCT_SAMPLING, type SamplingSettings, isWholeSetting, statedSampling } from './sampling.js';

/**
 * `config.json`, `generation_config.json` and, where the model has a vocabulary, the tokenizer's files; those of the source
 * where it is a Hugging Face folder itself.
 *
 * @throws ConvertError `convert/bad-option` for a form of merges where the source's own file is carried along
 */
export function hfTextFiles(model: LlamaModel, dtype: DType, options: TokenizerJsonOptions = {}): PlannedFile[] {
  return model.hf === undefined ? madeFiles(model, dtype, options) : filesOfSource(model, model.hf, dtype, options);
}

function filesOfSource(model: LlamaModel, hf: HfContents, dtype: DType, options: TokenizerJsonOptions): PlannedFile[] {
  const carried = carriedFiles(model, hf, dtype);
  const hasTokenizer = carriesTokenizer(hf, model.path, options);
  // the tokenizer lies in the folder above: its files are made, as for a folder of Meta's
  const made = hasTokenizer || model.vocabulary === undefined ? [] : tokenizerFilesOf(model, model.vocabulary, options);
  return [...carried, ...made.filter(({ name }) => !hf.files.has(name))];
}

function madeFiles(model: LlamaModel, dtype: DType, options: TokenizerJsonOptions): PlannedFile[] {
  const { config, vocabulary } = model;
  const style = configStyle(config);
  const { bosId, eosIds } = specialIds(model);
  const files = [
    textFile('config.json', hfConfigJson(config, { torchDtype: dtype, bosId, eosIds, style })),
    textFile(
      'generation_config.json',
      generationConfigJson({
        ...{ bosId, eosIds, instruct: isInstruct(model), sampling: statedSampling(model) },
        version: style.transformersVersion,
      }),
    ),
  ];
  return [...files, ...tokenizerFilesOf(model, vocabulary, options)];
}

function tokenizerFilesOf(
  model: LlamaModel,
  vocabulary: Vocabulary | undefined,
  options: TokenizerJsonOptions,
): PlannedFile[] {
  const files = hfTokenizerFiles(vocabulary, model, options);
  const { sentencePieceFile } = model;
  return sentencePieceFile === undefined ? files : [...files, bytesFile('tokenizer.model', sentencePieceFile)];
}

/**
 * `tokenizer.json`, `tokenizer_config.json` and `special_tokens_map.json`; where there is no tokenizer, the chat template
 * in a file of its own, if there is one.
 */
export function hfTokenizerFiles(
  vocabulary: Vocabulary | undefined,
  { config: { contextLength }, chatTemplates }: Pick<LlamaModel, 'config' | 'chatTemplates'>,
  { mergesAs }: TokenizerJsonOptions = {},
): PlannedFile[] {
  if (vocabulary === undefined) {
    return chatTemplates?.main === undefined ? [] : [textFile(TEMPLATE_FILE, chatTemplates.main)];
  }
  const tokenizer = tokenizerJson(vocabulary, { mergesAs });
  return [
    { name: 'tokenizer.json', byteLength: tokenizer.byteLength, pieces: [{ kind: 'made', ...tokenizer }] },
    textFile('tokenizer_config.json', tokenizerConfigJson(vocabulary, { contextLength, chatTemplates })),
    textFile('special_tokens_map.json', specialTokensMapJson(vocabulary)),
  ];
}

/** Whether the model answers in turns: its name says so, or its texts end with the token that ends a turn. */
export function isInstruct({ name, vocabulary }: Pick<LlamaModel, 'name' | 'vocabulary'>): boolean {
  return isInstructName(name) || (vocabulary !== undefined && endsTurns(vocabulary));
}

/** Ids of the tokens that begin and end texts. Without a tokenizer those of the release whose vocabulary has this size. */
export function specialIds({ config, vocabulary }: LlamaModel): { bosId: number; eosIds: number[] } {
  if (vocabulary !== undefined) return { bosId: vocabulary.bosId, eosIds: endTokenIds(vocabulary) };
  return config.vocabSize >= 128256 ? { bosId: 128000, eosIds: [128001] } : { bosId: 1, eosIds: [2] };
}

function configStyle(config: LlamaConfig): HfConfigStyle {
  const factor = releaseOf(config)?.ropeFactor;
  if (factor === 32) return HF_CONFIG_STYLES.llama32;
  return factor === 8 ? HF_CONFIG_STYLES.llama31 : HF_CONFIG_STYLES.general;
}

/** Tokens at which generation stops: instruct models of Llama 3.1 and later end texts, messages and turns. */
function endTokenIds(vocabulary: Vocabulary): number[] {
  const { eosId, baseSize, generation } = vocabulary;
  if (!endsTurns(vocabulary) || generation === undefined || generation === 'llama3') return [eosId];
  return [baseSize + SPECIAL_OFFSET.endOfText, baseSize + END_OF_MESSAGE[generation], eosId];
}

/** Whether texts end with the token that ends a turn. */
function endsTurns({ eosId, baseSize, generation = 'llama3' }: Vocabulary): boolean {
  return eosId === baseSize + END_OF_TURN[generation];
}

/** What `generation_config.json` says. */
export interface GenerationSettings {
  /** Id of the token that begins a text; left out where it is not known. */
  readonly bosId: number | undefined;
  /** Ids of the tokens that end one; left out where none is known. */
  readonly eosIds: readonly number[];
  /** Id of the token that fills batches up; left out where a release has none. */
  readonly padId?: number | undefined;
  /** Whether the model answers in turns, and is sampled then. */
  readonly instruct: boolean;
  /** How it is sampled; where it is not stated, an instruct model as Meta's are. */
  readonly sampling?: SamplingSettings | undefined;
  /** Version of transformers that the file names. */
  readonly version: string;
}

/** `generation_config.json` as transformers writes it, its keys in order. */
export function generationConfigJson(settings: GenerationSettings): string {
  const { bosId, eosIds, padId, instruct, version } = settings;
  const sampling = settings.sampling ?? (instruct ? INSTRUCT_SAMPLING : undefined);
  const stated = Object.entries(sampling ?? {}).map(([key, value]) => [
    key,
    isWholeSetting(key) ? value : float(value),
  ]);
  const json: Readonly<Record<string, unknown>> = {
    ...(sampling === undefined ? { _from_model_config: true } : { do_sample: sampling['temperature'] !== 0 }),
    ...(bosId === undefined ? {} : { bos_token_id: bosId }),
    ...(eosIds.length === 0 ? {} : { eos_token_id: oneOrAll(eosIds) }),
    ...(padId === undefined ? {} : { pad_token_id: padId }),
    ...(Object.fromEntries(stated) as object),
    transformers_version: version,
  };
  return pythonJson(
    Object.fromEntries(
      Object.keys(json)
        .sort()
        .map((key) => [key, json[key]]),
    ),
  );
}
