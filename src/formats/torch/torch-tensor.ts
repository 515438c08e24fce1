/**
 * Tensors of a file of PyTorch's, read on demand.
 *
 * @module
 */
import type { DType } from '../../dtype.js';
import type { PickleValue } from '../../pickle/values.js';
import { type ReadOptions, SourceError } from '../../source/byte-source.js';
import { lengthOf, readScattered, scatter } from '../../source/scattered.js';
import { shownName } from '../shown-name.js';
import { type StoredTensor, rowByteLengthOf, rowCountOf, rowsAreInside, tensorByteLength } from '../tensor.js';
import { applySigns, swapBytes } from './signs-and-order.js';
import type { TorchStorage } from './storages.js';
import { gather, isContiguous } from './strided.js';
import { type PathSegment, type Place, pathOf } from './tensor-path.js';
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
  /** The storage itself. */
  readonly storedIn: TorchStorage;
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
export function torchTensor(name: string, place: Place, value: ReadableValue): TorchTensor {
  return new StridedTensor(name, place, value);
}

/** Holds little more than its value: a file may have a hundred thousand of these. */
class StridedTensor implements TorchTensor {
  readonly dtype: DType;
  readonly storedDtype: string;
  readonly shape: readonly number[];
  readonly storage: string;
  readonly readRows: TorchTensor['readRows'];
  readonly readBytes: TorchTensor['readBytes'];
  readonly #place: Place;
  readonly #value: ReadableValue;

  constructor(
    readonly name: string,
    place: Place,
    value: ReadableValue,
  ) {
    this.dtype = value.dtype;
    this.storedDtype = value.storedDtype;
    this.shape = value.shape;
    this.storage = value.storage.key;
    this.#place = place;
    this.#value = value;
    this.readRows = async (first, count, options) => {
      const present = rowCountOf(this.shape);
      if (!rowsAreInside(this.shape, first, count)) this.#refuse(`${count} rows from row ${first}`, `${present} rows`);
      const rowByteLength = rowByteLengthOf(this);
      return this.#read(first * rowByteLength, count * rowByteLength, options);
    };
    this.readBytes = async (start, length, options) => {
      const present = tensorByteLength(this);
      const itemBytes = storageItemBytes(this.dtype);
      const inside = start >= 0 && length >= 0 && start + length <= present;
      if (!inside || start % itemBytes !== 0 || length % itemBytes !== 0) {
        this.#refuse(`${length} bytes from byte ${start}`, `${present} bytes in elements of ${itemBytes}`);
      }
      return this.#read(start, length, options);
    };
  }

  async readRowsInto(first: number, targets: readonly Uint8Array[], options?: ReadOptions): Promise<void> {
    const rowByteLength = rowByteLengthOf(this);
    const count = lengthOf(targets) / rowByteLength;
    if (!this.#isPlain() || !rowsAreInside(this.shape, first, count)) {
      scatter(await this.readRows(first, count, { ...options, into: undefined }), targets);
      return;
    }
    const start = this.storageOffset * storageItemBytes(this.dtype);
    await readScattered(this.#value.storage.record.source, start + first * rowByteLength, targets, options);
  }

  get kind(): 'dense' | 'quantized' {
    return this.#value.kind;
  }

  get storedIn(): TorchStorage {
    return this.#value.storage;
  }

  get path(): readonly PathSegment[] {
    return pathOf(this.#place);
  }

  get stride(): readonly number[] {
    return this.#value.stride;
  }

  get storageOffset(): number {
    return this.#value.storageOffset;
  }

  get requiresGrad(): boolean {
    return this.#value.requiresGrad;
  }

  get isParameter(): boolean {
    return this.#value.isParameter;
  }

  get pythonType(): string | undefined {
    return this.#value.pythonType;
  }

  get quantizer(): PickleValue | undefined {
    return this.#value.quantizer;
  }

  get viewKey(): string {
    const { dtype, storage, storageOffset, shape, stride, conjugated, negated } = this.#value;
    const signs = `${conjugated ? ' conj' : ''}${negated ? ' neg' : ''}`;
    return `${storage.key} ${dtype} ${storageOffset} (${shape.join()}) (${stride.join()})${signs}`;
  }

  get fileOffset(): number | undefined {
    const start = this.#isPlain() ? this.#value.storage.record.fileOffset : undefined;
    return start === undefined ? undefined : start + this.storageOffset * storageItemBytes(this.dtype);
  }

  /** Whether its bytes lie in the storage just as they are to be given. */
  #isPlain(): boolean {
    const { storage, conjugated, negated } = this.#value;
    return storage.swapUnit === 1 && !conjugated && !negated && isContiguous(this.#value);
  }

  async #read(start: number, length: number, options?: ReadOptions): Promise<Uint8Array> {
    if (length === 0) return new Uint8Array(0);
    const { dtype, shape, stride, storage, storageOffset, conjugated, negated } = this.#value;
    const itemBytes = storageItemBytes(dtype);
    const { source } = storage.record;
    if (this.#isPlain()) return source.read(storageOffset * itemBytes + start, length, options);
    const elements = { source, storageOffset, itemBytes, shape, stride };
    const bytes = await gather(elements, start / itemBytes, length / itemBytes, options);
    swapBytes(bytes, storage.swapUnit);
    if (conjugated || negated) applySigns(bytes, dtype, conjugated, negated);
    return bytes;
  }

  #refuse(wanted: string, present: string): never {
    throw new SourceError(
      'source/out-of-range',
      `${wanted} wanted, but the tensor ${shownName(this.name)} has ${present}`,
      {
        path: this.#value.storage.record.name,
      },
    );
  }
}
