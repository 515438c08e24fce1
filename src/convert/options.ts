/**
 * What a person asks of a conversion.
 *
 * @module
 */
import type { LlamaModel } from '../llama/model.js';
import { expectTensor } from '../llama/model.js';
import { ConvertError } from './plan.js';

/** Types that can be written so far, under the names that llama.cpp gives them. */
export const OUTPUT_TYPES = {
  /** IEEE single precision. */
  f32: 'float32',
  /** IEEE half precision: bfloat16 weights may overflow or vanish in it, which is counted. */
  f16: 'float16',
  /** The upper half of single precision. */
  bf16: 'bfloat16',
} as const;

/** Element type that can be written. */
export type OutputDType = (typeof OUTPUT_TYPES)[OutputTypeName];

/** Name of a type that can be written. */
export type OutputTypeName = keyof typeof OUTPUT_TYPES;

/** What to write. */
export interface ConvertOptions {
  /** Format of the weights: a Hugging Face folder, or one GGUF file. */
  readonly to: 'safetensors' | 'gguf';
  /** Type of the weights; the source's own when absent, which loses nothing. */
  readonly type?: OutputTypeName | undefined;
  /** Most bytes of a safetensors file; 5 GB (decimal) when absent, as Hugging Face has it. */
  readonly maxShardSize?: number | undefined;
  /** Name of the GGUF file; the model's name when absent. */
  readonly fileName?: string | undefined;
}

/** Hugging Face's default: 5 GB, decimal. */
export const DEFAULT_MAX_SHARD_SIZE = 5e9;

/** Whether a string names a type that can be written. */
export function isOutputType(name: string): name is OutputTypeName {
  return Object.hasOwn(OUTPUT_TYPES, name);
}

/**
 * The element type that most weights will have.
 *
 * @throws ConvertError `convert/unsupported-type` for sources of other types when no type is given
 */
export function outputDtype(model: LlamaModel, options: Pick<ConvertOptions, 'type'>): OutputDType {
  if (options.type !== undefined) return OUTPUT_TYPES[options.type];
  const own = expectTensor(model, 'tok_embeddings.weight').dtype;
  const same = Object.values(OUTPUT_TYPES).find((dtype) => dtype === own);
  if (same !== undefined) return same;
  throw new ConvertError(
    'convert/unsupported-type',
    `the weights are ${own}, which can only be written as another type`,
    {
      path: model.path,
      hint: 'give --type f32, f16 or bf16',
    },
  );
}
