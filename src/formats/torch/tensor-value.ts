/**
 * Tensors as a pickle describes them.
 *
 * A tensor is pickled as a call of one of a dozen functions of PyTorch's, with a storage, an offset,
 * sizes and strides. The functions are known here by name and by what their arguments mean; nothing is
 * called, and an unknown function is simply no tensor.
 *
 * @see https://github.com/pytorch/pytorch/blob/main/torch/_utils.py (the functions _rebuild_*)
 * @module
 */
import type { DType } from '../../dtype.js';
import { isKind } from '../../pickle/access.js';
import type { PickleValue } from '../../pickle/values.js';
import type { Geometry } from './geometry.js';
import type { TorchStorage } from './storages.js';

/** How a tensor holds its elements. */
export type TensorKind =
  | 'dense'
  | 'quantized'
  | 'sparse_coo'
  | 'sparse_csr'
  | 'sparse_csc'
  | 'sparse_bsr'
  | 'sparse_bsc'
  | 'nested'
  | 'meta'
  | 'wrapper';

/** A tensor that a pickle describes. Sizes, strides and offset have been checked against its storage. */
export interface TensorValue {
  /** How it holds its elements; only dense and quantized tensors have a storage. */
  readonly kind: TensorKind;
  /** Element type, where it is one that is known here. */
  readonly dtype: DType | undefined;
  /** PyTorch's name of the type, without `torch.`. */
  readonly storedDtype: string;
  /** Extents, slowest first; empty for a nested tensor, whose rows differ. */
  readonly shape: readonly number[];
  /** Elements from one index to the next, by dimension. */
  readonly stride: readonly number[];
  /** First element in the storage. */
  readonly storageOffset: number;
  /** Where its elements are; undefined for tensors without elements of their own. */
  readonly storage: TorchStorage | undefined;
  /** Whether it was to be trained. */
  readonly requiresGrad: boolean;
  /** Whether it was a Parameter. */
  readonly isParameter: boolean;
  /** Whether the imaginary parts stand with the wrong sign. */
  readonly conjugated: boolean;
  /** Whether the elements stand with the wrong sign. */
  readonly negated: boolean;
  /** Class of a subclass of Tensor: `mylib.NamedTensor`. */
  readonly pythonType: string | undefined;
  /** How a quantized tensor's numbers are meant: the tuple as PyTorch pickles it. */
  readonly quantizer: PickleValue | undefined;
  /** Whether a sparse tensor names each of its places once, in order; undefined for other kinds. */
  readonly coalesced: boolean | undefined;
  /** Tensors that it consists of, by name: indices and values, or scales and zero points. */
  readonly parts: readonly (readonly [name: string, value: PickleValue])[];
  /** Attributes set on it, as dictionaries. */
  readonly states: readonly PickleValue[];
}

const NONE: readonly never[] = [];

/** A tensor about which nothing is known. */
export const NO_TENSOR: TensorValue = {
  kind: 'dense',
  dtype: undefined,
  storedDtype: '',
  shape: [],
  stride: [],
  storageOffset: 0,
  storage: undefined,
  requiresGrad: false,
  isParameter: false,
  conjugated: false,
  negated: false,
  pythonType: undefined,
  quantizer: undefined,
  coalesced: undefined,
  parts: NONE,
  states: NONE,
};

/** A plain tensor at a place in a storage. Written out, because a file may have a hundred thousand of them. */
export function denseTensor(
  geometry: Geometry,
  requiresGrad: PickleValue | undefined,
  metadata?: PickleValue,
): TensorValue {
  const { dtype, storedDtype, shape, stride, storageOffset, storage } = geometry;
  return {
    kind: 'dense',
    dtype,
    storedDtype,
    shape,
    stride,
    storageOffset,
    storage,
    requiresGrad: requiresGrad === true,
    isParameter: false,
    conjugated: isSet(metadata, 'conj'),
    negated: isSet(metadata, 'neg'),
    pythonType: undefined,
    quantizer: undefined,
    coalesced: undefined,
    parts: NONE,
    states: NONE,
  };
}

/** Whether a flag is set that PyTorch keeps beside the bytes: {'conj': True, 'neg': True}. */
function isSet(metadata: PickleValue | undefined, name: string): boolean {
  return isKind(metadata, 'dict') && metadata.entries.some(([key, value]) => key === name && value === true);
}
