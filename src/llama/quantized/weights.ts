/**
 * The weights of a checkpoint of any kind that makes a text model, as plain numbers.
 *
 * Shards with quantized weights become shards of views that scale them, which then merge like all others. What
 * is read differs from what is stored, so both are told.
 *
 * @module
 */
import type { MetaCheckpoint } from '../meta-checkpoint.js';
import type { Decision } from '../model.js';
import type { Shards } from '../shards.js';

/** How a tensor lies in the files, while the model's own tensor is float32. */
export interface StoredWeight {
  /** The type of its elements there. */
  readonly dtype: string;
  /** Bytes of all shards, with scales and adaptors. */
  readonly byteLength: number;
}

/** What quantized weights were found. */
export interface Quantization {
  /** Name for a person: `SpinQuant int4`, `FP8`. */
  readonly name: string;
  /** Whether matrices, embedding and output are all quantized, each for itself. */
  readonly whole: boolean;
  /** The tensors that are not stored as they are read, by Meta's name. */
  readonly stored: ReadonlyMap<string, StoredWeight>;
  /** What was decided, and why. */
  readonly decisions: readonly Decision[];
}

/** Shards whose tensors are plain numbers. */
export interface PlainShards {
  /** The shards. */
  readonly shards: Shards;
  /** How they are stored; undefined where they are stored just so. */
  readonly quantization: Quantization | undefined;
}

/**
 * The shards of a checkpoint with every weight as a plain number. Reads no weights; for FP8 the headers of the files
 * with the scales.
 *
 * @throws LlamaError `llama/unsupported` for schemes that are not known, `llama/missing-tensor`, `llama/missing-shard`,
 *   `llama/wrong-shape`, `llama/wrong-dtype`, `llama/bad-params`, `llama/contradiction` where parts do not fit
 */
export async function plainShards(checkpoint: MetaCheckpoint): Promise<PlainShards> {
  switch (checkpoint.kind) {
    case 'quantized':
      return (await import('./int4.js')).int4Shards(checkpoint);
    case 'fp8':
      return (await import('./fp8.js')).fp8Shards(checkpoint);
    default:
      return { shards: checkpoint.shards, quantization: undefined };
  }
}
