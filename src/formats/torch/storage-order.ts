/**
 * A tensor's elements in the order in which they lie in storage, for whoever does not mind the order.
 *
 * Reading a transposed matrix row by row passes over its storage again and again; read in this order, each of its
 * bytes is read once. Dimensions of stride 0 repeat the same elements and are left out, so that a tensor is never
 * read at greater length than it is stored, unless its strides overlap.
 *
 * @module
 */
import type { ReadOptions } from '../../source/byte-source.js';
import { swapBytes } from './signs-and-order.js';
import { gather, isContiguous } from './strided.js';
import { storageItemBytes } from './torch-dtypes.js';
import type { TorchTensor } from './torch-tensor.js';

/** Elements in the order of their storage. */
export interface StoredElements {
  /** Bytes of an element. */
  readonly itemBytes: number;
  /** Bytes of all elements together. */
  readonly byteLength: number;
  /** Bytes of storage from the first element to the last, with what lies in between. */
  readonly span: number;
  /** `length` bytes from byte `start`, little-endian; both multiples of `itemBytes`. The result is read-only. */
  readBytes(start: number, length: number, options?: ReadOptions): Promise<Uint8Array>;
}

/** The elements of a tensor in the order of its storage; reads nothing yet. Signs are as stored. */
export function elementsInStorageOrder(
  tensor: Pick<TorchTensor, 'dtype' | 'shape' | 'stride' | 'storageOffset' | 'storedIn'>,
): StoredElements {
  const itemBytes = storageItemBytes(tensor.dtype);
  const { swapUnit, record } = tensor.storedIn;
  const { source } = record;
  const dimensions = tensor.shape
    .map((extent, index) => ({ extent, step: tensor.stride[index]! }))
    .filter(({ extent, step }) => extent === 0 || (extent > 1 && step > 0))
    .sort((a, b) => b.step - a.step);
  const shape = dimensions.map(({ extent }) => extent);
  const stride = dimensions.map(({ step }) => step);
  const count = shape.reduce((product, extent) => product * extent, 1);
  const reach = dimensions.reduce((sum, { extent, step }) => sum + (extent - 1) * step, 1);
  const isPlain = swapUnit === 1 && isContiguous({ shape, stride });
  const elements = { source, storageOffset: tensor.storageOffset, itemBytes, shape, stride };
  return {
    itemBytes,
    byteLength: count * itemBytes,
    span: count === 0 ? 0 : reach * itemBytes,
    readBytes: async (start, length, options) => {
      if (isPlain) return source.read(tensor.storageOffset * itemBytes + start, length, options);
      const bytes = await gather(elements, start / itemBytes, length / itemBytes, options);
      swapBytes(bytes, swapUnit);
      return bytes;
    },
  };
}
