/**
 * The sixteen uneven levels of IQ4_NL and IQ4_XS, and the search for the scale that fits them to 32 values.
 *
 * Levels lie denser around zero, where most weights are. They are not symmetric: the lowest is -127, the highest
 * 113, and none is 0. So a scale may well be negative, when the largest value of a group is.
 *
 * ```text
 * level   0    1   2   3   4   5   6   7   8   9  10  11  12  13  14   15
 *      -127 -104 -83 -65 -49 -35 -22 -10   1  13  25  38  53  69  89  113
 * ```
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_row_iq4_nl_impl)
 * @module
 */

/** The values of the levels. */
export const UNEVEN_LEVELS: readonly number[] = [
  -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
];

/** Groups whose largest magnitude is below this count as zeros. */
const SMALLEST_MAGNITUDE = Math.fround(1e-15);

/** How far beyond the first guess the search goes: the largest value is tried at -127 - 7 up to -127 + 7. */
const TRIES = 7;

/** Twice the points half way between neighbouring levels; whole numbers, so comparing with them is exact. */
const DOUBLED_MIDDLES = UNEVEN_LEVELS.slice(1).map((level, i) => level + UNEVEN_LEVELS[i]!);

/** The level nearest to a number; of two that are equally near, the higher, and of NaN the highest. */
export function nearestLevel(value: number): number {
  const doubled = value + value;
  let level = 0;
  for (let step = 8; step > 0; step >>= 1) {
    if (!(doubled < DOUBLED_MIDDLES[level + step - 1]!)) level += step; // so for NaN as well
  }
  return level;
}

/** What a trial scale gives: the sums from which the best scale for its levels follows. */
interface Fit {
  /** Sum of weight * level * value. */
  valueLevel: number;
  /** Sum of weight * level^2. */
  levelLevel: number;
}

/** The scale with the least weighted square error that ggml finds for a group; 0 for a group of zeros. */
export function fitUnevenScale(group: Float32Array, weights: Float32Array): number {
  const extreme = largestByMagnitude(group);
  if (Math.abs(extreme) < SMALLEST_MAGNITUDE) return 0;
  const guess = Math.fround(-extreme / UNEVEN_LEVELS[0]!);
  const fit: Fit = { valueLevel: 0, levelLevel: 0 };
  fitLevels(group, weights, Math.fround(1 / guess), fit);
  let scale = fit.levelLevel > 0 ? Math.fround(fit.valueLevel / fit.levelLevel) : 0;
  let best = Math.fround(scale * fit.valueLevel);
  for (let attempt = -TRIES; attempt <= TRIES; attempt++) {
    fitLevels(group, weights, Math.fround((attempt + UNEVEN_LEVELS[0]!) / extreme), fit);
    const { valueLevel, levelLevel } = fit;
    if (levelLevel > 0 && Math.fround(valueLevel * valueLevel) > Math.fround(best * levelLevel)) {
      scale = Math.fround(valueLevel / levelLevel);
      best = Math.fround(scale * valueLevel);
    }
  }
  return scale;
}

function largestByMagnitude(group: Float32Array): number {
  let largest = 0;
  for (const value of group) if (Math.abs(value) > Math.abs(largest)) largest = value;
  return largest;
}

function fitLevels(group: Float32Array, weights: Float32Array, inverseScale: number, fit: Fit): void {
  let valueLevel = 0;
  let levelLevel = 0;
  for (let i = 0; i < group.length; i++) {
    const level = UNEVEN_LEVELS[nearestLevel(Math.fround(inverseScale * group[i]!))]!;
    const weighted = Math.fround(weights[i]! * level);
    valueLevel = Math.fround(valueLevel + Math.fround(weighted * group[i]!));
    levelLevel = Math.fround(levelLevel + Math.fround(weighted * level));
  }
  fit.valueLevel = valueLevel;
  fit.levelLevel = levelLevel;
}
