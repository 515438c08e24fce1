/**
 * How far two sets of logits are apart.
 *
 * @see https://github.com/ggml-org/llama.cpp/tree/master/examples/model-conversion (NMSE)
 * @see https://en.wikipedia.org/wiki/Kullback-Leibler_divergence
 * @module
 */
import type { LogitDifference } from './comparison.js';
import { ratio } from './tensor-statistics.js';

/** Distances of logits, both of shape (rows, vocabSize); the first are held to be right. */
export function compareLogits(a: Float32Array, b: Float32Array, vocabSize: number): LogitDifference {
  const rows = a.length / vocabSize;
  const divergences = new Float64Array(rows);
  let top1Agreements = 0;
  for (let row = 0; row < rows; row++) {
    const rowA = a.subarray(row * vocabSize, (row + 1) * vocabSize);
    const rowB = b.subarray(row * vocabSize, (row + 1) * vocabSize);
    const top = { a: likeliest(rowA), b: likeliest(rowB) };
    divergences[row] = divergence(rowA, rowB, logSumExp(rowA, rowA[top.a]!), logSumExp(rowB, rowB[top.b]!));
    if (top.a === top.b) top1Agreements++;
  }
  return {
    rows,
    maxAbs: largestDifference(a, b),
    nmse: nmseOf(a, b),
    klMean: divergences.reduce((sum, value) => sum + value, 0) / rows,
    klMax: divergences.reduce((largest, value) => Math.max(largest, value), 0),
    top1Agreements,
  };
}

/** Sum of squared differences over the sum of the first side's squares; 0 for equal sides, even if all zero. */
export function nmseOf(a: Float32Array, b: Float32Array): number {
  let squares = 0;
  let differences = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    const apart = x - b[i]!;
    squares += x * x;
    differences += apart * apart;
  }
  return ratio(differences, squares);
}

// loops, because these arrays have millions of elements and a function for each element takes three times as long

function largestDifference(a: Float32Array, b: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

/** Kullback-Leibler divergence of the second row's probabilities from the first's, in nats, given {@link logSumExp} of both. */
function divergence(a: Float32Array, b: Float32Array, normA: number, normB: number): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const logA = a[i]! - normA;
    sum += Math.exp(logA) * (logA - (b[i]! - normB));
  }
  return Math.max(0, sum); // equal rows give a sum that rounding may leave a little below zero
}

/** Logarithm of the sum of exponentials, given the largest logit. */
function logSumExp(logits: Float32Array, largest: number): number {
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - largest);
  return largest + Math.log(sum);
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}
