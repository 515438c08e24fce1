/**
 * Counts what is no number in a tensor, without decoding it.
 *
 * Bits are looked at as machine words, so that a gigabyte takes half a second; only where a stretch of words shows
 * something special are its numbers looked at one by one. Whether all numbers are zero, or all the same, is found out
 * on the way: of nearly every tensor the first few words tell that they are not.
 *
 * @module
 */
import { type DType, blockLayout, isQuantized } from '../dtype.js';
import { type ReadScale, blockScales } from './block-scales.js';
import { type CarryTest, type NumberForm, numberForm } from './number-form.js';
import { wordsOf } from './words.js';

/** What was counted. */
export interface NumberCounts {
  /** What is counted: numbers, of which a complex element has two, or blocks of a quantized type. */
  readonly unit: 'numbers' | 'blocks';
  /** How many there were. */
  readonly count: number;
  /** How many of them are NaN, or for blocks have a scale that is. */
  readonly nan: number;
  /** How many of them are infinite, or for blocks have a scale that is. */
  readonly infinite: number;
  /** Whether there were any, and all were zero. */
  readonly allZero: boolean;
  /** Whether there were several elements, all with the same bits; never so for quantized types. */
  readonly constant: boolean;
}

/** Words that are tested together before any is looked at by itself; even, because doubles have two. */
const CHUNK = 2048;

/** Bytes of the pattern that a constant tensor repeats: the widest element has as many. */
const PATTERN_BYTES = 16;

/** Half precision bits of infinity; those above it are NaN. */
const INFINITY_BITS = 0x7c00;

/** A running count over the bytes of one tensor. */
export class NumberTally {
  readonly #dtype: DType;
  readonly #scales: readonly ReadScale[];
  readonly #form: NumberForm;
  /** The first element, repeated. */
  #pattern: Int32Array | undefined;
  #elements = 0;
  #nan = 0;
  #infinite = 0;
  #allZero = true;
  #constant = true;

  /** @param dtype - element type of the tensor */
  constructor(dtype: DType) {
    this.#dtype = dtype;
    this.#scales = blockScales(dtype);
    this.#form = numberForm(dtype);
  }

  /** Takes the next bytes, little-endian: whole elements, or whole blocks. They may change afterwards. */
  update(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    const { blockBytes } = blockLayout(this.#dtype);
    this.#elements += bytes.byteLength / blockBytes;
    if (isQuantized(this.#dtype)) this.#takeBlocks(bytes, blockBytes);
    else this.#takeElements(bytes, blockBytes);
  }

  /** The counts so far. */
  counts(): NumberCounts {
    const isBlocks = isQuantized(this.#dtype);
    const numbersPerElement = this.#dtype.startsWith('complex') ? 2 : 1;
    return {
      unit: isBlocks ? 'blocks' : 'numbers',
      count: this.#elements * numbersPerElement,
      nan: this.#nan,
      infinite: this.#infinite,
      allZero: this.#elements > 0 && this.#allZero,
      constant: this.#elements > 1 && this.#constant && !isBlocks,
    };
  }

  #takeBlocks(bytes: Uint8Array, blockBytes: number): void {
    this.#allZero &&= this.#scales.length > 0;
    for (let at = 0; at < bytes.byteLength; at += blockBytes) {
      let largest = 0;
      for (const readScale of this.#scales) largest = Math.max(largest, readScale(bytes, at) & 0x7fff);
      if (largest > 0) this.#allZero = false;
      if (largest >= INFINITY_BITS) this.#countSpecial(largest > INFINITY_BITS);
    }
  }

  #takeElements(bytes: Uint8Array, elementBytes: number): void {
    const words = wordsOf(Int32Array, bytes);
    const rest = bytes.subarray(words.length * 4);
    this.#pattern ??= patternOf(bytes.subarray(0, elementBytes));
    this.#constant &&= isRepeated(words, rest, this.#pattern);
    this.#takeWords(words);
    if (rest.byteLength > 0) this.#takeWords(wordOf(rest));
    if (this.#form.classOf !== undefined) this.#takeBytes(bytes, this.#form.classOf);
  }

  #takeWords(words: Int32Array): void {
    const { magnitude, test } = this.#form;
    this.#allZero &&= magnitude !== undefined && isZero(words, magnitude);
    if (test === undefined) return;
    const [first, next] = test.width === 64 ? [1, 2] : [0, 1];
    for (let from = 0; from < words.length; from += CHUNK) {
      const to = Math.min(from + CHUNK, words.length);
      let carried = 0;
      for (let at = from + first; at < to; at += next) carried |= (words[at]! & test.mask) + test.step;
      if ((carried & test.carry) !== 0) this.#lookClosely(words.subarray(from, to), test);
    }
  }

  /** Counts what is special among words of which some are. */
  #lookClosely(words: Int32Array, { width, mask, fraction }: CarryTest): void {
    const first = width === 64 ? 1 : 0;
    for (let at = first; at < words.length; at += 1 + first) {
      const word = words[at]!;
      if (width === 16) {
        for (const half of [word & 0xffff, word >>> 16]) {
          if ((half & mask) === (mask & 0xffff)) this.#countSpecial((half & fraction) !== 0);
        }
      } else if ((word & mask) === mask) {
        this.#countSpecial((word & fraction) !== 0 || (width === 64 && words[at - 1] !== 0));
      }
    }
  }

  #takeBytes(bytes: Uint8Array, classOf: NonNullable<NumberForm['classOf']>): void {
    const classes = Array.from({ length: 256 }, (_, byte) => classOf(byte));
    const isSpecial = Uint8Array.from(classes, (name) => (name === 'number' ? 0 : 1));
    for (let from = 0; from < bytes.byteLength; from += CHUNK) {
      const to = Math.min(from + CHUNK, bytes.byteLength);
      let special = 0;
      for (let at = from; at < to; at++) special |= isSpecial[bytes[at]!]!;
      if (special === 0) continue;
      for (const byte of bytes.subarray(from, to)) {
        if (isSpecial[byte] === 1) this.#countSpecial(classes[byte] === 'nan');
      }
    }
  }

  #countSpecial(isNan: boolean): void {
    if (isNan) this.#nan++;
    else this.#infinite++;
  }
}

/** A word of fewer than four bytes, filled up with zeros, which are neither special nor other than zero. */
function wordOf(bytes: Uint8Array): Int32Array {
  const word = new Int32Array(1);
  new Uint8Array(word.buffer).set(bytes);
  return word;
}

function patternOf(element: Uint8Array): Int32Array {
  const pattern = new Uint8Array(PATTERN_BYTES).map((_, at) => element[at % element.byteLength]!);
  return new Int32Array(pattern.buffer);
}

/** Whether the words and the rest repeat the pattern; both begin with a whole element. */
function isRepeated(words: Int32Array, rest: Uint8Array, pattern: Int32Array): boolean {
  const isEqual = (at: number): boolean => words[at] === pattern[at % pattern.length];
  for (let at = 0; at < words.length; at++) if (!isEqual(at)) return false;
  // an element with a rest is narrower than a word, so that every word of the pattern is the same
  const bytes = new Uint8Array(pattern.buffer);
  return rest.every((byte, at) => byte === bytes[at]);
}

function isZero(words: Int32Array, [even, odd]: readonly [number, number]): boolean {
  for (let at = 0; at < words.length; at++) if ((words[at]! & (at % 2 === 0 ? even : odd)) !== 0) return false;
  return true;
}
