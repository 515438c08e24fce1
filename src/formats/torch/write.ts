/**
 * Writing a state dict as torch.save of PyTorch 2.13 does, byte for byte.
 *
 * The file is planned first: the pickle needs no weights, so every offset and the whole length are known
 * before the first weight is read. Then the storages stream through, one after another. Checksums follow
 * their data and the file's id is made of them, so nothing is written twice.
 *
 * @see https://pytorch.org/docs/stable/notes/serialization.html
 * @module
 */
import { byteLengthOf, elementCount } from '../../dtype.js';
import type { OperationOptions } from '../../options.js';
import type { ByteSink } from '../../source/byte-sink.js';
import { type PlacedMember, layoutArchive } from '../../zip/layout.js';
import type { WrittenMember } from '../../zip/write-records.js';
import { type MemberData, zipWriter } from '../../zip/writer.js';
import type { PlannedTensor } from '../file-plan.js';
import { shownName } from '../shown-name.js';
import { type Tensor, type TensorInfo, rowBlocks } from '../tensor.js';
import { ID_LENGTH, ID_RECORD, RECORDS_BEFORE, TEXTS_AFTER, TEXTS_BEFORE, encodeText, membersOf } from './records.js';
import { serializationId } from './serialization-id.js';
import { type RootKind, pickleStateDict } from './state-dict-pickle.js';
import { dtypeOfName, storageClassOf } from './torch-dtypes.js';
import { TorchError } from './torch-error.js';

/** A tensor to be written. */
export interface TorchEntry extends TensorInfo {
  /** Entries with equal keys are one storage, written once; undefined for a storage of its own. */
  readonly storage?: string | undefined;
}

/** A tensor to be written, with its bytes. */
export interface TorchEntryWithData extends TorchEntry {
  /** Its bytes, row-major and little-endian, in pieces; asked for once, and only of the first entry of a storage. */
  produce(options?: OperationOptions): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** How a file is to be written. */
export interface TorchWriteOptions {
  /** Folder of the records in the archive: PyTorch takes the file's name without its ending; default `archive`. */
  readonly archiveName?: string | undefined;
  /** A plain dictionary, or an OrderedDict as `state_dict()` of a module gives; default `dict`. */
  readonly root?: RootKind | undefined;
}

/** A storage to be written. */
export interface PlannedStorage {
  /** Its record: `data/0`. */
  readonly record: string;
  /** Index of the entry whose bytes it holds. */
  readonly entry: number;
  /** Its length. */
  readonly byteLength: number;
}

/** A file of PyTorch's, before a weight is read. */
export interface TorchFilePlan {
  /** Folder of the records in the archive. */
  readonly archiveName: string;
  /** The tensors, in the order given, with the place of their bytes in the file to be. */
  readonly tensors: readonly PlannedTensor[];
  /** The storages, in the order of their bytes. */
  readonly storages: readonly PlannedStorage[];
  /** The pickle that describes the tensors. */
  readonly pickle: Uint8Array;
  /** Where all records lie: the pickle, small texts, the storages, small texts again. */
  readonly members: readonly PlacedMember[];
  /** Size of the whole file. */
  readonly byteLength: number;
}

/**
 * Plans a file: no input, some hundred bytes of memory per tensor.
 *
 * @throws TorchError `torch/bad-write` for two tensors of one name, types that PyTorch does not have, and
 *   entries of one storage that differ in type or length
 */
export function planTorchFile(entries: readonly TorchEntry[], options: TorchWriteOptions = {}): TorchFilePlan {
  const archiveName = options.archiveName ?? 'archive';
  const { storages, keys } = planStorages(entries);
  const pickle = pickleStateDict(
    entries.map(({ name, dtype, shape }, index) => {
      const key = keys[index]!;
      const { byteLength } = storages[key]!;
      const storageSize = storageClassOf(dtype) === undefined ? byteLength : elementCount(shape);
      return { name, dtype, shape, storage: String(key), storageSize };
    }),
    options.root,
  );
  const layout = layoutArchive(membersOf(archiveName, pickle.byteLength, storages));
  const tensors = entries.map(({ name, dtype, shape }, index): PlannedTensor => {
    const key = keys[index]!;
    const fileOffset = layout.members[RECORDS_BEFORE + key]!.dataOffset;
    return { name, dtype, shape, fileOffset, byteLength: storages[key]!.byteLength };
  });
  return { archiveName, tensors, storages, pickle, members: layout.members, byteLength: layout.byteLength };
}

/**
 * Writes a file into a sink, from its first byte to its last; holds one piece of a tensor at a time.
 *
 * @returns the plan that was carried out
 * @throws TorchError what {@link planTorchFile} throws
 * @throws ZipError `zip/bad-write` when a tensor gives more or fewer bytes than its shape says
 */
export async function writeTorchFile(
  sink: ByteSink,
  entries: readonly TorchEntryWithData[],
  options: TorchWriteOptions & OperationOptions = {},
): Promise<TorchFilePlan> {
  const plan = planTorchFile(entries, options);
  const writer = zipWriter(sink);
  const written: WrittenMember[] = [];
  const add = async (record: string, byteLength: number, data: MemberData): Promise<void> => {
    const member = await writer.add(`${plan.archiveName}/${record}`, byteLength, data);
    written.push({ ...member, name: record });
  };
  await add('data.pkl', plan.pickle.byteLength, plan.pickle);
  for (const [record, text] of TEXTS_BEFORE) await add(record, text.length, encodeText(text));
  for (const { record, entry, byteLength } of plan.storages) {
    const tensor = entries[entry]!;
    await add(record, byteLength, watched(tensor, plan.byteLength, sink, options));
  }
  for (const [record, text] of TEXTS_AFTER) await add(record, text.length, encodeText(text));
  await add(ID_RECORD, ID_LENGTH, encodeText(serializationId(written)));
  await writer.finish();
  return plan;
}

/** An entry that reads from a tensor, a block of rows at a time. */
export function torchEntry(tensor: Tensor, storage?: string): TorchEntryWithData {
  const { name, dtype, shape } = tensor;
  return {
    ...{ name, dtype, shape, storage },
    async *produce(options) {
      for await (const { bytes } of rowBlocks(tensor, { signal: options?.signal })) yield bytes;
    },
  };
}

/** The storages, and for each entry the number of its storage. */
function planStorages(entries: readonly TorchEntry[]): { storages: PlannedStorage[]; keys: number[] } {
  const storages: PlannedStorage[] = [];
  const byKey = new Map<string, number>();
  const names = new Set<string>();
  const keys = entries.map((entry, index) => {
    const byteLength = expectWritable(entry, names);
    const known = entry.storage === undefined ? undefined : byKey.get(entry.storage);
    if (known !== undefined) {
      expectSameStorage(entries[storages[known]!.entry]!, entry);
      return known;
    }
    const key = storages.length;
    storages.push({ record: `data/${key}`, entry: index, byteLength });
    if (entry.storage !== undefined) byKey.set(entry.storage, key);
    return key;
  });
  return { storages, keys };
}

function expectWritable({ name, dtype, shape }: TorchEntry, names: Set<string>): number {
  if (names.has(name)) throw badWrite(`two tensors are called ${shownName(name)}`);
  names.add(name);
  if (dtypeOfName(`torch.${dtype}`) === undefined || /^q(?:u?int)/.test(dtype)) {
    throw badWrite(`${shownName(name)} has the type ${dtype}, which is no plain type of PyTorch`);
  }
  return byteLengthOf(dtype, elementCount(shape));
}

function expectSameStorage(first: TorchEntry, second: TorchEntry): void {
  const same = first.dtype === second.dtype && elementCount(first.shape) === elementCount(second.shape);
  if (same) return;
  throw badWrite(
    `${shownName(first.name)} and ${shownName(second.name)} are to share a storage, but differ in type or size`,
  );
}

function badWrite(message: string): TorchError {
  return new TorchError('torch/bad-write', message);
}

/** The pieces of a tensor, with the signal heeded and progress told after each. */
async function* watched(
  tensor: TorchEntryWithData,
  total: number,
  sink: ByteSink,
  { signal, onProgress }: OperationOptions,
): AsyncGenerator<Uint8Array> {
  for await (const piece of tensor.produce({ signal })) {
    signal?.throwIfAborted();
    yield piece;
    onProgress?.({ phase: 'write', item: tensor.name, done: sink.position, total });
  }
}
