/**
 * What a conversion between number formats lost.
 *
 * bfloat16 has the range of float32 and float16 does not: weights above 65,504 become infinite, weights
 * below 2^-25 vanish. A converter that says nothing of it hands out a broken model.
 *
 * @module
 */

/** Elements that a conversion changed, by the way they changed. Counters that conversions add to. */
export interface CastLoss {
  /** Finite numbers that became infinite. */
  overflowed: number;
  /** Numbers other than zero that became zero. */
  flushedToZero: number;
  /** Numbers that became a neighbouring one; for float16 also those that lost bits below 2^-14. */
  rounded: number;
}

/** Counters at zero. */
export function noLoss(): CastLoss {
  return { overflowed: 0, flushedToZero: 0, rounded: 0 };
}

/** Adds to `loss` what became of each of `before` when it turned into the number at the same place of `after`. */
export function countLoss(before: ArrayLike<number>, after: ArrayLike<number>, loss: CastLoss): void {
  for (let i = 0; i < after.length; i++) {
    const kind = lossOf(before[i]!, after[i]!);
    if (kind !== undefined) loss[kind]++;
  }
}

/** Which counter the change of one number belongs to; undefined for no change. NaN stays NaN in every format. */
export function lossOf(before: number, after: number): keyof CastLoss | undefined {
  if (before === after || Number.isNaN(before)) return undefined;
  if (!Number.isFinite(after)) return 'overflowed';
  return after === 0 ? 'flushedToZero' : 'rounded';
}
