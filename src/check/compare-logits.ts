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
    const [rowA, rowB] = [a, b].map((logits) => logits.subarray(row * vocabSize, (row + 1) * vocabSize)) as [
      Float32Array,
      Float32Array,
    ];
    divergences[row] = divergence(rowA, rowB);
    if (likeliest(rowA) === likeliest(rowB)) top1Agreements++;
  }
  return {
    rows,
    maxAbs: a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0),
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

/** Kullback-Leibler divergence of the second row's probabilities from the first's, in nats. */
function divergence(a: Float32Array, b: Float32Array): number {
  const normA = logSumExp(a);
  const normB = logSumExp(b);
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const logA = a[i]! - normA;
    sum += Math.exp(logA) * (logA - (b[i]! - normB));
  }
  return Math.max(0, sum); // equal rows give a sum that rounding may leave a little below zero
}

function logSumExp(logits: Float32Array): number {
  const largest = logits[likeliest(logits)]!;
  return largest + Math.log(logits.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}

function likeliest(logits: Float32Array): number {
  return logits.reduce((best, value, i) => (value > logits[best]! ? i : best), 0);
}
