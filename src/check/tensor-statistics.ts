/**
 * Sums over the elements of two tensors, gathered block by block.
 *
 * Beside the usual distances it counts misfits: elements of one side that are not what rounding the
 * other side's to its type gives. Which side was rounded is not known, so both directions are counted,
 * and the better one decides.
 *
 * @module
 */
import type { DType } from '../dtype.js';
import { bitsOf } from '../quant/words.js';
import type { TensorDifference } from './comparison.js';
import type { PairedValues } from './lockstep.js';
import { halfUnitOf, roundsTo } from './rounding.js';
import { FEW_OUTLIERS, FEW_OUTLIERS_SHARE, ROUNDINGS, type Rounding } from './thresholds.js';

/** Elements that do not fit a way in which one side may have come from the other. */
export interface Misfits {
  /** How many. */
  count: number;
  /** Index of the first, and its values. */
  first: { readonly at: number; readonly a: number; readonly b: number } | undefined;
  /** First rows that hold any, at most {@link MOST_MISFIT_ROWS}. */
  readonly rows: number[];
}

/** What has been gathered so far. */
export interface TensorStatistics {
  /** Types of both sides, as the table has them; undefined for those it has not. */
  readonly types: { readonly a: Rounding | undefined; readonly b: Rounding | undefined };
  /** Elements of a row. */
  readonly width: number;
  /** Elements seen. */
  elements: number;
  /** Elements not equal to the bit, NaN beside NaN left out. */
  differing: number;
  /** Largest absolute difference, and its index. */
  maxAbs: number;
  /** Index of the element with that difference. */
  maxAbsAt: number;
  /** Sum of the first side's squares, over elements finite on both sides. */
  squaresA: number;
  /** Sum of the second side's. */
  squaresB: number;
  /** Sum of products. */
  dot: number;
  /** Sum of squared differences; Infinity once a side is not finite where the other is. */
  squaredDifference: number;
  /** Elements of the second side that are no rounding of the first's to its type. */
  readonly misfitsOfB: Misfits;
  /** Elements of the first side that are no rounding of the second's to its type. */
  readonly misfitsOfA: Misfits;
  /** Elements too far apart for both to be roundings of a third value to two types. */
  readonly misfitsOfBoth: Misfits;
}

/** Rows with misfits that are remembered: two rows in each other's place are told from more by the third. */
const MOST_MISFIT_ROWS = 3;

/** Statistics of nothing yet. */
export function newStatistics(dtypeA: DType, dtypeB: DType, width: number): TensorStatistics {
  return {
    types: { a: ROUNDINGS[dtypeA], b: ROUNDINGS[dtypeB] },
    width,
    elements: 0,
    differing: 0,
    maxAbs: 0,
    maxAbsAt: 0,
    squaresA: 0,
    squaresB: 0,
    dot: 0,
    squaredDifference: 0,
    misfitsOfB: { count: 0, first: undefined, rows: [] },
    misfitsOfA: { count: 0, first: undefined, rows: [] },
    misfitsOfBoth: { count: 0, first: undefined, rows: [] },
  };
}

/** Adds a block of both sides. */
export function addValues(statistics: TensorStatistics, { start, a, b }: PairedValues): void {
  const bitsA = bitsOf(a);
  const bitsB = bitsOf(b);
  statistics.elements += a.length;
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    if (Number.isFinite(x) && Number.isFinite(y)) {
      statistics.squaresA += x * x;
      statistics.squaresB += y * y;
      statistics.dot += x * y;
    }
    if (bitsA[i] === bitsB[i] || (Number.isNaN(x) && Number.isNaN(y))) continue;
    addDifference(statistics, start + i, x, y);
    addMisfits(statistics, { at: start + i, a: x, b: y }, bitsA[i]!, bitsB[i]!);
  }
}

function addDifference(statistics: TensorStatistics, at: number, x: number, y: number): void {
  const apart = Math.abs(x - y);
  const difference = Number.isNaN(apart) ? Infinity : apart;
  statistics.squaredDifference += difference * difference;
  if (statistics.differing === 0 || difference > statistics.maxAbs) {
    statistics.maxAbs = difference;
    statistics.maxAbsAt = at;
  }
  statistics.differing++;
}

function addMisfits(
  statistics: TensorStatistics,
  found: { readonly at: number; readonly a: number; readonly b: number },
  bitsA: number,
  bitsB: number,
): void {
  const { types, misfitsOfA, misfitsOfB, misfitsOfBoth } = statistics;
  const row = Math.floor(found.at / statistics.width);
  const bIsRounded = types.b !== undefined && roundsTo(found.a, bitsA, found.b, types.b);
  const aIsRounded = types.a !== undefined && roundsTo(found.b, bitsB, found.a, types.a);
  if (!bIsRounded) addMisfit(misfitsOfB, found, row);
  if (!aIsRounded) addMisfit(misfitsOfA, found, row);
  if (!bIsRounded && !aIsRounded && !areRoundings(found, bitsA, bitsB, types)) addMisfit(misfitsOfBoth, found, row);
}

/** Whether some third value may have become `a` in one type and `b` in another. */
function areRoundings(
  { a, b }: { readonly a: number; readonly b: number },
  bitsA: number,
  bitsB: number,
  types: TensorStatistics['types'],
): boolean {
  if (types.a === undefined || types.b === undefined || types.a === types.b) return false;
  return Math.abs(a - b) <= halfUnitOf(bitsA, types.a) + halfUnitOf(bitsB, types.b);
}

function addMisfit(misfits: Misfits, found: NonNullable<Misfits['first']>, row: number): void {
  misfits.first ??= found;
  misfits.count++;
  if (misfits.rows.length < MOST_MISFIT_ROWS && misfits.rows.at(-1) !== row) misfits.rows.push(row);
}

/**
 * Misfits of the way that explains the elements best: one side rounded to the other's type or, where that
 * leaves more than a few, both rounded from a third.
 */
export function misfitsOf(statistics: TensorStatistics): Misfits {
  const { misfitsOfA, misfitsOfB, misfitsOfBoth, elements } = statistics;
  const oneWay = misfitsOfA.count < misfitsOfB.count ? misfitsOfA : misfitsOfB;
  const few = Math.max(FEW_OUTLIERS, elements * FEW_OUTLIERS_SHARE);
  return oneWay.count > few && misfitsOfBoth.count < oneWay.count ? misfitsOfBoth : oneWay;
}

/** What the sums say: equal, rounded to the other's type (or both from a third), or different. */
export function outcomeOf(statistics: TensorStatistics): 'equal' | 'rounded' | 'different' {
  if (statistics.differing === 0) return 'equal';
  return misfitsOf(statistics).count === 0 ? 'rounded' : 'different';
}

/** The distances, for the report. */
export function differenceOf(statistics: TensorStatistics, shape: readonly number[]): TensorDifference {
  const { differing, maxAbs, maxAbsAt, squaresA, squaresB, dot, squaredDifference, elements } = statistics;
  const rmse = Math.sqrt(squaredDifference / elements);
  return {
    differing,
    outliers: misfitsOf(statistics).count,
    maxAbs,
    maxAbsAt: indexOf(maxAbsAt, shape),
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
