/**
 * A file that torch.save wrote.
 *
 * Since PyTorch 1.6 it is a ZIP archive: one pickle that describes the object, and one member per storage
 * with its bytes; `legacy-file.ts` and `tar-file.ts` have the two forms before that. Opening reads the end of
 * the file, the directory, the pickle and a few bytes; tensors read their bytes when asked. Nothing in the
 * pickle is ever run.
 *
 * @see https://pytorch.org/docs/stable/notes/serialization.html
 * @module
 */
import { isKind } from '../../pickle/access.js';
import { type PickleLimits, pickleLimitsFor } from '../../pickle/limits.js';
import { type Pickle, parsePickle } from '../../pickle/machine.js';
import type { GlobalValue, PickleValue, ReduceValue } from '../../pickle/values.js';
import type { ByteSource, ReadOptions } from '../../source/byte-source.js';
import { type Identification, describeMistake, identifySource } from '../../source/identify.js';
import { type ZipArchive, openZip } from '../../zip/archive.js';
import { ZipError } from '../../zip/zip-error.js';
import type { TensorFile } from '../tensor.js';
import { type CheckpointArchive, openCheckpointArchive } from './checkpoint-archive.js';
import { distributedShard, isDistributedShard } from './distributed.js';
import { type FoundTensor, findTensors } from './find-tensors.js';
import { leastMissingBytes } from './missing-bytes.js';
import { rebuildTensor } from './rebuild.js';
import { type StorageRecords, StorageTable, type TorchStorage, isStorage } from './storages.js';
import { UniqueNames, pathOf } from './tensor-path.js';
import type { TensorValue } from './tensor-value.js';
import { TorchError } from './torch-error.js';
import { type OtherTensor, type TorchTensor, isReadable, torchTensor } from './torch-tensor.js';

/** How a file is to be opened. */
export interface TorchFileOptions extends ReadOptions {
  /** Caps on its pickle other than the defaults. */
  readonly limits?: Partial<PickleLimits> | undefined;
}

/** An open file of PyTorch's. */
export interface TorchFile extends TensorFile {
  readonly format: 'torch';
  /** All tensors that have elements, in the order of the pickle; of two with one name the second is called `name#2`. */
  readonly tensors: readonly TorchTensor[];
  /** Tensors without elements of their own: sparse, nested, meta. */
  readonly others: readonly OtherTensor[];
  /** The pickled object as plain tagged values. */
  readonly root: PickleValue;
  /** Every class and function the pickle names, in order. */
  readonly globals: readonly GlobalValue[];
  /** Protocol of the pickle. */
  readonly protocol: number;
  /**
   * The storages that the pickle names, each once, in its order. In a file of 2016, where tensors stand outside of
   * it, their storages are only `storedIn` of the tensors.
   */
  readonly storages: readonly TorchStorage[];
  /** What a value inside `root` says about a tensor; undefined where it is none. Reads nothing. */
  tensorOf(value: PickleValue): TensorValue | undefined;
  /** The storage that a value inside `root` names; undefined where it names none. Reads nothing. */
  storageOf(value: PickleValue): TorchStorage | undefined;
  /** The archive, for whoever wants its other members; undefined for files of the forms before PyTorch 1.6. */
  readonly archive: ZipArchive | undefined;
  /**
   * Finds out where all storages begin in the file, so that every tensor's `fileOffset` is known; one read
   * for all local headers within 256 kB.
   */
  locate(options?: ReadOptions): Promise<void>;
}

/**
 * Opens a file of PyTorch's: at most five reads and one pickle in memory, in the forms before 1.6 another read
 * per storage. Owns the source once it has returned; when it throws, the source stays open.
 *
 * @throws ZipError, PickleError and TorchError for what is wrong with the file
 * @throws SourceError `source/html-page` and its kin for what is no file of PyTorch's at all
 */
export async function openTorchFile(source: ByteSource, options: TorchFileOptions = {}): Promise<TorchFile> {
  if (isDistributedShard(source.name)) throw distributedShard(source.name);
  const archive = await openArchive(source, options);
  const { pickle, records, path, storedBytes, locate, named } =
    archive === undefined ? await openWithoutArchive(source, options) : await openRecords(archive, options);
  const table = new StorageTable(records, path);
  const context = { storages: table, path, made: new WeakMap<ReduceValue, TensorValue>() };
  const found = findTensors(pickle.value, context, storedBytes);
  const storages = table.storages.filter(({ key }) => named?.has(key) !== false);
  const close = (): Promise<void> => source.close();
  return {
    format: 'torch',
    name: source.name,
    size: source.size,
    ...nameTensors(found, path),
    root: pickle.value,
    globals: pickle.globals,
    protocol: pickle.protocol,
    storages,
    tensorOf: (value) => (isKind(value, 'reduce') ? rebuildTensor(value, context) : undefined),
    storageOf: (value) => (isStorage(value) ? table.resolve(value) : undefined),
    archive,
    locate: (readOptions) => locate(storages, readOptions),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What the three forms of file have in common. */
interface Checkpoint {
  readonly pickle: Pickle;
  readonly records: StorageRecords;
  /** What the pickle is called in errors. */
  readonly path: string;
  /** Bytes that the pickle takes in the file at most, packed or not. */
  readonly storedBytes: number;
  readonly locate: (storages: readonly TorchStorage[], options?: ReadOptions) => Promise<void>;
  /** Keys of the storages that the pickle names, where tensors outside of it name others; undefined: all. */
  readonly named?: ReadonlySet<string>;
}

/** A file of a form before PyTorch 1.6, in which all storages lie as they are. */
async function openWithoutArchive(source: ByteSource, options: TorchFileOptions): Promise<Checkpoint> {
  const known = { path: source.name, locate: async () => {} };
  const { kind } = await expectPickle(source, options);
  if (kind === 'tar') {
    const { openTarCheckpoint } = await import('./tar-file.js');
    return { ...known, ...(await openTarCheckpoint(source, options)) };
  }
  const { openLegacyCheckpoint } = await import('./legacy-file.js');
  return { ...known, storedBytes: source.size, ...(await openLegacyCheckpoint(source, options)) };
}

async function openRecords(archive: ZipArchive, options: TorchFileOptions): Promise<Checkpoint> {
  const records = await openCheckpointArchive(archive, options);
  const locate: Checkpoint['locate'] = async (storages, readOptions) => {
    const entries = storages.map(({ key }) => records.storageEntry(key));
    await archive.dataOffsets(
      entries.filter((entry) => entry !== undefined),
      readOptions,
    );
  };
  const { pickleStoredBytes: storedBytes } = records;
  return { pickle: await readPickle(records, options), records, path: records.pickle.name, storedBytes, locate };
}

/** The archive, or undefined for the forms before PyTorch 1.6. */
async function openArchive(source: ByteSource, options: TorchFileOptions): Promise<ZipArchive | undefined> {
  try {
    return await openZip(source, options);
  } catch (cause) {
    if (!(cause instanceof ZipError)) throw cause;
    if (cause.code === 'zip/no-end-record') throw await withMissingBytes(cause, source, options);
    if (cause.code !== 'zip/not-a-zip') throw cause;
    return undefined;
  }
}

/** The error of an archive that is cut off, with how much is missing where its pickle tells. */
async function withMissingBytes(error: ZipError, source: ByteSource, options: TorchFileOptions): Promise<ZipError> {
  const missing = await leastMissingBytes(source, options);
  if (missing === undefined) return error;
  const { code, message, path, offset, hint } = error;
  return new ZipError(code, `${message}; at least ${missing} bytes are missing`, { path, offset, hint, cause: error });
}

/** Throws for a file that is no ZIP archive and cannot be of a form before PyTorch 1.6 either. */
async function expectPickle(source: ByteSource, options: TorchFileOptions): Promise<Identification> {
  const identification = await identifySource(source, options);
  const { kind } = identification;
  if (kind === 'torch-legacy' || kind === 'pickle' || kind === 'tar') return identification;
  throw describeMistake(identification, 'a PyTorch file', source.name);
}

async function readPickle(
  { pickle, pickleStoredBytes }: CheckpointArchive,
  { signal, limits: changes }: TorchFileOptions,
): Promise<Pickle> {
  const limits = { ...pickleLimitsFor(pickleStoredBytes), ...changes };
  if (pickle.size > limits.bytes) {
    throw new TorchError(
      'torch/too-large',
      `a pickle of ${pickle.size} bytes is not read; the limit is ${limits.bytes}`,
      { path: pickle.name },
    );
  }
  return parsePickle(await pickle.read(0, pickle.size, { signal }), { path: pickle.name, limits });
}

/** Characters of all names together; a hostile pickle may give a million tensors names of a megabyte. */
const MOST_NAME_CHARACTERS = 1 << 26;

function nameTensors(found: readonly FoundTensor[], path: string): Pick<TorchFile, 'tensors' | 'others'> {
  const tensors: TorchTensor[] = [];
  const others: OtherTensor[] = [];
  const characters = found.reduce((sum, { place }) => sum + place.name.length, 0);
  if (characters > MOST_NAME_CHARACTERS) {
    throw new TorchError('torch/too-large', `the names of the tensors have ${characters} characters`, { path });
  }
  const names = new UniqueNames();
  for (const { place, value } of found) {
    const name = names.take(place.name);
    if (isReadable(value)) tensors.push(torchTensor(name, place, value));
    else others.push({ ...otherOf(value), name, path: pathOf(place) });
  }
  return { tensors, others };
}

function otherOf({ kind, storedDtype, shape, pythonType }: FoundTensor['value']): Omit<OtherTensor, 'name' | 'path'> {
  return { kind, storedDtype, shape, pythonType };
}
