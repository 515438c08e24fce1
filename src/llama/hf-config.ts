/**
 * `config.json` of Hugging Face: the same hyperparameters under other names.
 *
 * Reading refuses whatever would make the model compute something else than a plain Llama (biases, other
 * activations, other rope scalings), because the canonical form has no place for it. Writing reproduces
 * the files of Meta's releases: keys sorted, two spaces, floats with a point.
 *
 * @see https://github.com/huggingface/transformers/blob/main/src/transformers/models/llama/configuration_llama.py
 * @module
 */
import { type JsonObject, parseJsonObject } from './json-object.js';
import { type LlamaConfig, LlamaError, type RopeScaling } from './model.js';

/**
 * Normalised hyperparameters of a `config.json`.
 *
 * @throws LlamaError `llama/bad-config` for missing or senseless values, `llama/unsupported` for models that
 *   are no plain Llama
 */
export function parseHfConfig(text: string, path: string): LlamaConfig {
  const json = parseJsonObject(text, path, 'llama/bad-config');
  expectModelType(json, ['llama'], path);
  expectPlainLlama(json, path);
  return textConfigOf(json, path);
}

/** The hyperparameters in a `config.json`, or in the part of it that is of text. @throws as {@link parseHfConfig} */
export function textConfigOf(json: JsonObject, path: string): LlamaConfig {
  const integer = (key: string, absent?: number): number => positiveInteger(json, key, path, absent);
  const dim = integer('hidden_size');
  const nHeads = integer('num_attention_heads');
  const nKvHeads = integer('num_key_value_heads', nHeads);
  const headDim = integer('head_dim', dim / nHeads);
  if (nHeads % nKvHeads !== 0 || headDim % 2 !== 0) {
    throw new LlamaError(
      'llama/bad-config',
      `${nHeads} heads, ${nKvHeads} key/value heads and head size ${headDim} do not fit together`,
      { path },
    );
  }
  const rope = ropeSettings(json, path);
  const ropeTheta = positiveNumber(rope, 'rope_theta', path, 10000);
  return {
    ...{ dim, nHeads, nKvHeads, headDim, ropeTheta },
    nLayers: integer('num_hidden_layers'),
    ffnDim: integer('intermediate_size'),
    vocabSize: integer('vocab_size'),
    normEps: positiveNumber(json, 'rms_norm_eps', path, 1e-6),
    ropeScaling: parseRopeScaling(rope['rope_scaling'], path),
    contextLength: integer('max_position_embeddings', 2048),
    tied: json['tie_word_embeddings'] === true,
  };
}

/** What can still be done with a model that is no plain Llama. */
const OTHER_MODEL = 'llama-inspect tensors lists what is in it, scan and lock take it too';

/** The classes of transformers whose tensors are those of a Llama that continues texts; the last is an old spelling. */
const CAUSAL_LLAMA: readonly unknown[] = ['LlamaForCausalLM', 'LlamaModel', 'LLaMAForCausalLM'];

/** The class that the weights are loaded into may be left out; named, it must be that of the `model_type`. */
function expectCausalLlama(architectures: unknown, path: string): void {
  const named: readonly unknown[] = Array.isArray(architectures) ? architectures : [architectures];
  if (architectures == null || named.length === 0 || named.some((name) => CAUSAL_LLAMA.includes(name))) return;
  const isLlama = named.some((name) => typeof name === 'string' && /^llama/i.test(name));
  const message = isLlama
    ? `architectures is ${JSON.stringify(architectures)}, only "LlamaForCausalLM" can be read`
    : `architectures is ${JSON.stringify(architectures)}, but model_type is "llama"`;
  throw new LlamaError(isLlama ? 'llama/unsupported' : 'llama/contradiction', message, { path, hint: OTHER_MODEL });
}

/** Throws unless the model is of one of these types. @throws LlamaError `llama/unsupported` */
export function expectModelType(json: JsonObject, known: readonly string[], path: string): void {
  const type = json['model_type'];
  if (typeof type === 'string' && known.includes(type)) return;
  const types = known.map((name) => `"${name}"`).join(', ');
  const found = type === undefined ? 'there is no model_type' : `model_type is ${JSON.stringify(type)}`;
  throw new LlamaError('llama/unsupported', `${found}, only ${types} can be read`, { path, hint: OTHER_MODEL });
}

/** Throws where a model of text alone would compute something else than a plain Llama. @throws LlamaError `llama/unsupported`, `llama/contradiction` */
export function expectPlainLlama(json: JsonObject, path: string): void {
  expectCausalLlama(json['architectures'], path);
  expectPlain(json, path);
}

/** Throws where a part of the model would compute something else than a plain Llama. @throws LlamaError `llama/unsupported` */
export function expectPlain(json: JsonObject, path: string): void {
  const refuse = (what: string): never => {
    throw new LlamaError('llama/unsupported', what, { path, hint: OTHER_MODEL });
  };
  if (json['quantization_config'] != null)
    refuse('the weights are quantized (quantization_config); only plain types can be read');
  if ((json['hidden_act'] ?? 'silu') !== 'silu')
    refuse(`hidden_act is ${JSON.stringify(json['hidden_act'])}, a Llama has "silu"`);
  if ((json['partial_rotary_factor'] ?? 1) !== 1)
    refuse(`partial_rotary_factor is ${JSON.stringify(json['partial_rotary_factor'])}, a Llama rotates whole heads`);
  for (const key of ['attention_bias', 'mlp_bias']) {
    if (json[key] === true) refuse(`${key} is true, a Llama has no biases`);
  }
}

/** A whole number above zero. @throws LlamaError `llama/bad-config` */
export function positiveInteger(json: JsonObject, key: string, path: string, absent?: number): number {
  const value = json[key] ?? absent;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
  throw notA('positive integer', key, value, path);
}

/** A number above zero. @throws LlamaError `llama/bad-config` */
export function positiveNumber(json: JsonObject, key: string, path: string, absent?: number): number {
  const value = json[key] ?? absent;
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw notA('positive number', key, value, path);
}

function notA(wanted: string, key: string, value: unknown, path: string): LlamaError {
  const message =
    value === undefined ? `${key} is missing` : `${key} must be a ${wanted}, found ${JSON.stringify(value)}`;
  return new LlamaError('llama/bad-config', message, { path });
}

/**
 * Where the rotary settings stand: beside the others up to transformers 4, in `rope_parameters` from 5 on. A file
 * that has both must say the same in both.
 */
function ropeSettings(json: JsonObject, path: string): JsonObject {
  const parameters = json['rope_parameters'];
  if (parameters == null) return json;
  if (typeof parameters !== 'object' || Array.isArray(parameters)) {
    throw new LlamaError('llama/bad-config', 'rope_parameters must be an object', { path });
  }
  const settings: JsonObject = { ...parameters, rope_scaling: parameters };
  const oldTheta = json['rope_theta'];
  const differ = oldTheta !== undefined && oldTheta !== settings['rope_theta'];
  if (!differ && json['rope_scaling'] == null) return settings;
  const old = parseRopeScaling(json['rope_scaling'], path);
  const now = parseRopeScaling(parameters, path);
  const sameScaling = old?.factor === now?.factor && old?.originalContextLength === now?.originalContextLength;
  if (!differ && sameScaling) return settings;
  throw new LlamaError('llama/bad-config', 'rope_parameters contradicts rope_theta or rope_scaling', { path });
}

function parseRopeScaling(value: unknown, path: string): RopeScaling | null {
  if (value == null) return null;
  if (typeof value !== 'object') {
    throw new LlamaError('llama/bad-config', `rope_scaling must be an object or null, found ${JSON.stringify(value)}`, {
      path,
    });
  }
  const scaling = value as JsonObject;
  const type = scaling['rope_type'] ?? scaling['type'];
  if (type === 'default') return null;
  if (type !== 'llama3') {
    throw new LlamaError(
      'llama/unsupported',
      `rope_scaling is of type ${JSON.stringify(type)}, only "llama3" can be read`,
      { path },
    );
  }
  return {
    factor: positiveNumber(scaling, 'factor', path),
    lowFreqFactor: positiveNumber(scaling, 'low_freq_factor', path),
    highFreqFactor: positiveNumber(scaling, 'high_freq_factor', path),
    originalContextLength: positiveInteger(scaling, 'original_max_position_embeddings', path),
  };
}

/** What a `config.json` holds beside the hyperparameters. */
export interface HfConfigExtras {
  /** Element type of the weights, in PyTorch's spelling. */
  readonly torchDtype: string;
  /** Id of the token that begins a text. */
  readonly bosId: number;
  /** Ids of the tokens that end a text or a turn. */
  readonly eosIds: readonly number[];
  /** Which of the published files' spellings to follow. */
  readonly style: HfConfigStyle;
}

/** How a version of transformers spelled `config.json`; the published bytes depend on it. */
export interface HfConfigStyle {
  /** Version named in the file. */
  readonly transformersVersion: string;
  /** Whether `head_dim` is written although it follows from the others. */
  readonly headDim: boolean;
  /** Whether the keys of `rope_scaling` are sorted too. */
  readonly sortedRopeScaling: boolean;
}

/** Spellings of the releases: that of Llama 3.1, that of Llama 3.2 1B and 3B, and ours for all others. */
export const HF_CONFIG_STYLES = {
  llama31: { transformersVersion: '4.42.3', headDim: false, sortedRopeScaling: false },
  llama32: { transformersVersion: '4.45.0.dev0', headDim: true, sortedRopeScaling: true },
  general: { transformersVersion: '4.45.0', headDim: true, sortedRopeScaling: false },
} as const satisfies Record<string, HfConfigStyle>;

/** `config.json` as transformers of late 2024 writes it, with a final line feed. */
export function hfConfigJson(config: LlamaConfig, extras: HfConfigExtras): string {
  const { style } = extras;
  const json: JsonObject = {
    architectures: ['LlamaForCausalLM'],
    attention_bias: false,
    attention_dropout: float(0),
    bos_token_id: extras.bosId,
    eos_token_id: oneOrAll(extras.eosIds),
    ...(style.headDim ? { head_dim: config.headDim } : {}),
    hidden_act: 'silu',
    hidden_size: config.dim,
    initializer_range: 0.02,
    intermediate_size: config.ffnDim,
    max_position_embeddings: config.contextLength,
    mlp_bias: false,
    model_type: 'llama',
    num_attention_heads: config.nHeads,
    num_hidden_layers: config.nLayers,
    num_key_value_heads: config.nKvHeads,
    pretraining_tp: 1,
    rms_norm_eps: float(config.normEps),
    rope_scaling: config.ropeScaling && ropeScalingJson(config.ropeScaling, style),
    rope_theta: float(config.ropeTheta),
    tie_word_embeddings: config.tied,
    torch_dtype: extras.torchDtype,
    transformers_version: style.transformersVersion,
    use_cache: true,
    vocab_size: config.vocabSize,
  };
  return pythonJson(json);
}

/** `rope_scaling` of a `config.json`. */
export function ropeScalingJson(scaling: RopeScaling, style: HfConfigStyle): JsonObject {
  const low = { low_freq_factor: float(scaling.lowFreqFactor) };
  const high = { high_freq_factor: float(scaling.highFreqFactor) };
  return {
    factor: float(scaling.factor),
    ...(style.sortedRopeScaling ? { ...high, ...low } : { ...low, ...high }),
    original_max_position_embeddings: scaling.originalContextLength,
    rope_type: 'llama3',
  };
}

/** A number that Python would hold as a float. */
class PythonFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** A number that {@link pythonJson} spells as a float. */
export function float(value: number): PythonFloat {
  return new PythonFloat(value);
}

/** JSON as Python's `json.dumps(value, indent=2)` spells it, with a final line feed. */
export function pythonJson(value: unknown): string {
  return `${spell(value, '')}\n`;
}

function spell(value: unknown, indent: string): string {
  if (value instanceof PythonFloat) return pythonFloat(value.value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const deeper = `${indent}  `;
  const isList = Array.isArray(value);
  const items = isList
    ? value.map((item) => spell(item, deeper))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${spell(item, deeper)}`);
  const [open, close] = isList ? '[]' : '{}';
  if (items.length === 0) return `${open}${close}`;
  return `${open}\n${items.map((item) => deeper + item).join(',\n')}\n${indent}${close}`;
}

/** Python's `repr` of a float: a point always, exponents of two digits from 1e16 on and below 1e-4. */
export function pythonFloat(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e16)) {
    const [digits = '', exponent = ''] = value.toExponential().split('e');
    return `${digits}e${exponent.replace(/^([+-])(\d)$/, '$10$2')}`;
  }
  const text = value.toString();
  return text.includes('.') ? text : `${text}.0`;
}

/** Ids as transformers writes them: a number where there is one. */
export function oneOrAll(ids: readonly number[]): number | readonly number[] | undefined {
  return ids.length === 1 ? ids[0] : ids;
}
