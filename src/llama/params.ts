/**
 * `params.json`: the hyperparameters as Meta ships them.
 *
 * The file is small and often wrong: an error page saved under its name, a fine-tune's edit, a value of
 * another size. It is checked against a JSON Schema (compiled at build time, so that start-up pays
 * nothing), and messages name the key, the value found and what is allowed. Two facts a reader must know:
 * `vocab_size` is -1 in Llama 1 and 2, and the rope scaling's factor is not in the file at all.
 *
 * @see docs/schema/params.schema.json
 * @module
 */
import type { ByteSource } from '../source/byte-source.js';
import { readWhole } from '../source/whole.js';
import { isJsonObject, notJson } from './json-object.js';
import { type Llama4Args, llama4Args } from './llama4/args.js';
import { LlamaError } from './model.js';
import { validate } from './params-validator.generated.js';

/** Hyperparameters under Meta's own keys; absent keys have Meta's defaults filled in where those are fixed. */
export interface MetaParams {
  /** Hidden size. */
  readonly dim: number;
  /** Number of transformer blocks. */
  readonly n_layers: number;
  /** Query heads. */
  readonly n_heads: number;
  /** As many as `n_heads` when the file has none. */
  readonly n_kv_heads: number;
  /** -1: as many as the embedding has rows. */
  readonly vocab_size: number;
  /** The feed-forward width is rounded up to a multiple of this. */
  readonly multiple_of: number;
  /** Factor of the feed-forward width. */
  readonly ffn_dim_multiplier: number | undefined;
  /** Epsilon of the RMS norms. */
  readonly norm_eps: number;
  /** 10000 when absent, as in Llama 1 and 2. */
  readonly rope_theta: number;
  /** Whether the rotary frequencies are scaled. */
  readonly use_scaled_rope: boolean;
  /** Cross-attention blocks; 0 without vision. */
  readonly vision_num_cross_attention_layers: number;
  /** Side of an image tile in pixels; undefined without vision. */
  readonly vision_chunk_size: number | undefined;
  /** Most tiles of an image; 4 when absent. */
  readonly vision_max_num_chunks: number;
  /** Elements of a head where the file says so (Llama 4). */
  readonly head_dim: number | undefined;
  /** What it says of Llama 4; undefined for other generations. */
  readonly llama4: Llama4Args | undefined;
  /** How the weights are quantized (SpinQuant and QLoRA). */
  readonly quantization_args: QuantizationArgs | undefined;
  /** Adaptors of the weights (QLoRA). */
  readonly lora_args: LoraArgs | undefined;
  /** Which special sections the file has: they decide what kind of checkpoint it is. */
  readonly sections: readonly ParamsSection[];
  /** Keys this package does not know; ignored, as Meta's code does. */
  readonly unknownKeys: readonly string[];
}

/** How the weights of an int4 checkpoint are quantized; what the file leaves out is undefined. */
export interface QuantizationArgs {
  /** Name of the scheme. */
  readonly scheme: string | undefined;
  /** Weights of a row that share a scale, as the file has it: the tensors may say otherwise. */
  readonly group_size: number | undefined;
  /** Whether the input of `feed_forward.w2` goes through a Hadamard transform. */
  readonly spinquant: boolean;
}

/** Low-rank adaptors that are added to quantized weights. */
export interface LoraArgs {
  /** Rows of each A and columns of each B. */
  readonly rank: number;
  /** Factor of the product BA. */
  readonly scale: number;
}

/** Sections that only some checkpoints have. */
export type ParamsSection = 'quantization_args' | 'lora_args' | 'moe_args' | 'vision_args';

/** Largest `params.json` read; real ones have at most 2 kB. */
const PARAMS_BYTES_LIMIT = 1 << 20;

const SECTIONS: readonly ParamsSection[] = ['quantization_args', 'lora_args', 'moe_args', 'vision_args'];

const KNOWN_KEYS = new Set([
  ...['dim', 'n_layers', 'n_heads', 'n_kv_heads', 'vocab_size', 'multiple_of', 'ffn_dim_multiplier', 'norm_eps'],
  ...['rope_theta', 'use_scaled_rope', 'max_batch_size', 'max_seq_len', 'head_dim', 'vision_chunk_size'],
  ...['vision_max_num_chunks', 'vision_num_cross_attention_layers', ...SECTIONS],
  ...['ffn_exp', 'attention_chunk_size', 'rope_scaling_factor', 'rope_high_freq_factor', 'nope_layer_interval'],
  ...['use_qk_norm', 'attn_temperature_tuning', 'floor_scale', 'attn_scale'],
]);

/**
 * Reads and validates `params.json`; one read.
 *
 * @throws SourceError `source/html-page` and its kin for a file that is something else
 * @throws LlamaError `llama/bad-params`
 */
export async function readParams(source: ByteSource): Promise<MetaParams> {
  return parseParams(await readParamsFile(source), source.name);
}

/** The bytes of a `params.json`; one read. @throws SourceError */
export async function readParamsFile(source: ByteSource): Promise<Uint8Array> {
  return readWhole(source, PARAMS_BYTES_LIMIT);
}

/** The same from bytes. @throws as {@link readParams} */
export function parseParams(bytes: Uint8Array, path: string): MetaParams {
  const parsed = parseJson(bytes, path);
  const outer = isJsonObject(parsed) && isJsonObject(parsed['model']) && !('dim' in parsed) ? parsed['model'] : parsed;
  if (isJsonObject(outer) && validate(outer)) return normalise(outer);
  throw new LlamaError('llama/bad-params', isJsonObject(outer) ? describeFaults(outer) : 'a JSON object was expected', {
    path,
    hint: 'compare it with docs/schema/params.schema.json or download it again',
  });
}

function parseJson(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw notJson(bytes, cause, path, 'llama/bad-params');
  }
}

/** Most faults named in one message; the rest are counted. */
const FAULTS_SHOWN = 3;

/** What {@link validate} has just found wrong with the value. */
function describeFaults(value: Record<string, unknown>): string {
  const faults = validate.errors.map((error) => {
    const keys = error.instancePath.split('/').slice(1);
    const key = keys.join('.');
    if (error.keyword === 'required') {
      const missing = /'(.+)'/.exec(error.message)?.[1] ?? '';
      return `${[...keys, missing].join('.')} is missing`;
    }
    const allowed = error.keyword === 'not' ? 'must be -1 or at least 1' : error.message;
    const found = keys.reduce<unknown>((inner, step) => (isJsonObject(inner) ? inner[step] : undefined), value);
    return `${key} ${allowed}, found ${JSON.stringify(found)}`;
  });
  const more = faults.length > FAULTS_SHOWN ? `, and ${faults.length - FAULTS_SHOWN} more faults` : '';
  return faults.slice(0, FAULTS_SHOWN).join('; ') + more;
}

function normalise(raw: Record<string, unknown>): MetaParams {
  const number = (key: string, absent: number): number => (typeof raw[key] === 'number' ? raw[key] : absent);
  const heads = number('n_heads', 0);
  return {
    dim: number('dim', 0),
    n_layers: number('n_layers', 0),
    n_heads: heads,
    n_kv_heads: number('n_kv_heads', heads),
    vocab_size: number('vocab_size', -1),
    multiple_of: number('multiple_of', 256),
    ffn_dim_multiplier: typeof raw['ffn_dim_multiplier'] === 'number' ? raw['ffn_dim_multiplier'] : undefined,
    norm_eps: number('norm_eps', 1e-5),
    rope_theta: number('rope_theta', 10000),
    use_scaled_rope: raw['use_scaled_rope'] === true,
    vision_num_cross_attention_layers: Math.max(0, number('vision_num_cross_attention_layers', 0)),
    vision_chunk_size: number('vision_chunk_size', -1) > 0 ? number('vision_chunk_size', -1) : undefined,
    vision_max_num_chunks: number('vision_max_num_chunks', 4),
    head_dim: typeof raw['head_dim'] === 'number' ? raw['head_dim'] : undefined,
    llama4: llama4Args(raw),
    quantization_args: quantizationArgs(raw['quantization_args']),
    lora_args: loraArgs(raw['lora_args']),
    sections: SECTIONS.filter((key) => isJsonObject(raw[key])),
    unknownKeys: Object.keys(raw).filter((key) => !KNOWN_KEYS.has(key)),
  };
}

function quantizationArgs(raw: unknown): QuantizationArgs | undefined {
  if (!isJsonObject(raw)) return undefined;
  const { scheme, group_size: groupSize, spinquant } = raw;
  return {
    scheme: typeof scheme === 'string' ? scheme : undefined,
    group_size: typeof groupSize === 'number' ? groupSize : undefined,
    spinquant: spinquant === true,
  };
}

function loraArgs(raw: unknown): LoraArgs | undefined {
  if (!isJsonObject(raw)) return undefined;
  return { rank: raw['rank'] as number, scale: raw['scale'] as number };
}

/**
 * Width of the feed-forward block by Meta's formula: two thirds of `4 * dim`, times the multiplier,
 * rounded up to a multiple of `multiple_of`.
 *
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama3/model.py (FeedForward)
 */
export function feedForwardDim(params: Pick<MetaParams, 'dim' | 'multiple_of' | 'ffn_dim_multiplier'>): number {
  const twoThirds = Math.trunc((2 * 4 * params.dim) / 3);
  const scaled =
    params.ffn_dim_multiplier === undefined ? twoThirds : Math.trunc(params.ffn_dim_multiplier * twoThirds);
  return params.multiple_of * Math.ceil(scaled / params.multiple_of);
}
