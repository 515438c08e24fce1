/**
 * The small operations between the matrix products, each as the paper writes it.
 *
 * Values are stored in float32; sums and functions are computed in float64 and rounded once. Positions
 * and angles are the exception: Meta multiplies position and frequency in float32, and at position
 * 100,000 the rounding of that product is visible in the logits, so it is done here too.
 *
 * @see https://arxiv.org/abs/2302.13971
 * @see https://arxiv.org/abs/1910.07467
 * @see https://arxiv.org/abs/2104.09864
 * @module
 */
import type { LlamaConfig } from '../llama/model.js';
import { ropeFrequencies, scaleRopeFrequencies } from '../llama/rope.js';

/** Cosines and sines of every token's angles; both of shape (tokens, headDim / 2). */
export interface Rotation {
  /** Cosines, rounded to float32. */
  readonly cos: Float32Array;
  /** Sines, rounded to float32. */
  readonly sin: Float32Array;
}

/** Each token's vector divided by its root mean square, times the weight (dim,); (tokens, dim) -> (tokens, dim). */
export function rmsNorm(hidden: Float32Array, weight: Float32Array, epsilon: number): Float32Array {
  const dim = weight.length;
  const normed = new Float32Array(hidden.length); // (tokens, dim)
  for (let start = 0; start < hidden.length; start += dim) {
    let squares = 0;
    for (let i = start; i < start + dim; i++) squares += hidden[i]! * hidden[i]!;
    const scale = 1 / Math.sqrt(squares / dim + Math.fround(epsilon));
    for (let i = 0; i < dim; i++) normed[start + i] = hidden[start + i]! * scale * weight[i]!;
  }
  return normed;
}

/** The rotations of tokens at these positions; a few million sines at most. */
export function rotationOf(positions: readonly number[], config: LlamaConfig): Rotation {
  const unscaled = ropeFrequencies(config.headDim, config.ropeTheta);
  const frequencies = config.ropeScaling === null ? unscaled : scaleRopeFrequencies(unscaled, config.ropeScaling);
  const angles = positions.flatMap((position) =>
    [...frequencies].map((frequency) => Math.fround(position * frequency)),
  );
  return { cos: Float32Array.from(angles, Math.cos), sin: Float32Array.from(angles, Math.sin) };
}

/** Turns each neighbouring pair (2i, 2i+1) of every head by its angle, in place; `heads` is (tokens, heads * headDim). */
export function rotate(heads: Float32Array, { cos, sin }: Rotation, tokens: number, headDim: number): void {
  const pairs = headDim / 2;
  const width = heads.length / tokens;
  for (let token = 0; token < tokens; token++) {
    for (let column = 0; column < width; column += 2) {
      const angle = token * pairs + ((column / 2) % pairs);
      const at = token * width + column;
      const re = heads[at]!;
      const im = heads[at + 1]!;
      heads[at] = re * cos[angle]! - im * sin[angle]!;
      heads[at + 1] = re * sin[angle]! + im * cos[angle]!;
    }
  }
}

/** Probabilities of these scores, in place: their exponentials, scaled to sum 1. */
export function softmax(scores: Float64Array): void {
  let largest = -Infinity;
  for (const score of scores) largest = Math.max(largest, score);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += scores[i] = Math.exp(scores[i]! - largest);
  for (let i = 0; i < scores.length; i++) scores[i] = scores[i]! / sum;
}

/** `silu(gate) * up`, element by element, into `gate`; silu(x) = x / (1 + exp(-x)). */
export function swiglu(gate: Float32Array, up: Float32Array): void {
  for (let i = 0; i < gate.length; i++) gate[i] = (gate[i]! / (1 + Math.exp(-gate[i]!))) * up[i]!;
}

/** Adds `change` to the residual stream in place; both (tokens, dim). */
export function addTo(hidden: Float32Array, change: Float32Array): void {
  for (let i = 0; i < hidden.length; i++) hidden[i] = hidden[i]! + change[i]!;
}
