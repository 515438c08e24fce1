/**
 * Pickled objects as JSON.
 *
 * Strings, booleans, null, lists and integers below 2^53 stand for themselves; everything else is an object
 * with one property that begins with `$` and tells what it is, so that no value can be taken for another.
 *
 * @module
 */
import type { TensorKind } from './tensor-value.js';

/** JSON, as a tree. */
export type TaggedJson =
  null | boolean | number | string | readonly TaggedJson[] | { readonly [name: string]: TaggedJson };

/** A tensor at one of the places where it stands. */
export interface TensorRow {
  /** Name of the tensor in the file, as the open file has it. */
  readonly name: string;
  /** The way to it: a string key, an index, `{key}` for any other key, `{attr}` or `{part}`. */
  readonly path: readonly TaggedJson[];
  /** How it holds its elements. */
  readonly kind: TensorKind;
  /** Element type as PyTorch calls it. */
  readonly dtype: string;
  /** Extents, slowest first; absent for nested tensors. */
  readonly shape?: readonly number[];
  /** Row of the very same object, where it stood before. */
  readonly alias_of?: number;
  /** Whether it was to be trained. */
  readonly requires_grad: boolean;
  /** Whether it was a Parameter. */
  readonly is_parameter: boolean;
  /** Class of a subclass of Tensor. */
  readonly python_type?: string;
  /** Elements from one index to the next, by dimension; absent for tensors that consist of others. */
  readonly stride?: readonly number[];
  /** First element in the storage; absent for tensors without elements of their own. */
  readonly storage_offset?: number;
  /** Id of its storage; null where its bytes are not in a storage record but in the pickle. */
  readonly storage?: number | null;
  /** Bytes of its elements in contiguous form. */
  readonly nbytes?: number;
  /** Signs that are still to be applied to the elements in the storage. */
  readonly bits?: SignBits;
  /** How the numbers of a quantized tensor are meant. */
  readonly quantizer?: TaggedJson;
  /** Whether a sparse tensor is coalesced. */
  readonly coalesced?: boolean;
  /** Rows of the tensors that it consists of, by name. */
  readonly parts?: Readonly<Record<string, TaggedJson>>;
  /** Attributes set on it. */
  readonly state?: TaggedJson;
  /** Attributes set on it more than once, which no program of PyTorch's does. */
  readonly states?: readonly TaggedJson[];
}

/** Signs that PyTorch applies when it reads elements. */
export interface SignBits {
  /** Whether imaginary parts change their sign. */
  readonly conj: boolean;
  /** Whether elements change their sign. */
  readonly neg: boolean;
}

/** A stretch of a storage. */
export interface StorageStretch {
  /** Key of the storage. */
  readonly key: string;
  /** First element of the stretch. */
  readonly offset: number;
  /** Elements of the stretch. */
  readonly numel: number;
}

/** A storage of the file. */
export interface StorageRow {
  /** Number by which rows of tensors and `$storage` name it: the order in which the object mentions storages. */
  readonly id: number;
  /** Key of its record. */
  readonly key: string;
  /** Its class: `torch.BFloat16Storage`. */
  readonly class: string;
  /** Device it was saved from. */
  readonly location: string;
  /** Elements; of a view, those of the whole storage. */
  readonly numel: number;
  /** Bytes. */
  readonly nbytes: number;
  /** The stretch that it is of another storage, in files before PyTorch 0.4. */
  readonly view_of?: StorageStretch;
}

/** A whole pickled object as JSON. */
export interface ObjectJson {
  /** The object. */
  readonly root: TaggedJson;
  /** Its tensors, one row for each place, in reading order. */
  readonly tensors: readonly TensorRow[];
  /** The storages of the file. */
  readonly storages: readonly StorageRow[];
  /** Every class and function that the pickle names, in Python 3's spelling, sorted. */
  readonly globals: readonly string[];
  /** Those of them that are not interpreted, and stand in the object as `$global` or `$object`. */
  readonly opaque_classes: readonly string[];
}
