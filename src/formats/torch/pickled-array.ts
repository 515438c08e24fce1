/**
 * Tensors whose elements stand in the pickle, as an array of NumPy's.
 *
 * PyTorch moves the tensors of some devices (XLA) to NumPy before it saves them; they have no storage of
 * their own in the file.
 *
 * @module
 */
import type { DType } from '../../dtype.js';
import { isKind } from '../../pickle/access.js';
import type { PickleValue } from '../../pickle/values.js';
import type { ByteSource } from '../../source/byte-source.js';
import { memorySource } from '../../source/memory.js';
import { type Geometry, type RebuildContext, badTensor } from './geometry.js';
import { type NumpyArray, numpyArray } from './numpy-array.js';
import type { StorageRecord, TorchStorage } from './storages.js';
import { dtypeOfName } from './torch-dtypes.js';

/** PyTorch's types by NumPy's names of them. */
const DTYPES: ReadonlyMap<string, DType> = new Map([
  ...([
    ['<f8', 'float64'],
    ['<f4', 'float32'],
    ['<f2', 'float16'],
  ] as const),
  ...([
    ['<i8', 'int64'],
    ['<i4', 'int32'],
    ['<i2', 'int16'],
    ['|i1', 'int8'],
  ] as const),
  ...([
    ['<u8', 'uint64'],
    ['<u4', 'uint32'],
    ['<u2', 'uint16'],
    ['|u1', 'uint8'],
  ] as const),
  ...([
    ['<c16', 'complex128'],
    ['<c8', 'complex64'],
    ['|b1', 'bool'],
  ] as const),
]);

/**
 * The elements of an array as a contiguous tensor over a storage of its own.
 *
 * @param typeName - the tensor's type, `torch.float32`
 * @throws TorchError `torch/bad-tensor` for what is no array, or one of another type
 */
export function expectArray(value: PickleValue | undefined, typeName: string, context: RebuildContext): Geometry {
  const array = isKind(value, 'reduce') ? numpyArray(value) : undefined;
  if (array === undefined || !isKind(value, 'reduce')) {
    throw badTensor('a tensor is made from something that is no array of NumPy', context);
  }
  const dtype = dtypeOfName(typeName);
  if (dtype === undefined || DTYPES.get(array.dtype.name) !== dtype) {
    throw badTensor(`a tensor of type ${typeName} is made from an array of type ${array.dtype.text}`, context);
  }
  const { shape } = array;
  const storage = storageOf(array, dtype, `array at ${value.offset}`, context.path);
  return { dtype, storedDtype: dtype, shape, stride: contiguousStrides(shape), storageOffset: 0, storage };
}

function storageOf(array: NumpyArray, dtype: DType, key: string, path: string): TorchStorage {
  const elementCount = array.shape.reduce((product, extent) => product * extent, 1);
  const byteLength = elementCount * array.dtype.itemBytes;
  const record = new PickledRecord(`${path} : ${key}`, byteLength, array.bytes);
  const className = 'numpy.ndarray';
  const viewOf = undefined;
  return { key, className, type: dtype, location: 'cpu', elementCount, byteLength, swapUnit: 1, record, viewOf };
}

/** Its bytes are put in order when they are first read. */
class PickledRecord implements StorageRecord {
  readonly fileOffset = undefined;
  readonly #bytes: () => Uint8Array;
  #source: ByteSource | undefined;

  constructor(
    readonly name: string,
    readonly byteLength: number,
    bytes: () => Uint8Array,
  ) {
    this.#bytes = bytes;
  }

  get source(): ByteSource {
    this.#source ??= memorySource(this.#bytes(), this.name);
    return this.#source;
  }
}

function contiguousStrides(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let step = 1;
  for (const extent of shape.toReversed()) {
    strides.unshift(step);
    step *= Math.max(extent, 1);
  }
  return strides;
}
