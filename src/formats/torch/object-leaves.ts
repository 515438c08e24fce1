/**
 * The values of a pickled object that hold no others, as JSON.
 *
 * Long bytes are shown by their hash, which is not ready at once where the browser computes it: they are put
 * down as promises of it and filled in at the end.
 *
 * @module
 */
import { elementCount } from '../../dtype.js';
import { isKind } from '../../pickle/access.js';
import type { BytesValue, PickleValue, ReduceValue, TaggedValue } from '../../pickle/values.js';
import { hexOf } from '../../source/hex.js';
import { type NumpyArray, numpyArray } from './numpy-array.js';
import { numpyDtype } from './numpy-dtype.js';
import { type NumpyScalar, numpyScalar } from './numpy-scalar.js';
import type { ObjectBudget } from './object-budget.js';
import { persistentClass } from './persistent-values.js';
import { type PythonBytes, pythonBytes } from './python-bytes.js';
import { floatRepr } from './python-text.js';
import type { TaggedJson } from './tagged-json.js';
import { jsonOfGlobal, jsonOfSmallCall } from './torch-names.js';

/** Bytes up to this length are shown, longer ones by length and hash. */
const LONGEST_SHOWN = 64;

/** SHA-256 of bytes in lower-case hexadecimal. */
export type Sha256 = (bytes: Uint8Array) => string | Promise<string>;

/** Bits of the longest integer that is written in decimal, of 4,300 digits: Python itself writes no longer ones. */
const LONGEST_DECIMAL = 14_284;

/** Writes values that hold no others; each object once. */
export class LeafWriter {
  readonly #budget: ObjectBudget;
  readonly #known = new Map<TaggedValue, TaggedJson>();
  readonly #hashed: { readonly target: Record<string, TaggedJson>; readonly bytes: () => Uint8Array }[] = [];

  constructor(budget: ObjectBudget) {
    this.#budget = budget;
  }

  /** JSON of a value; undefined for one that holds others. */
  json(value: PickleValue): TaggedJson | undefined {
    if (value === null || typeof value === 'boolean' || typeof value === 'number') return value;
    if (typeof value === 'string') return this.#text(value);
    if (typeof value === 'bigint') return { $int: this.#digits(value) };
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    const json = this.#tagged(value);
    if (json !== undefined) this.#known.set(value, json);
    return json;
  }

  /** Fills in the hashes, one after another. */
  async finish(sha256: Sha256): Promise<void> {
    for (const { target, bytes } of this.#hashed.splice(0)) target['sha256'] = await sha256(bytes());
  }

  #tagged(value: TaggedValue): TaggedJson | undefined {
    switch (value.kind) {
      case 'float':
        return { $float: floatRepr(value.value) };
      case 'bytes':
        return value.fromString ? this.#text(latin1(value)) : this.#bytes({ type: 'bytes', value: value.value });
      case 'bytearray':
        return this.#bytes({ type: 'bytearray', value: value.value });
      case 'global':
        return this.#named(jsonOfGlobal(value), value.module.length + value.name.length);
      case 'persistent': {
        const type = persistentClass(value);
        return type === undefined ? undefined : this.#tagged(type);
      }
      case 'ext':
        return { $extension: value.code };
      case 'buffer':
        return { $buffer: value.index };
      case 'reduce':
        return this.#call(value);
      default:
        return undefined;
    }
  }

  #call(value: ReduceValue): TaggedJson | undefined {
    const small = jsonOfSmallCall(value, partOfComplex);
    if (small !== undefined) return small;
    const bytes = pythonBytes(value);
    if (bytes !== undefined) return this.#bytes(bytes);
    const dtype = numpyDtype(value);
    if (dtype !== undefined) return { $npdtype: dtype.name };
    const scalar = numpyScalar(value);
    if (scalar !== undefined) return this.#scalar(scalar);
    const array = numpyArray(value);
    return array === undefined || array.objects !== undefined ? undefined : this.#array(array);
  }

  #bytes({ type, value }: PythonBytes): TaggedJson {
    const name = `$${type}`;
    if (value.byteLength <= LONGEST_SHOWN) return { [name]: hexOf(value) };
    return { [name]: this.#hash({ length: value.byteLength }, value.byteLength, () => value) };
  }

  #scalar({ dtype, value }: NumpyScalar): TaggedJson {
    // numpy.str_ is a str to Python
    if (dtype.kind === 'U' && typeof value.value === 'string') return this.#text(value.value);
    return { $npscalar: { dtype: dtype.name, value: this.#scalarValue(value) } };
  }

  #scalarValue(value: NumpyScalar['value']): TaggedJson {
    switch (value.type) {
      case 'float':
        return { $float: floatRepr(value.value) };
      case 'complex':
        return { $complex: value.value.map(floatRepr) };
      case 'bytes':
        return this.#bytes(value);
      case 'plain':
        return jsonOfPlain(value.value);
    }
  }

  #array({ dtype, shape, bytes }: NumpyArray): TaggedJson {
    this.#budget.text(dtype.text.length);
    const byteLength = elementCount(shape) * dtype.itemBytes;
    return { $ndarray: this.#hash({ dtype: dtype.text, shape }, byteLength, bytes) };
  }

  /** Bytes that many values share are hashed once for each, so they count as text does. */
  #hash(target: Record<string, TaggedJson>, byteLength: number, bytes: () => Uint8Array): TaggedJson {
    this.#budget.text(Math.ceil(byteLength / 4));
    this.#hashed.push({ target, bytes });
    return target;
  }

  #text(text: string): string {
    this.#budget.text(text.length);
    return text;
  }

  /** Decimal digits take quadratic time, so long integers count for more than their text; the longest are hexadecimal. */
  #digits(value: bigint): string {
    const bits = 4 * value.toString(16).length;
    const isLong = bits > LONGEST_DECIMAL;
    this.#budget.text(bits * (isLong ? 1 : 1 + bits / 1024));
    if (!isLong) return String(value);
    return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
  }

  #named(json: TaggedJson, characters: number): TaggedJson {
    this.#budget.text(characters);
    return json;
  }
}

/** An integer as JSON: a number where that is exact. */
function jsonOfPlain(value: null | boolean | string | bigint): TaggedJson {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : { $int: String(value) };
}

/** A part of a complex number: a float, or an integer that Python makes one. */
function partOfComplex(value: PickleValue): string | undefined {
  if (typeof value === 'number') return floatRepr(value);
  return isKind(value, 'float') ? floatRepr(value.value) : undefined;
}

/** A `str` of Python 2 that is no UTF-8, as most who wrote such files meant it. */
function latin1({ value }: BytesValue): string {
  return Array.from(value, (byte) => String.fromCharCode(byte)).join('');
}
