/**
 * Tensors of a file of PyTorch's, read on demand.
 *
 * @module
 */
import type { DType } from '../../dtype.js';
import type { PickleValue } from '../../pickle/values.js';
import { type ReadOptions, SourceError } from '../../source/byte-source.js';
import { shownName } from '../shown-name.js';
import { type StoredTensor, rowByteLengthOf, rowCountOf, rowsAreInside, tensorByteLength } from '../tensor.js';
import { applySigns, swapBytes } from './signs-and-order.js';
import type { TorchStorage } from './storages.js';
import { type StridedElements, gather, isContiguous } from './strided.js';
import type { PathSegment } from './tensor-path.js';
import type { TensorKind, TensorValue } from './tensor-value.js';
import { storageItemBytes } from './torch-dtypes.js';

/** A tensor of a file of PyTorch's with bytes of its own. */
export interface TorchTensor extends StoredTensor {
  /** Plain elements, or elements that stand for numbers by a scale. */
  readonly kind: 'dense' | 'quantized';
  /** The way to it in the pickled object; its name is this, joined by dots. */
  readonly path: readonly PathSegment[];
  /** Key of its storage; tensors with equal keys share memory. */
  readonly storage: string;
  /** Tensors with equal keys are the same bytes: one storage, type, place, shape, strides and signs. */
  readonly viewKey: string;
  /** Elements from one index to the next, by dimension. */
  readonly stride: readonly number[];
  /** First element in the storage. */
  readonly storageOffset: number;
  /** Whether it was to be trained. */
  readonly requiresGrad: boolean;
  /** Whether it was a Parameter. */
  readonly isParameter: boolean;
  /** Class of a subclass of Tensor. */
  readonly pythonType: string | undefined;
  /** How a quantized tensor's numbers are meant, as PyTorch pickles it. */
  readonly quantizer: PickleValue | undefined;
  /** First byte in the file; known once the storage has been located, which its first read does. */
  readonly fileOffset: number | undefined;
}

/** A tensor without bytes of its own: sparse and nested ones consist of others, meta ones are only a shape. */
export interface OtherTensor {
  /** Its name, unique among all tensors of the file. */
  readonly name: string;
  /** The way to it in the pickled object. */
  readonly path: readonly PathSegment[];
  /** Why it has no bytes. `dense` where only the element type is not known here. */
  readonly kind: TensorKind;
  /** Element type as PyTorch calls it. */
  readonly storedDtype: string;
  /** Extents, slowest first; empty for nested tensors. */
  readonly shape: readonly number[];
  /** Class of a subclass of Tensor. */
  readonly pythonType: string | undefined;
}

/** A tensor whose value has a storage and a known type. */
export interface ReadableValue extends TensorValue {
  readonly kind: 'dense' | 'quantized';
  readonly dtype: DType;
  readonly storage: TorchStorage;
}

/** Whether a tensor has elements that can be read. */
export function isReadable(value: TensorValue): value is ReadableValue {
  return value.storage !== undefined && value.dtype !== undefined;
}

/**
 * A tensor that reads from its storage. Contiguous ones cost one read per call and may give a view of the
 * source's memory; others see `strided.ts`.
 */
export function torchTensor(name: string, path: readonly PathSegment[], value: ReadableValue): TorchTensor {
  const { dtype, shape, storage, storageOffset, stride } = value;
  const itemBytes = storageItemBytes(dtype);
  const rowByteLength = rowByteLengthOf(value);
  const byteLength = tensorByteLength(value);
  const elements: StridedElements = { source: storage.record.source, storageOffset, itemBytes, shape, stride };
  const contiguous = isContiguous(elements);
  const { conjugated, negated } = value;
  const isPlain = storage.swapUnit === 1 && !conjugated && !negated;

  const read = async (start: number, length: number, options?: ReadOptions): Promise<Uint8Array> => {
    if (length === 0) return new Uint8Array(0);
    if (contiguous && isPlain) return elements.source.read(storageOffset * itemBytes + start, length, options);
    const bytes = await gather(elements, start / itemBytes, length / itemBytes, options);
    swapBytes(bytes, storage.swapUnit);
    if (conjugated || negated) applySigns(bytes, dtype, conjugated, negated);
    return bytes;
  };
  const refuse = (wanted: string, present: string): never => {
    throw new SourceError('source/out-of-range', `${wanted} wanted, but the tensor ${shownName(name)} has ${present}`, {
      path: storage.record.name,
    });
  };
  return {
    name,
    path,
    kind: value.kind,
    dtype,
    storedDtype: value.storedDtype,
    shape,
    storage: storage.key,
    viewKey: viewKeyOf(value),
    stride,
    storageOffset,
    requiresGrad: value.requiresGrad,
    isParameter: value.isParameter,
    pythonType: value.pythonType,
    quantizer: value.quantizer,
    get fileOffset() {
      const start = contiguous && isPlain ? storage.record.fileOffset() : undefined;
      return start === undefined ? undefined : start + storageOffset * itemBytes;
    },
    readRows: async (first, count, options) => {
      if (!rowsAreInside(shape, first, count)) refuse(`${count} rows from row ${first}`, `${rowCountOf(shape)} rows`);
      return read(first * rowByteLength, count * rowByteLength, options);
    },
    readBytes: async (start, length, options) => {
      const inside = start >= 0 && length >= 0 && start + length <= byteLength;
      if (!inside || start % itemBytes !== 0 || length % itemBytes !== 0) {
        refuse(`${length} bytes from byte ${start}`, `${byteLength} bytes in elements of ${itemBytes}`);
      }
      return read(start, length, options);
    },
  };
}

function viewKeyOf({ dtype, storage, storageOffset, shape, stride, conjugated, negated }: ReadableValue): string {
  const signs = `${conjugated ? ' conj' : ''}${negated ? ' neg' : ''}`;
  return `${storage.key} ${dtype} ${storageOffset} (${shape.join()}) (${stride.join()})${signs}`;
}
