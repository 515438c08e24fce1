/**
 * What the kernels gather over a block of rows, out of the numbers in which they give it.
 *
 * @see src/check/kernels/assembly/gathered.ts
 * @module
 */
import type { Misfits } from './misfits.js';

/** Sums over a block of rows of both sides. */
export interface Tally {
  /** Index of the first element in the whole tensor. */
  readonly start: number;
  /** Elements of the block. */
  readonly elements: number;
  /** Elements not equal to the bit, NaN beside NaN left out. */
  readonly differing: number;
  /** Largest absolute difference. */
  readonly maxAbs: number;
  /** Its place, counted from the block's first element. */
  readonly maxAbsAt: number;
  /** Elements of the first side that are NaN or infinite. */
  readonly notFiniteA: number;
  /** Those of the second side. */
  readonly notFiniteB: number;
  /** Sum of the first side's squares, over elements finite on both sides. */
  readonly squaresA: number;
  /** Sum of the second side's. */
  readonly squaresB: number;
  /** Sum of products. */
  readonly dot: number;
  /** Sum of squared differences. */
  readonly squaredDifference: number;
  /** Squares of what fits, where blocks are judged. */
  readonly squares: number;
  /** Its squared errors. */
  readonly errors: number;
  /** Places and rows are counted from the block's first: where blocks are judged, the first alone; else those of b, a and both. */
  readonly misfits: readonly [Misfits, Misfits, Misfits];
}

/** Where the misfits begin, and the numbers of each. */
const [FIRST_MISFITS, NUMBERS_OF_MISFITS] = [11, 8];

/** A tally of `elements` elements from `start` on, out of the kernels' numbers. */
export function tallyOf(numbers: Float64Array, start: number, elements: number): Tally {
  const misfits = [0, 1, 2].map((index) => misfitsAt(numbers, FIRST_MISFITS + index * NUMBERS_OF_MISFITS));
  return {
    ...{ start, elements, differing: numbers[0]!, maxAbs: numbers[1]!, maxAbsAt: numbers[2]! },
    ...{ notFiniteA: numbers[3]!, notFiniteB: numbers[4]!, squaresA: numbers[5]!, squaresB: numbers[6]! },
    ...{ dot: numbers[7]!, squaredDifference: numbers[8]!, squares: numbers[9]!, errors: numbers[10]! },
    misfits: [misfits[0]!, misfits[1]!, misfits[2]!],
  };
}

function misfitsAt(numbers: Float64Array, index: number): Misfits {
  const count = numbers[index]!;
  const first = { at: numbers[index + 1]!, a: numbers[index + 2]!, b: numbers[index + 3]! };
  const rows = [...numbers.subarray(index + 5, index + 5 + numbers[index + 4]!)];
  return { count, first: count === 0 ? undefined : first, rows };
}
