/**
 * The pickle of a flat dictionary of tensors, as Python's pickler writes it for torch.save.
 *
 * Protocol 2, whatever Python's default. Each string, tuple and call is put into the memo when it is
 * written and fetched from there when the same object comes again; a thousand items are set at a time.
 *
 * @see https://github.com/python/cpython/blob/3.13/Modules/_pickle.c
 * @see https://github.com/pytorch/pytorch/blob/main/torch/_tensor.py (_reduce_ex_internal)
 * @module
 */
import type { DType } from '../../dtype.js';
import { OP, PickleOutput } from './pickle-output.js';
import { storageClassOf } from './torch-dtypes.js';

/** A tensor and the storage it is a view of, from its first element on. */
export interface PickledTensor {
  /** Key in the dictionary. */
  readonly name: string;
  /** Element type. */
  readonly dtype: DType;
  /** Extents, slowest first. */
  readonly shape: readonly number[];
  /** Key of its storage. */
  readonly storage: string;
  /** Elements of the storage; bytes where its type has no storage class. */
  readonly storageSize: number;
}

/** Items that one SETITEMS sets. */
const BATCH = 1000;

/** What the dictionary is: a plain one, or what `state_dict()` of a module gives. */
export type RootKind = 'dict' | 'OrderedDict';

/** The pickle; two tensors of one storage and one shape become one object under two keys. */
export function pickleStateDict(tensors: readonly PickledTensor[], root: RootKind = 'dict'): Uint8Array {
  const out = new PickleOutput();
  out.opcode(OP.proto, 2);
  if (root === 'dict') {
    out.opcode(OP.emptyDict);
    out.memoize();
  } else {
    writeOrderedDict(out);
  }
  for (const batch of batchesOf(tensors, root)) writeBatch(out, batch, root === 'dict' && tensors.length > 1);
  out.opcode(OP.stop);
  return out.finish();
}

/** Python looks for more after each full batch of a plain dict, so a multiple of a thousand ends with an empty one. */
function batchesOf(tensors: readonly PickledTensor[], root: RootKind): PickledTensor[][] {
  const isFull = root === 'dict' && tensors.length > 0;
  const count = isFull ? Math.floor(tensors.length / BATCH) + 1 : Math.ceil(tensors.length / BATCH);
  return Array.from({ length: count }, (_, index) => tensors.slice(index * BATCH, (index + 1) * BATCH));
}

/** A single item needs no mark, unless it is what is left of a plain dict of more. */
function writeBatch(out: PickleOutput, batch: readonly PickledTensor[], alwaysMark: boolean): void {
  const isSingle = batch.length === 1 && !alwaysMark;
  if (!isSingle) out.opcode(OP.mark);
  for (const tensor of batch) writeItem(out, tensor);
  out.opcode(isSingle ? OP.setItem : OP.setItems);
}

function writeOrderedDict(out: PickleOutput): void {
  out.global('collections', 'OrderedDict');
  out.opcode(OP.emptyTuple);
  out.opcode(OP.reduce);
  out.memoize();
}

function writeItem(out: PickleOutput, tensor: PickledTensor): void {
  out.string(tensor.name);
  const identity = `${tensor.storage} ${tensor.dtype} ${tensor.shape.join()}`;
  out.shared(`tensor ${identity}`, () => {
    writeTensor(out, tensor);
  });
}

/** (storage, storage_offset, size, stride, requires_grad, backward_hooks), and the type where the storage has none */
function writeTensor(out: PickleOutput, tensor: PickledTensor): void {
  const storageClass = storageClassOf(tensor.dtype);
  out.global('torch._utils', storageClass === undefined ? '_rebuild_tensor_v3' : '_rebuild_tensor_v2');
  out.opcode(OP.mark);
  writeStorage(out, tensor, storageClass);
  out.integer(0);
  out.integers(tensor.shape);
  out.integers(contiguousStrides(tensor.shape));
  out.opcode(OP.newFalse);
  writeOrderedDict(out);
  if (storageClass === undefined) out.global('torch', tensor.dtype);
  out.opcode(OP.tuple);
  out.memoize();
  out.opcode(OP.reduce);
}

/** The persistent id ('storage', class, key, location, elements). */
function writeStorage(out: PickleOutput, tensor: PickledTensor, storageClass: string | undefined): void {
  out.opcode(OP.mark);
  out.sharedString('storage');
  out.global(storageClass === undefined ? 'torch.storage' : 'torch', storageClass ?? 'UntypedStorage');
  out.sharedString(tensor.storage);
  out.sharedString('cpu');
  out.integer(tensor.storageSize);
  out.opcode(OP.tuple);
  out.memoize();
  out.opcode(OP.binPersId);
}

/** Strides of elements in row-major order; PyTorch counts an extent of 0 as 1. */
function contiguousStrides(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let step = 1;
  for (const extent of shape.toReversed()) {
    strides.unshift(step);
    step *= Math.max(extent, 1);
  }
  return strides;
}
