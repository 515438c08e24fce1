/**
 * `adapter_config.json` of PEFT: how a LoRA adapter is to be merged.
 *
 * @see https://github.com/huggingface/peft/blob/main/src/peft/tuners/lora/config.py
 * @module
 */
import { shownName } from '../formats/shown-name.js';
import { parseJsonObject } from './json-object.js';
import { type LoraTargets, parseLoraTargets } from './lora-targets.js';
import { LlamaError } from './model.js';

/** How strongly an adapter changes one matrix. */
export interface LoraStrength {
  /** Inner extent of the two factors. */
  readonly rank: number;
  /** What their product is multiplied by. */
  readonly scale: number;
}

/** What merging goes by. */
export interface LoraSettings {
  /** The strength for a module, by its name in Hugging Face's layout: `model.layers.0.self_attn.q_proj`. */
  readonly strengthOf: (module: string) => LoraStrength;
  /** The modules that have factors. */
  readonly targets: LoraTargets;
}

/** Largest rank read: ten times the largest in use. Each matrix's factor of so many rows is held in memory. */
const MAX_RANK = 4096;

/** Settings that merging goes by. */
const READ = [
  ...['peft_type', 'bias', 'r', 'lora_alpha', 'rank_pattern', 'alpha_pattern', 'use_rslora', 'init_lora_weights'],
  ...['target_modules', 'layers_to_transform'],
];

/** Settings that tell of training or of PEFT itself: they change nothing in what the factors mean. */
const IDLE = [
  ...['auto_mapping', 'base_model_name_or_path', 'revision', 'task_type', 'peft_version', 'inference_mode'],
  ...[
    'lora_dropout',
    'exclude_modules',
    'layers_pattern',
    'ensure_weight_tying',
    'runtime_config',
    'qalora_group_size',
  ],
  ...['corda_config', 'eva_config', 'lora_ga_config', 'loftq_config', 'megatron_config', 'megatron_core'],
];

/** Ways to fill the factors before training that leave the base as it was; others take from it what the factors hold. */
const PLAIN_STARTS: readonly unknown[] = [true, false, 'gaussian', 'eva', 'orthogonal'];

/**
 * Reads the settings.
 *
 * @throws LlamaError `llama/bad-adapter`, `llama/unsupported`
 */
export function parseLoraConfig(text: string, path: string): LoraSettings {
  const json = parseJsonObject(text, path, 'llama/bad-adapter');
  const refuse = (message: string): never => {
    throw new LlamaError('llama/unsupported', message, { path });
  };
  if (json['peft_type'] !== 'LORA') {
    refuse(`peft_type is ${JSON.stringify(json['peft_type'])}, only "LORA" can be merged`);
  }
  if ((json['bias'] ?? 'none') !== 'none') refuse(`bias is ${JSON.stringify(json['bias'])}, a Llama has no biases`);
  const start = json['init_lora_weights'] ?? true;
  if (!PLAIN_STARTS.includes(start)) {
    refuse(`init_lora_weights is ${JSON.stringify(start)}, which changes the base model as well`);
  }
  const more = Object.keys(json).find((key) => !READ.includes(key) && !IDLE.includes(key) && !isEmpty(json[key]));
  if (more !== undefined) refuse(`${shownName(more)} is ${JSON.stringify(json[more])}, which cannot be merged`);
  const targets = parseLoraTargets(json, (message) => {
    throw badConfig(message, path);
  });
  const rank = expectRank(json['r'], 'r', path);
  const alpha = expectAlpha(json['lora_alpha'], 'lora_alpha', path);
  const ranks = parsePattern(json, 'rank_pattern', expectRank, path);
  const alphas = parsePattern(json, 'alpha_pattern', expectAlpha, path);
  const rootScaled = expectSwitch(json['use_rslora'] ?? false, 'use_rslora', path);
  return {
    strengthOf: (module) => {
      const own = valueFor(ranks, module) ?? rank;
      const scale = (valueFor(alphas, module) ?? alpha) / (rootScaled ? Math.sqrt(own) : own);
      return { rank: own, scale };
    },
    targets,
  };
}

function expectRank(value: unknown, name: string, path: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_RANK) return value;
  throw badConfig(`${name} must be a whole number from 1 to ${MAX_RANK}, found ${JSON.stringify(value)}`, path);
}

function expectAlpha(value: unknown, name: string, path: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value !== 0) return value;
  throw badConfig(`${name} must be a number other than 0, found ${JSON.stringify(value)}`, path);
}

function expectSwitch(value: unknown, name: string, path: string): boolean {
  if (typeof value === 'boolean') return value;
  throw badConfig(`${name} must be true or false, found ${JSON.stringify(value)}`, path);
}

/** Values for some modules, the first that fits counts. */
type Pattern = readonly (readonly [module: string, value: number])[];

/** A module's name or the end of one. PEFT takes any regular expression; one of a stranger's is not run here. */
const PLAIN_NAME = /^[\w.]+$/;

function parsePattern(
  json: Readonly<Record<string, unknown>>,
  name: string,
  expectValue: (value: unknown, name: string, path: string) => number,
  path: string,
): Pattern {
  const pattern = json[name] ?? {};
  if (typeof pattern !== 'object' || Array.isArray(pattern)) throw badConfig(`${name} must be an object`, path);
  return Object.entries(pattern).map(([module, value]) => {
    if (!PLAIN_NAME.test(module)) {
      const message = `${name} has the pattern ${JSON.stringify(module)}; only names of modules can be read`;
      throw new LlamaError('llama/unsupported', message, { path });
    }
    return [module, expectValue(value, `${name}[${JSON.stringify(module)}]`, path)] as const;
  });
}

/** @see https://github.com/huggingface/peft/blob/main/src/peft/utils/other.py (get_pattern_key) */
function valueFor(pattern: Pattern, module: string): number | undefined {
  return pattern.find(([name]) => module === name || module.endsWith(`.${name}`))?.[1];
}

function isEmpty(value: unknown): boolean {
  return value == null || value === false || (typeof value === 'object' && Object.keys(value).length === 0);
}

function badConfig(message: string, path: string): LlamaError {
  return new LlamaError('llama/bad-adapter', message, { path });
}
