/**
 * Whether two tensors are one, quantized.
 *
 * A block keeps its largest elements and few levels between them, so single elements move by much, but by no more than a
 * known part of the largest around them; and over a block, a row and the tensor errors add up to a share that the
 * type allows. A row that is another row, a scale that was read wrongly, or a weight that was changed by more than
 * the type's own steps stands out from that; a smaller change cannot be told from quantizing.
 *
 * @see docs/quantization.md
 * @module
 */
import { type DType, blockLayout, isQuantized } from '../dtype.js';
import type { PairedValues } from './lockstep.js';
import { type Misfits, addMisfits, joinMisfits, noMisfits } from './misfits.js';
import { QUANTIZATIONS, type Quantization } from './quantizations.js';
import type { Fit } from './rounding-fit.js';
import type { Tally } from './tally.js';

/** The fit of two tensors of which one or both are quantized; undefined where no figures are known for a type. */
export function quantizedFit(dtypeA: DType, dtypeB: DType, width: number): Fit | undefined {
  const types = [dtypeA, dtypeB].filter(isQuantized);
  const known = types.flatMap((dtype) => QUANTIZATIONS[dtype] ?? []);
  if (types.length === 0 || known.length < types.length) return undefined;
  return new QuantizedFit(types, addedUp(known), width);
}

/** The limits of a tensor's weights. */
type WeightLimits = Omit<Quantization, 'logitsNmse'>;

/** What several quantizations may do together: errors add up at worst. */
function addedUp(known: readonly Quantization[]): WeightLimits {
  const sum = (of: (type: WeightLimits) => number): number => known.reduce((total, type) => total + of(type), 0);
  return {
    tensor: sum(({ tensor }) => tensor),
    row: sum(({ row }) => row),
    block: sum(({ block }) => block),
    element: sum(({ element }) => element),
    smallest: sum(({ smallest }) => smallest),
  };
}

/** Sums over the elements of a block, a row or a tensor. */
interface Sums {
  /** Elements. */
  count: number;
  /** Squares of the first side; of the larger one where an element does not fit. */
  squares: number;
  /** Squared differences of the elements that fit: those that do not are counted one by one. */
  errors: number;
}

class QuantizedFit implements Fit {
  readonly demands: readonly number[];
  readonly #types: readonly DType[];
  readonly #limits: WeightLimits;
  readonly #width: number;
  readonly #blockElements: number;
  readonly #misfits = noMisfits();
  readonly #tensor: Sums = { count: 0, squares: 0, errors: 0 };

  constructor(types: readonly DType[], limits: WeightLimits, width: number) {
    this.#types = types;
    this.#limits = limits;
    this.#width = width;
    this.#blockElements = Math.max(...types.map((dtype) => blockLayout(dtype).blockElements));
    const { row, block, element, smallest } = limits;
    this.demands = [1, this.#blockElements, row ** 2, block ** 2, element, smallest, smallest ** 2];
  }

  addTally({ start, elements, squares, errors, misfits: [misfits] }: Tally): void {
    add(this.#tensor, { count: elements, squares, errors });
    joinMisfits(this.#misfits, misfits, start, start / this.#width);
  }

  add({ start, a, b }: PairedValues): void {
    for (let at = 0; at < a.length; at += this.#width) {
      const end = at + this.#width;
      this.#addRow(start + at, a.subarray(at, end), b.subarray(at, end));
    }
  }

  /** Single elements, blocks and rows that do not fit; all elements where none does so alone but the tensor is too far off. */
  misfits(): Misfits {
    const { tensor } = this.#limits;
    const isOneRow = this.#tensor.count <= this.#width; // which has been judged as a row
    if (this.#misfits.count > 0 || isOneRow || this.#isWithin(this.#tensor, tensor)) return this.#misfits;
    return { ...noMisfits(), count: this.#tensor.count };
  }

  roundedTo(): DType[] {
    return [...new Set(this.#types)];
  }

  #addRow(start: number, a: Float32Array, b: Float32Array): void {
    const sums: Sums = { count: 0, squares: 0, errors: 0 };
    const found = noMisfits();
    for (let from = 0; from < a.length; from += this.#blockElements) this.#addBlock(sums, found, { start, a, b }, from);
    add(this.#tensor, sums);
    const isOther = !this.#isWithin(sums, this.#limits.row);
    const first = found.first ?? { at: start, a: a[0]!, b: b[0]! };
    const count = isOther ? a.length : found.count;
    if (count > 0) addMisfits(this.#misfits, first, start / this.#width, count);
  }

  /** Adds the block of a row that begins at `from`: its sums to the row's, and what does not fit to `found`. */
  #addBlock(row: Sums, found: Misfits, { start, a, b }: PairedValues, from: number): void {
    const end = Math.min(from + this.#blockElements, a.length);
    let squares = 0; // sums in variables: in an object each addition would allocate a number
    let errors = 0;
    const before = found.count;
    const allowed = largestOf(a, b, from, end) * this.#limits.element + this.#limits.smallest;
    for (let i = from; i < end; i++) {
      const x = a[i]!;
      const y = b[i]!;
      const error = Math.abs(x - y);
      if (error <= allowed) {
        squares += x * x;
        errors += error * error;
      } else {
        squares += Math.max(finiteSquare(x), finiteSquare(y)); // also NaN comes here
        addMisfits(found, { at: start + i, a: x, b: y }, 0);
      }
    }
    const sums: Sums = { count: end - from, squares, errors };
    if (!this.#isWithin(sums, this.#limits.block)) {
      addMisfits(found, { at: start + from, a: a[from]!, b: b[from]! }, 0, sums.count - (found.count - before));
    }
    add(row, sums);
  }

  /** Whether errors are at most this share of the whole, beside what is always allowed. */
  #isWithin({ errors, squares, count }: Sums, share: number): boolean {
    return errors <= share ** 2 * squares + this.#limits.smallest ** 2 * count;
  }
}

function add(sums: Sums, more: Sums): void {
  sums.count += more.count;
  sums.squares += more.squares;
  sums.errors += more.errors;
}

/** The largest finite magnitude of both sides. */
function largestOf(a: Float32Array, b: Float32Array, from: number, end: number): number {
  let largest = 0;
  for (let i = from; i < end; i++) {
    const x = Math.abs(a[i]!);
    const y = Math.abs(b[i]!);
    if (x > largest && x < Infinity) largest = x;
    if (y > largest && y < Infinity) largest = y;
  }
  return largest;
}

function finiteSquare(value: number): number {
  return Number.isFinite(value) ? value * value : 0;
}
