/**
 * What the quantizers of IQ1_S and IQ1_M have in common: a group of values in ascending order, split into three.
 *
 * With three levels the best fit can be searched for exactly: in ascending order the values of a level stand
 * together, so there are only as many ways as two boundaries have places. Which points of the grid come closest to
 * such a split is another question, and answered run by run.
 *
 * ```text
 *   sorted:  | level 0         | level 1       | level 2          |
 *            0              lower            upper             length
 * ```
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_row_iq1_s_impl, ..._iq1_m_impl)
 * @module
 */
import { lookupOf } from './grid-lookup.js';
import { POINT_ELEMENTS, SHIFT } from './iq1-points.js';

/** The three levels moved up by an eighth. */
export const LEVELS_UP: readonly number[] = [-1 + SHIFT, SHIFT, 1 + SHIFT];

/** The three levels moved down by an eighth. */
export const LEVELS_DOWN: readonly number[] = [-1 - SHIFT, -SHIFT, 1 - SHIFT];

/** No error among finite numbers is larger, and no score is below its negative. */
export const LARGEST_FLOAT32 = 3.4028234663852886e38;

/** A group whose values are sorted. */
export interface TernaryGroup {
  readonly values: Float32Array;
  readonly weights: Float32Array;
  /** Indices of the values in ascending order, equal ones in the order of the group. */
  readonly order: Uint8Array;
}

/** A split of a group, and what fits it best. */
export interface Split {
  scale: number;
  lower: number;
  upper: number;
  /** For each part of the group, parts being of equal length, whether the levels are moved down. */
  minus: readonly boolean[];
}

/** The points of a group. */
export interface TernaryFit {
  /** Not negative. */
  readonly scale: number;
  readonly points: Uint16Array;
  readonly minus: readonly boolean[];
}

/** Sorts a group. */
export function sortGroup(values: Float32Array, weights: Float32Array): TernaryGroup {
  const order = Uint8Array.from(values, (_, i) => i);
  order.sort((a, b) => (values[a]! < values[b]! ? -1 : values[a]! > values[b]! ? 1 : 0));
  return { values, weights, order };
}

/** The points nearest to a split, and the scale that is best for them. */
export function fitPoints(group: TernaryGroup, split: Split): TernaryFit {
  const turned = split.scale < 0;
  const minus = turned ? split.minus.map((down) => !down) : split.minus;
  const ranks = ranksOf(group.order, split, turned);
  const runs = ranks.length / POINT_ELEMENTS;
  const levels = Array.from({ length: runs }, (_, run) =>
    minus[Math.floor((run * minus.length) / runs)]! ? LEVELS_DOWN : LEVELS_UP,
  );
  const magnitude = Math.abs(split.scale);
  const lookup = lookupOf('iq1_s');
  let misses = 0;
  const points = Uint16Array.from(levels, (ofRun, run) => {
    let key = 0;
    for (let i = 0; i < POINT_ELEMENTS; i++) key |= ranks[run * POINT_ELEMENTS + i]! << (2 * i);
    const point = lookup.pointAt(key);
    if (point >= 0) return point;
    misses++;
    return nearestPoint(lookup.neighboursOf(key), group, run * POINT_ELEMENTS, magnitude, ofRun);
  });
  return { scale: misses > 0 ? scaleOf(group, points, levels, magnitude) : magnitude, points, minus };
}

function ranksOf(order: Uint8Array, { lower, upper }: Split, turned: boolean): Uint8Array {
  const ranks = new Uint8Array(order.length);
  order.forEach((index, place) => {
    const rank = place < lower ? 0 : place < upper ? 1 : 2;
    ranks[index] = turned ? 2 - rank : rank;
  });
  return ranks;
}

/** The first of the points with the least weighted square error; the first of all where no error is a number. */
function nearestPoint(
  candidates: Uint16Array,
  { values, weights }: TernaryGroup,
  first: number,
  scale: number,
  levels: readonly number[],
): number {
  const { ranks } = lookupOf('iq1_s').grid;
  let best = candidates[0]!;
  let least = LARGEST_FLOAT32;
  for (const point of candidates) {
    let error = 0;
    for (let i = 0; i < POINT_ELEMENTS; i++) {
      const level = levels[ranks[point * POINT_ELEMENTS + i]!]!;
      const difference = Math.fround(Math.fround(scale * level) - values[first + i]!);
      error = Math.fround(error + Math.fround(Math.fround(weights[first + i]! * difference) * difference));
    }
    if (error < least) {
      least = error;
      best = point;
    }
  }
  return best;
}

function scaleOf(
  { values, weights }: TernaryGroup,
  points: Uint16Array,
  levels: readonly (readonly number[])[],
  otherwise: number,
): number {
  const { ranks } = lookupOf('iq1_s').grid;
  let valueLevel = 0;
  let levelLevel = 0;
  for (let i = 0; i < values.length; i++) {
    const run = Math.floor(i / POINT_ELEMENTS);
    const level = levels[run]![ranks[points[run]! * POINT_ELEMENTS + (i % POINT_ELEMENTS)]!]!;
    const weighted = Math.fround(weights[i]! * level);
    valueLevel = Math.fround(valueLevel + Math.fround(weighted * values[i]!));
    levelLevel = Math.fround(levelLevel + Math.fround(weighted * level));
  }
  return valueLevel > 0 && levelLevel > 0 ? Math.fround(valueLevel / levelLevel) : otherwise;
}
