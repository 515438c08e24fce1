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

const OP = {
  mark: 0x28,
  emptyTuple: 0x29,
  stop: 0x2e,
  binInt: 0x4a,
  binInt1: 0x4b,
  binInt2: 0x4d,
  binPersId: 0x51,
  reduce: 0x52,
  binUnicode: 0x58,
  global: 0x63,
  binGet: 0x68,
  longBinGet: 0x6a,
  binPut: 0x71,
  longBinPut: 0x72,
  setItem: 0x73,
  tuple: 0x74,
  setItems: 0x75,
  emptyDict: 0x7d,
  proto: 0x80,
  tuple1: 0x85,
  newFalse: 0x89,
  long1: 0x8a,
} as const;

/** Largest numbers of the opcodes for integers and memo slots. */
const U8 = 0xff;
const U16 = 0xffff;
const I32 = 0x7fffffff;

/** A growing pickle and the memo Python would have at that point. */
class PickleOutput {
  #bytes = new Uint8Array(1 << 12);
  #length = 0;
  #slots = 0;
  readonly #memo = new Map<string, number>();

  opcode(opcode: number, ...argument: readonly number[]): void {
    this.#append([opcode, ...argument]);
  }

  /** Puts the value just written into the next slot. */
  memoize(name?: string): void {
    if (name !== undefined) this.#memo.set(name, this.#slots);
    this.#slot(OP.binPut, OP.longBinPut, this.#slots);
    this.#slots += 1;
  }

  /** Fetches what was written under that name before, or writes and memoizes it. */
  shared(name: string, write: () => void): void {
    const slot = this.#memo.get(name);
    if (slot !== undefined) {
      this.#slot(OP.binGet, OP.longBinGet, slot);
      return;
    }
    write();
    this.memoize(name);
  }

  string(text: string): void {
    this.#text(text);
    this.memoize();
  }

  sharedString(text: string): void {
    this.shared(`string ${text}`, () => {
      this.#text(text);
    });
  }

  global(module: string, name: string): void {
    this.shared(`global ${module} ${name}`, () => {
      this.opcode(OP.global);
      this.#append(new TextEncoder().encode(`${module}\n${name}\n`));
    });
  }

  integer(value: number): void {
    if (value <= U8) this.opcode(OP.binInt1, value);
    else if (value <= U16) this.opcode(OP.binInt2, value & U8, value >> 8);
    else if (value <= I32) this.opcode(OP.binInt, ...littleEndian(value, 4));
    else this.#long(value);
  }

  /** A tuple of integers; short ones have opcodes of their own. */
  integers(values: readonly number[]): void {
    if (values.length === 0) {
      this.opcode(OP.emptyTuple);
      return;
    }
    if (values.length > 3) this.opcode(OP.mark);
    for (const value of values) this.integer(value);
    this.opcode(values.length > 3 ? OP.tuple : OP.tuple1 + values.length - 1);
    this.memoize();
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** The fewest bytes whose highest bit is free for the sign. */
  #long(value: number): void {
    let length = 5;
    while (value >= 2 ** (8 * length - 1)) length += 1;
    this.opcode(OP.long1, length, ...littleEndian(value, length));
  }

  #text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.opcode(OP.binUnicode, ...littleEndian(bytes.byteLength, 4));
    this.#append(bytes);
  }

  #slot(short: number, long: number, slot: number): void {
    if (slot <= U8) this.opcode(short, slot);
    else this.opcode(long, ...littleEndian(slot, 4));
  }

  #append(bytes: ArrayLike<number>): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(2 * needed);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = needed;
  }
}

function littleEndian(value: number, length: number): number[] {
  return Array.from({ length }, (_, index) => Math.floor(value / 256 ** index) % 256);
}
