/**
 * How a model is sampled, as `generation_config.json` says it and as `general.sampling.*` of a GGUF file does.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/gguf-py/gguf/metadata.py
 * @module
 */
import type { GgufMetadataEntry } from '../formats/gguf/plan.js';
import { shortestFloat } from '../llama/gguf-config.js';
import type { LlamaModel } from '../llama/model.js';
import { ConvertError } from './plan.js';

/** Settings by their names in `generation_config.json`. */
export type SamplingSettings = Readonly<Record<string, number>>;

/** How Meta's instruct models are sampled by default. */
export const INSTRUCT_SAMPLING: SamplingSettings = { top_p: 0.9, temperature: 0.6 };

/** Names in `generation_config.json`, behind `general.sampling.` in GGUF, and types there; in the converter's order. */
const SAMPLING_KEYS = [
  ['top_k', 'top_k', 'i32'],
  ['top_p', 'top_p', 'f32'],
  ['min_p', 'min_p', 'f32'],
  ['xtc_probability', 'xtc_probability', 'f32'],
  ['xtc_threshold', 'xtc_threshold', 'f32'],
  ['temperature', 'temp', 'f32'],
  ['penalty_last_n', 'penalty_last_n', 'i32'],
  ['penalty_repeat', 'penalty_repeat', 'f32'],
  ['mirostat', 'mirostat', 'i32'],
  ['mirostat_tau', 'mirostat_tau', 'f32'],
  ['mirostat_eta', 'mirostat_eta', 'f32'],
] as const;

/** Whether a setting is a whole number. */
export function isWholeSetting(name: string): boolean {
  return SAMPLING_KEYS.some(([key, , type]) => key === name && type === 'i32');
}

/**
 * What llama.cpp's converter takes from `generation_config.json`, as pairs.
 *
 * @throws ConvertError `convert/not-expressible` for a number that the type of the pair cannot hold
 */
export function samplingEntries(settings: Readonly<Record<string, unknown>>): GgufMetadataEntry[] {
  return SAMPLING_KEYS.flatMap(([key, name, type]) => {
    const value = settings[key];
    if (typeof value !== 'number') return [];
    const fits = type === 'i32' ? (value | 0) === value : Number.isFinite(Math.fround(value));
    if (fits) return [{ key: `general.sampling.${name}`, type, value }];
    const wanted = type === 'i32' ? 'a whole number of 32 bits' : 'a float of 32 bits';
    throw new ConvertError('convert/not-expressible', `${key} is ${value}, but it is ${wanted} in GGUF`, {
      hint: 'correct generation_config.json',
    });
  });
}

/** The settings that a GGUF file states; undefined where it states none, and for models of other layouts. */
export function statedSampling({ gguf }: Pick<LlamaModel, 'gguf'>): SamplingSettings | undefined {
  const stated = SAMPLING_KEYS.flatMap(([key, name]) => {
    const entry = gguf?.metadata.find((pair) => pair.key === `general.sampling.${name}`);
    if (typeof entry?.value !== 'number' || !Number.isFinite(entry.value)) return [];
    return [[key, entry.type === 'f32' ? shortestFloat(entry.value) : entry.value] as const];
  });
  return stated.length === 0 ? undefined : Object.fromEntries(stated);
}
