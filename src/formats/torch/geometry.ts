/**
 * Sizes, strides and offsets, checked against the storage they are for.
 *
 * PyTorch's reader trusts strides to a degree; here a tensor that reaches past its storage is refused
 * when the file is opened, before a byte of it is read.
 *
 * @module
 */
import { type DType, byteLengthOf, isQuantized } from '../../dtype.js';
import { isGlobal, isKind } from '../../pickle/access.js';
import { describeValue } from '../../pickle/describe.js';
import type { PickleValue, ReduceValue } from '../../pickle/values.js';
import { type StorageTable, type TorchStorage, isStorage } from './storages.js';
import type { TensorValue } from './tensor-value.js';
import { dtypeOfName } from './torch-dtypes.js';
import { TorchError } from './torch-error.js';

/** Dimensions that are accepted; PyTorch's own operations stop at 64. */
export const MOST_DIMENSIONS = 64;

/** What is needed to make sense of a tensor's arguments, and to say where they stand. */
export interface RebuildContext {
  /** The file's storages. */
  readonly storages: StorageTable;
  /** File or member that errors name. */
  readonly path: string;
  /** Tensors made so far: one that stands at many places, perhaps with 64 dimensions at 262,144, is made once. */
  readonly made?: WeakMap<ReduceValue, TensorValue>;
  /** Offset of the call at hand. */
  readonly offset?: number;
}

/** A checked description of elements in a storage. */
export interface Geometry {
  /** Element type, where it is known. */
  readonly dtype: DType | undefined;
  /** PyTorch's name of the type. */
  readonly storedDtype: string;
  /** Extents, slowest first. */
  readonly shape: readonly number[];
  /** Elements from one index to the next, by dimension. */
  readonly stride: readonly number[];
  /** First element. */
  readonly storageOffset: number;
  /** Where the elements are. */
  readonly storage: TorchStorage;
}

/** The arguments that place a tensor in a storage. */
export interface GeometryArguments {
  readonly storage: PickleValue | undefined;
  readonly offset: PickleValue | undefined;
  readonly size: PickleValue | undefined;
  readonly stride: PickleValue | undefined;
  /** Name of the type, `torch.uint16`, where the storage does not tell. */
  readonly dtype?: string;
}

/** A tensor that makes no sense. */
export function badTensor(message: string, { path, offset }: RebuildContext): TorchError {
  return new TorchError('torch/bad-tensor', message, { path, offset });
}

/**
 * A tensor's place in its storage.
 *
 * @throws TorchError `torch/bad-tensor`, `torch/out-of-bounds` and those of the storage
 */
export function expectGeometry(args: GeometryArguments, context: RebuildContext): Geometry {
  if (!isStorage(args.storage)) {
    const found = args.storage === undefined ? 'nothing' : describeValue(args.storage);
    throw badTensor(`the storage of a tensor is ${found}, and should be a persistent id`, context);
  }
  const storage = context.storages.resolve(args.storage);
  const shape = expectShape(args.size, context);
  const stride = expectNumbers(args.stride, 'stride', context);
  const { offset } = args;
  if (typeof offset !== 'number' || offset < 0) {
    const found = offset === undefined ? 'nothing' : describeValue(offset);
    throw badTensor(`the storage offset of a tensor is ${found}, and should not be negative`, context);
  }
  if (shape.length !== stride.length) {
    throw badTensor(`a tensor has a shape of ${shape.length} dimensions and strides for ${stride.length}`, context);
  }
  const typeName = args.dtype ?? `torch.${storage.type === 'untyped' ? 'uint8' : storage.type}`;
  const dtype = dtypeOfName(typeName);
  const geometry = {
    dtype,
    storedDtype: typeName.slice('torch.'.length),
    shape,
    stride,
    storageOffset: offset,
    storage,
  };
  if (dtype !== undefined) expectInBounds(geometry, dtype, context);
  return geometry;
}

/**
 * Extents of a tensor: a tuple, a list or a `torch.Size` of numbers that are not negative.
 *
 * @throws TorchError `torch/bad-tensor`
 */
export function expectShape(value: PickleValue | undefined, context: RebuildContext): readonly number[] {
  const shape = expectNumbers(value, 'size', context);
  if (shape.includes(0)) return shape;
  const elements = shape.reduce((product, extent) => product * extent, 1);
  // Sixteen bytes is the widest element; lengths in bytes must stay exact too.
  if (elements * 16 <= Number.MAX_SAFE_INTEGER) return shape;
  throw badTensor(`a tensor of shape (${shape.join(', ')}) has more elements than any file`, context);
}

function expectNumbers(value: PickleValue | undefined, what: string, context: RebuildContext): readonly number[] {
  const items = itemsOf(value);
  if (items === undefined) {
    const found = value === undefined ? 'nothing' : describeValue(value);
    throw badTensor(`the ${what} of a tensor is ${found}, and should be a tuple`, context);
  }
  if (items.length > MOST_DIMENSIONS) throw badTensor(`a tensor has ${items.length} dimensions`, context);
  return items.map((item) => {
    if (typeof item === 'number' && item >= 0) return item;
    const isNegative = typeof item === 'number' || (typeof item === 'bigint' && item < 0n);
    const isHuge = typeof item === 'bigint' && item > 0n;
    const reason = isNegative ? ': it is negative' : isHuge ? ': it reaches past the end of any storage' : '';
    throw badTensor(`${describeValue(item)} is no ${what} of a tensor${reason}`, context);
  });
}

function itemsOf(value: PickleValue | undefined): readonly PickleValue[] | undefined {
  if (isKind(value, 'tuple') || isKind(value, 'list')) return value.items;
  if (!isKind(value, 'reduce') || !isGlobal(value.callable, 'torch', 'Size') || !isKind(value.args, 'tuple')) {
    return undefined;
  }
  const [inner] = value.args.items;
  return isKind(inner, 'tuple') || isKind(inner, 'list') ? inner.items : undefined;
}

/** Strides of dimensions with one index mean nothing; without any element nothing is read. */
function expectInBounds(geometry: Geometry, dtype: DType, context: RebuildContext): void {
  const { shape, stride, storage, storageOffset } = geometry;
  if (shape.includes(0)) return;
  const last = shape.reduce((sum, extent, index) => sum + (extent - 1) * stride[index]!, storageOffset);
  if (byteLengthOf(dtype, last + 1) > storage.byteLength) {
    throw new TorchError(
      'torch/out-of-bounds',
      `a tensor reaches to element ${last} of type ${dtype}, past the end of the storage ${storage.record.name} ` +
        `of ${storage.byteLength} bytes`,
      { path: context.path, offset: context.offset },
    );
  }
  if (isQuantized(dtype))
    throw badTensor(`tensors of type ${dtype} hold several elements in a byte and are not read`, context);
}
