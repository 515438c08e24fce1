/**
 * Whether two tensors are one, quantized.
 *
 * A block keeps its largest elements and few levels between them, so single elements move by much, but by no more than a
 * known part of the largest around them; and over a row, and over the tensor, errors add up to a share that the
 * type allows. A row that is another row, a scale that was read wrongly, or a weight that was changed by more than
 * the type's own steps stands out from that; a smaller change cannot be told from quantizing.
 *
 * @module
 */
import { type DType, isQuantized } from '../dtype.js';
import type { PairedValues } from './lockstep.js';
import { type Misfits, addMisfits, noMisfits } from './misfits.js';
import { QUANTIZATIONS, type Quantization } from './quantizations.js';
import type { Fit } from './rounding-fit.js';

/** Elements whose largest is what a single error is measured by: a block, or a part of one that has a scale. */
const GROUP = 32;

/** The fit of two tensors of which one or both are quantized; undefined where no figures are known for a type. */
export function quantizedFit(dtypeA: DType, dtypeB: DType, width: number): Fit | undefined {
  const types = [dtypeA, dtypeB].filter(isQuantized);
  const known = types.flatMap((dtype) => QUANTIZATIONS[dtype] ?? []);
  if (types.length === 0 || known.length < types.length) return undefined;
  return new QuantizedFit(types, addedUp(known), width);
}

/** What several quantizations may do together: errors add up at worst. */
function addedUp(known: readonly Quantization[]): Quantization {
  const sum = (of: (type: Quantization) => number): number => known.reduce((total, type) => total + of(type), 0);
  return {
    tensor: sum(({ tensor }) => tensor),
    row: sum(({ row }) => row),
    element: sum(({ element }) => element),
    smallest: sum(({ smallest }) => smallest),
    logitsNmse: sum(({ logitsNmse }) => logitsNmse),
  };
}

class QuantizedFit implements Fit {
  readonly #types: readonly DType[];
  readonly #limits: Quantization;
  readonly #width: number;
  readonly #misfits = noMisfits();
  #elements = 0;
  #squares = 0;
  #errors = 0;

  constructor(types: readonly DType[], limits: Quantization, width: number) {
    this.#types = types;
    this.#limits = limits;
    this.#width = width;
  }

  add({ start, a, b }: PairedValues): void {
    for (let at = 0; at < a.length; at += this.#width) {
      const end = at + this.#width;
      this.#addRow(start + at, a.subarray(at, end), b.subarray(at, end));
    }
  }

  /** Single elements and rows that do not fit; all elements when no row alone but the tensor is too far off. */
  misfits(): Misfits {
    const { tensor, smallest } = this.#limits;
    if (this.#misfits.count > 0) return this.#misfits;
    const fits = isWithin(this.#errors, this.#squares, tensor, smallest ** 2 * this.#elements);
    return fits ? this.#misfits : { ...noMisfits(), count: this.#elements };
  }

  roundedTo(): DType[] {
    return [...new Set(this.#types)];
  }

  #addRow(start: number, a: Float32Array, b: Float32Array): void {
    const { row, smallest } = this.#limits;
    let squares = 0;
    let errors = 0;
    let first: Misfits['first'];
    let misfits = 0;
    for (let from = 0; from < a.length; from += GROUP) {
      const end = Math.min(from + GROUP, a.length);
      const allowed = largestOf(a, b, from, end) * this.#limits.element + smallest;
      for (let i = from; i < end; i++) {
        const x = a[i]!;
        const error = Math.abs(x - b[i]!);
        squares += x * x;
        errors += error * error;
        if (error <= allowed) continue; // also not for NaN
        first ??= { at: start + i, a: x, b: b[i]! };
        misfits++;
      }
    }
    this.#elements += a.length;
    this.#squares += squares;
    this.#errors += errors;
    if (!isWithin(errors, squares, row, smallest ** 2 * a.length)) {
      first ??= { at: start, a: a[0]!, b: b[0]! };
      misfits = a.length;
    }
    if (first !== undefined) addMisfits(this.#misfits, first, start / this.#width, misfits);
  }
}

function largestOf(a: Float32Array, b: Float32Array, from: number, end: number): number {
  let largest = 0;
  for (let i = from; i < end; i++) largest = Math.max(largest, Math.abs(a[i]!), Math.abs(b[i]!));
  return largest;
}

/** Whether a sum of squared errors is at most the square of a share of the sum of squares, beside what is always allowed. */
function isWithin(errors: number, squares: number, share: number, always: number): boolean {
  return errors <= share ** 2 * squares + always;
}
