/**
 * `adapter_config.json` of PEFT: how a LoRA adapter is to be merged.
 *
 * @see https://github.com/huggingface/peft/blob/main/src/peft/tuners/lora/config.py
 * @module
 */
import { LlamaError } from './model.js';

/** What merging goes by. */
export interface LoraSettings {
  /** Inner extent of the two factors. */
  readonly rank: number;
  /** What their product is multiplied by. */
  readonly scale: number;
  /** Names of the modules that have factors; undefined where the file has a pattern for them. */
  readonly targets: readonly string[] | undefined;
}

/** Largest rank read: ten times the largest in use. Each matrix's factor of so many rows is held in memory. */
const MAX_RANK = 4096;

/** Settings by which an adapter is more than two factors for each matrix. */
const MORE_THAN_FACTORS = [
  ...['fan_in_fan_out', 'use_dora', 'lora_bias', 'modules_to_save', 'rank_pattern', 'alpha_pattern'],
  ...['layer_replication', 'trainable_token_indices', 'use_qalora', 'target_parameters'],
];

/**
 * Reads the settings.
 *
 * @throws LlamaError `llama/bad-adapter`, `llama/unsupported`
 */
export function parseLoraConfig(text: string, path: string): LoraSettings {
  const json = parseObject(text, path);
  const refuse = (message: string): never => {
    throw new LlamaError('llama/unsupported', message, { path });
  };
  if (json['peft_type'] !== 'LORA') {
    refuse(`peft_type is ${JSON.stringify(json['peft_type'])}, only "LORA" can be merged`);
  }
  if ((json['bias'] ?? 'none') !== 'none') refuse(`bias is ${JSON.stringify(json['bias'])}, a Llama has no biases`);
  const more = MORE_THAN_FACTORS.find((key) => !isEmpty(json[key]));
  if (more !== undefined) refuse(`${more} is ${JSON.stringify(json[more])}, which cannot be merged`);
  const { r: rank, lora_alpha: alpha, target_modules: targets } = json;
  if (typeof rank !== 'number' || !Number.isInteger(rank) || rank < 1 || rank > MAX_RANK) {
    throw badConfig(`r must be a whole number from 1 to ${MAX_RANK}, found ${JSON.stringify(rank)}`, path);
  }
  if (typeof alpha !== 'number' || !Number.isFinite(alpha)) {
    throw badConfig(`lora_alpha must be a number, found ${JSON.stringify(alpha)}`, path);
  }
  const scale = json['use_rslora'] === true ? alpha / Math.sqrt(rank) : alpha / rank;
  return { rank, scale, targets: Array.isArray(targets) ? targets.map(String) : undefined };
}

function isEmpty(value: unknown): boolean {
  return value == null || value === false || (typeof value === 'object' && Object.keys(value).length === 0);
}

function parseObject(text: string, path: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  } catch (cause) {
    throw badConfig(`this is not valid JSON: ${(cause as Error).message}`, path);
  }
  throw badConfig('a JSON object was expected', path);
}

function badConfig(message: string, path: string): LlamaError {
  return new LlamaError('llama/bad-adapter', message, { path });
}
