/**
 * Whether two tensors of plain types are one tensor, rounded.
 *
 * Misfits are elements of one side that are not what rounding the other side's to its type gives. Which side was rounded
 * is not known, so both directions are counted, and the better one decides.
 *
 * @module
 */
import type { DType } from '../dtype.js';
import { bitsOf } from '../quant/words.js';
import type { PairedValues } from './lockstep.js';
import { type Misfits, addMisfits, joinMisfits, noMisfits } from './misfits.js';
import { halfUnitOf, roundsTo } from './rounding.js';
import type { Tally } from './tally.js';
import { FEW_OUTLIERS, FEW_OUTLIERS_SHARE, ROUNDINGS, type Rounding } from './thresholds.js';

/** How well two tensors fit as one; gathered block by block. */
export interface Fit {
  /** What is allowed, as the kernels take it: `kernels/assembly/fit.ts`. */
  readonly demands: readonly number[];
  /** Adds a block of whole rows of both. */
  add(values: PairedValues): void;
  /** Adds what kernels found in the next rows. */
  addTally(tally: Tally): void;
  /** What does not fit. */
  misfits(): Misfits;
  /** Types to which values were rounded, where everything fits and something differs. */
  roundedTo(): DType[];
}

/** The fit of two tensors of plain types; a type that is not in the table fits nothing but itself. */
export function roundingFit(dtypeA: DType, dtypeB: DType, width: number): Fit {
  return new RoundingFit(dtypeA, dtypeB, width);
}

class RoundingFit implements Fit {
  readonly demands: readonly number[];
  readonly #dtypes: { readonly a: DType; readonly b: DType };
  readonly #types: { readonly a: Rounding | undefined; readonly b: Rounding | undefined };
  readonly #width: number;
  #elements = 0;
  /** Elements of the second side that are no rounding of the first's to its type. */
  readonly #ofB = noMisfits();
  /** Elements of the first side that are no rounding of the second's to its type. */
  readonly #ofA = noMisfits();
  /** Elements too far apart for both to be roundings of a third value to two types. */
  readonly #ofBoth = noMisfits();

  constructor(a: DType, b: DType, width: number) {
    this.#dtypes = { a, b };
    this.#types = { a: ROUNDINGS[a], b: ROUNDINGS[b] };
    this.#width = width;
    this.demands = [
      0,
      ...demandsOf(this.#types.a),
      ...demandsOf(this.#types.b),
      Number(this.#types.a === this.#types.b),
    ];
  }

  addTally({ start, elements, misfits: [ofB, ofA, ofBoth] }: Tally): void {
    const row = start / this.#width;
    this.#elements += elements;
    joinMisfits(this.#ofB, ofB, start, row);
    joinMisfits(this.#ofA, ofA, start, row);
    joinMisfits(this.#ofBoth, ofBoth, start, row);
  }

  add({ start, a, b }: PairedValues): void {
    const bitsA = bitsOf(a);
    const bitsB = bitsOf(b);
    this.#elements += a.length;
    for (let i = 0; i < a.length; i++) {
      const x = a[i]!;
      const y = b[i]!;
      if (bitsA[i] === bitsB[i] || (Number.isNaN(x) && Number.isNaN(y))) continue;
      this.#addPair({ at: start + i, a: x, b: y }, bitsA[i]!, bitsB[i]!);
    }
  }

  /** One way where it leaves no more than a few, else the sign of a common third. */
  misfits(): Misfits {
    const oneWay = this.#ofA.count < this.#ofB.count ? this.#ofA : this.#ofB;
    const few = Math.max(FEW_OUTLIERS, this.#elements * FEW_OUTLIERS_SHARE);
    return oneWay.count > few && this.#ofBoth.count < oneWay.count ? this.#ofBoth : oneWay;
  }

  roundedTo(): DType[] {
    const { a, b } = this.#dtypes;
    if (this.#ofB.count === 0) return [b];
    return this.#ofA.count === 0 ? [a] : [a, b];
  }

  #addPair(found: NonNullable<Misfits['first']>, bitsA: number, bitsB: number): void {
    const { a, b } = this.#types;
    const row = Math.floor(found.at / this.#width);
    const bIsRounded = b !== undefined && roundsTo(found.a, bitsA, found.b, b);
    const aIsRounded = a !== undefined && roundsTo(found.b, bitsB, found.a, a);
    if (!bIsRounded) addMisfits(this.#ofB, found, row);
    if (!aIsRounded) addMisfits(this.#ofA, found, row);
    if (!bIsRounded && !aIsRounded && !this.#areRoundings(found, bitsA, bitsB)) addMisfits(this.#ofBoth, found, row);
  }

  /** Whether some third value may have become `a` in one type and `b` in another. */
  #areRoundings({ a, b }: { readonly a: number; readonly b: number }, bitsA: number, bitsB: number): boolean {
    const types = this.#types;
    if (types.a === undefined || types.b === undefined || types.a === types.b) return false;
    return Math.abs(a - b) <= halfUnitOf(bitsA, types.a) + halfUnitOf(bitsB, types.b);
  }
}

function demandsOf(type: Rounding | undefined): number[] {
  return type === undefined ? [0, 0, 0, 0] : [1, type.halfUnit, type.smallestHalfUnit, type.overflow];
}
