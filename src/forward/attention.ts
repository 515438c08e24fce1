/**
 * Causal attention with grouped queries.
 *
 * Which tokens a token may see is decided by their order in the sequence, not by their positions: token
 * `i` attends to the tokens `0..i`, so positions may repeat, jump or fall without changing the mask.
 *
 * @see https://arxiv.org/abs/1706.03762
 * @see https://arxiv.org/abs/2305.13245
 * @module
 */
import type { LlamaConfig } from '../llama/model.js';
import { softmax } from './operations.js';
import type { Span } from './request.js';

/** Queries, keys and values of all tokens, rotated. */
export interface Projections {
  /** Shape (tokens, nHeads * headDim). */
  readonly queries: Float32Array;
  /** Shape (tokens, nKvHeads * headDim). */
  readonly keys: Float32Array;
  /** Shape (tokens, nKvHeads * headDim). */
  readonly values: Float32Array;
}

/** Which heads meet, and where their columns begin. */
interface Head {
  readonly query: number;
  readonly keyValue: number;
}

/** Each token's mix of the values it may see; shape (tokens, nHeads * headDim). Costs the square of each span. */
export function attend(projections: Projections, spans: readonly Span[], config: LlamaConfig): Float32Array {
  const { nHeads, nKvHeads, headDim } = config;
  const group = nHeads / nKvHeads; // query heads that share a key/value head
  const mixed = new Float32Array(projections.queries.length); // (tokens, nHeads * headDim)
  for (const span of spans) {
    for (let head = 0; head < nHeads; head++) {
      const columns = { query: head * headDim, keyValue: Math.floor(head / group) * headDim };
      attendHead(projections, span, columns, config, mixed);
    }
  }
  return mixed;
}

function attendHead(
  { queries, keys, values }: Projections,
  { start, end }: Span,
  columns: Head,
  { nHeads, nKvHeads, headDim }: LlamaConfig,
  mixed: Float32Array,
): void {
  const scale = 1 / Math.sqrt(headDim);
  const sums = new Float64Array(headDim);
  const allScores = new Float64Array(end - start);
  for (let token = start; token < end; token++) {
    const query = token * nHeads * headDim + columns.query;
    const scores = allScores.subarray(0, token - start + 1); // one for each token up to this one
    for (let seen = start; seen <= token; seen++) {
      const key = seen * nKvHeads * headDim + columns.keyValue;
      let dot = 0;
      for (let i = 0; i < headDim; i++) dot += queries[query + i]! * keys[key + i]!;
      scores[seen - start] = dot * scale;
    }
    softmax(scores);
    sums.fill(0);
    for (let seen = start; seen <= token; seen++) {
      const value = seen * nKvHeads * headDim + columns.keyValue;
      const weight = scores[seen - start]!;
      for (let i = 0; i < headDim; i++) sums[i] = sums[i]! + weight * values[value + i]!;
    }
    mixed.set(sums, query);
  }
}
