/**
 * The best split of a group of IQ1_M, whose two halves may each have their levels moved up or down.
 *
 * Neighbouring levels differ by 1, whichever way they are moved. So the sum over three parts needs no part on its
 * own: with the sums s(n) of the first n values in ascending order, it is s(all) * level2 - s(lower) - s(upper).
 * The two halves share the boundaries but not the shift, and their sums are kept apart.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_row_iq1_m_impl)
 * @module
 */
import { LARGEST_FLOAT32, LEVELS_DOWN, LEVELS_UP, type Split, type TernaryGroup } from './ternary-fitter.js';

/** The sums of weight * value and of weight, each over those of a half that are among the first n of the order. */
interface HalfSums {
  readonly values: Float32Array;
  readonly weights: Float32Array;
}

/** What a half adds to the sums of least squares. */
interface Terms {
  readonly valueLevel: number;
  readonly levelLevel: number;
}

/** Which halves are moved down, in the order in which ggml tries them. */
const SHIFTS = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const;

/** The split with the least weighted square error; undefined where no value counts. */
export function bestSplitOfHalves(group: TernaryGroup): Split | undefined {
  const length = group.values.length;
  const sums = [sumHalf(group, 0), sumHalf(group, 1)] as const;
  let best: Split | undefined;
  let score = -LARGEST_FLOAT32;
  for (let lower = 0; lower <= length; lower++) {
    for (let upper = lower; upper <= length; upper++) {
      const up = sums.map((half) => termsOf(half, lower, upper, LEVELS_UP));
      const down = sums.map((half) => termsOf(half, lower, upper, LEVELS_DOWN));
      for (const minus of SHIFTS) {
        const first = (minus[0] ? down : up)[0]!;
        const second = (minus[1] ? down : up)[1]!;
        const valueLevel = Math.fround(first.valueLevel + second.valueLevel);
        const levelLevel = Math.fround(first.levelLevel + second.levelLevel);
        if (!(levelLevel > 0 && Math.fround(valueLevel * valueLevel) > Math.fround(score * levelLevel))) continue;
        const scale = Math.fround(valueLevel / levelLevel);
        score = Math.fround(scale * valueLevel);
        best = { scale, lower, upper, minus };
      }
    }
  }
  return best;
}

function sumHalf({ values, weights, order }: TernaryGroup, half: 0 | 1): HalfSums {
  const sums = { values: new Float32Array(order.length + 1), weights: new Float32Array(order.length + 1) };
  order.forEach((index, place) => {
    const own = index < order.length / 2 === (half === 0);
    sums.values[place + 1] = sums.values[place]! + (own ? Math.fround(weights[index]! * values[index]!) : 0);
    sums.weights[place + 1] = sums.weights[place]! + (own ? weights[index]! : 0);
  });
  return sums;
}

function termsOf({ values, weights }: HalfSums, lower: number, upper: number, levels: readonly number[]): Terms {
  const [low, middle, high] = levels as [number, number, number];
  const all = values.length - 1;
  const boundaries = Math.fround(values[lower]! + values[upper]!);
  const whole = Math.fround(Math.fround(weights[all]! * high) * high);
  const belowLower = Math.fround(weights[lower]! * (low * low - middle * middle)); // the difference is exact
  const belowUpper = Math.fround(weights[upper]! * (middle * middle - high * high));
  return {
    valueLevel: Math.fround(Math.fround(values[all]! * high) - boundaries),
    levelLevel: Math.fround(Math.fround(whole + belowLower) + belowUpper),
  };
}
