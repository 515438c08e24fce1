/**
 * Sums over the elements of two tensors, gathered block by block: the usual distances, and how well the two fit as
 * one tensor in two types.
 *
 * @module
 */
import type { DType } from '../dtype.js';
import { bitsOf } from '../quant/words.js';
import type { TensorDifference } from './comparison.js';
import type { PairedValues } from './lockstep.js';
import { quantizedFit } from './quantized-fit.js';
import { type Fit, roundingFit } from './rounding-fit.js';
import type { Tally } from './tally.js';

/** What has been gathered so far. */
export interface TensorStatistics {
  /** How well the two fit as one. */
  readonly fit: Fit;
  /** Elements seen. */
  elements: number;
  /** Elements not equal to the bit, NaN beside NaN left out. */
  differing: number;
  /** Largest absolute difference, and its index. */
  maxAbs: number;
  /** Index of the element with that difference. */
  maxAbsAt: number;
  /** Elements of the first side that are NaN or infinite. */
  notFiniteA: number;
  /** Those of the second side. */
  notFiniteB: number;
  /** Sum of the first side's squares, over elements finite on both sides. */
  squaresA: number;
  /** Sum of the second side's. */
  squaresB: number;
  /** Sum of products. */
  dot: number;
  /** Sum of squared differences; Infinity once a side is not finite where the other is. */
  squaredDifference: number;
}

/** Statistics of nothing yet. */
export function newStatistics(dtypeA: DType, dtypeB: DType, width: number): TensorStatistics {
  const fit = quantizedFit(dtypeA, dtypeB, width) ?? roundingFit(dtypeA, dtypeB, width);
  return {
    fit,
    elements: 0,
    differing: 0,
    maxAbs: 0,
    maxAbsAt: 0,
    notFiniteA: 0,
    notFiniteB: 0,
    squaresA: 0,
    squaresB: 0,
    dot: 0,
    squaredDifference: 0,
  };
}

/** Adds a block of both sides. */
export function addValues(statistics: TensorStatistics, values: PairedValues): void {
  const { start, a, b } = values;
  const bitsA = bitsOf(a);
  const bitsB = bitsOf(b);
  statistics.elements += a.length;
  statistics.fit.add(values);
  // sums in variables: in an object each addition would allocate a number
  let { squaresA, squaresB, dot, squaredDifference, differing, maxAbs, maxAbsAt } = statistics;
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    if (Number.isFinite(x) && Number.isFinite(y)) {
      squaresA += x * x;
      squaresB += y * y;
      dot += x * y;
    } else {
      if (!Number.isFinite(x)) statistics.notFiniteA++;
      if (!Number.isFinite(y)) statistics.notFiniteB++;
    }
    if (bitsA[i] === bitsB[i] || (Number.isNaN(x) && Number.isNaN(y))) continue;
    const apart = Math.abs(x - y);
    const difference = Number.isNaN(apart) ? Infinity : apart;
    squaredDifference += difference * difference;
    if (differing === 0 || difference > maxAbs) {
      maxAbs = difference;
      maxAbsAt = start + i;
    }
    differing++;
  }
  Object.assign(statistics, { squaresA, squaresB, dot, squaredDifference, differing, maxAbs, maxAbsAt });
}

/** Adds what kernels found in the next rows. */
export function addTally(statistics: TensorStatistics, tally: Tally): void {
  if (tally.differing > 0 && (statistics.differing === 0 || tally.maxAbs > statistics.maxAbs)) {
    statistics.maxAbs = tally.maxAbs;
    statistics.maxAbsAt = tally.start + tally.maxAbsAt;
  }
  statistics.elements += tally.elements;
  statistics.differing += tally.differing;
  statistics.notFiniteA += tally.notFiniteA;
  statistics.notFiniteB += tally.notFiniteB;
  statistics.squaresA += tally.squaresA;
  statistics.squaresB += tally.squaresB;
  statistics.dot += tally.dot;
  statistics.squaredDifference += tally.squaredDifference;
  statistics.fit.addTally(tally);
}

/** What the sums say: equal, rounded to the other's type (or both from a third), or different. */
export function outcomeOf(statistics: TensorStatistics): 'equal' | 'rounded' | 'different' {
  if (statistics.differing === 0) return 'equal';
  return statistics.fit.misfits().count === 0 ? 'rounded' : 'different';
}

/** The distances, for the report. */
export function differenceOf(statistics: TensorStatistics, shape: readonly number[]): TensorDifference {
  const { differing, maxAbs, maxAbsAt, squaresA, squaresB, dot, squaredDifference, elements } = statistics;
  const { notFiniteA, notFiniteB } = statistics;
  const rmse = Math.sqrt(squaredDifference / elements);
  return {
    differing,
    outliers: statistics.fit.misfits().count,
    maxAbs,
    maxAbsAt: indexOf(maxAbsAt, shape),
    ...{ notFiniteA, notFiniteB },
    rmse,
    relativeRmse: ratio(rmse, Math.sqrt(squaresA / elements)),
    cosine: squaresA > 0 && squaresB > 0 ? dot / Math.sqrt(squaresA * squaresB) : 0,
  };
}

/** One index for each extent, of the element that stands at this place of the row-major form. */
export function indexOf(flat: number, shape: readonly number[]): number[] {
  let rest = flat;
  return shape
    .toReversed()
    .map((extent) => {
      const index = rest % extent;
      rest = Math.floor(rest / extent);
      return index;
    })
    .reverse();
}

/** `part` of `whole`; something beside nothing is infinitely much. */
export function ratio(part: number, whole: number): number {
  return part === 0 ? 0 : part / whole;
}
