/**
 * The records of a checkpoint in its ZIP archive.
 *
 * All records lie in one folder whose name is the file's own without its ending (`consolidated.00/`), or
 * `archive/`. Only the pickle `data.pkl` is always there; `byteorder` came with PyTorch 2.1, storages are
 * `data/0`, `data/1` and so on. Programs are kept in archives that look much the same.
 *
 * @see https://pytorch.org/docs/stable/notes/serialization.html
 * @module
 */
import type { ByteSource, ReadOptions } from '../../source/byte-source.js';
import type { ZipArchive } from '../../zip/archive.js';
import type { ZipEntry } from '../../zip/entry.js';
import type { StorageRecord, StorageRecords } from './storages.js';
import { TorchError } from './torch-error.js';

/** Longest content of `byteorder` that is looked at; it says `little` or `big`. */
const LONGEST_BYTE_ORDER = 16;

/** A checkpoint's records. */
export interface CheckpointArchive extends StorageRecords {
  /** Folder of the records, with its slash. */
  readonly prefix: string;
  /** The pickle. */
  readonly pickle: ByteSource;
  /** Bytes that it takes in the file, packed or not. */
  readonly pickleStoredBytes: number;
  /** The member that holds a storage, or undefined. */
  storageEntry(key: string): ZipEntry | undefined;
}

/**
 * Finds the records of a checkpoint; one or two small reads for the byte order.
 *
 * @throws TorchError `torch/no-pickle`, `torch/torchscript`, `torch/exported-program`, `torch/package`,
 *   `torch/bad-byteorder`
 * @throws ZipError
 */
export async function openCheckpointArchive(archive: ZipArchive, options?: ReadOptions): Promise<CheckpointArchive> {
  const prefix = prefixOf(archive);
  expectNoProgram(archive, prefix);
  const entry = archive.find(`${prefix}data.pkl`);
  if (entry === undefined) {
    throw new TorchError('torch/no-pickle', 'a ZIP archive, but no checkpoint: it holds no data.pkl', {
      path: archive.name,
    });
  }
  const storageEntry = (key: string): ZipEntry | undefined => archive.find(`${prefix}data/${key}`);
  return {
    prefix,
    pickle: archive.openMember(entry),
    pickleStoredBytes: entry.compressedSize,
    bigEndian: await isBigEndian(archive, archive.find(`${prefix}byteorder`), options),
    storageEntry,
    find: (key) => {
      const storage = storageEntry(key);
      return storage === undefined ? undefined : new ArchiveRecord(archive, storage);
    },
  };
}

/** A storage's member; its source is made when it is first read, since most are only listed. */
class ArchiveRecord implements StorageRecord {
  readonly #archive: ZipArchive;
  readonly #entry: ZipEntry;
  #source: ByteSource | undefined;

  constructor(archive: ZipArchive, entry: ZipEntry) {
    this.#archive = archive;
    this.#entry = entry;
  }

  get name(): string {
    return this.#entry.name;
  }

  get byteLength(): number {
    return this.#entry.size;
  }

  get source(): ByteSource {
    this.#source ??= this.#archive.openMember(this.#entry);
    return this.#source;
  }

  get fileOffset(): number | undefined {
    return this.#entry.method === 0 ? this.#archive.knownDataOffset(this.#entry) : undefined;
  }
}

/** PyTorch takes the folder of the first record; where that has no pickle, the first folder that has one. */
function prefixOf(archive: ZipArchive): string {
  const first = archive.entries[0]?.name ?? '';
  const prefix = first.slice(0, first.indexOf('/') + 1);
  if (archive.find(`${prefix}data.pkl`) !== undefined) return prefix;
  const other = archive.entries.find(({ name }) => /^(?:[^/]+\/)?data\.pkl$/.test(name));
  return other === undefined ? prefix : other.name.slice(0, other.name.indexOf('/') + 1);
}

function expectNoProgram(archive: ZipArchive, prefix: string): void {
  const path = archive.name;
  const hint = 'save its state_dict() with torch.save and open that';
  if (archive.find(`${prefix}constants.pkl`) !== undefined) {
    throw new TorchError('torch/torchscript', 'a TorchScript program (torch.jit.save), not a checkpoint', {
      path,
      hint,
    });
  }
  if (archive.find(`${prefix}archive_format`) !== undefined) {
    throw new TorchError('torch/exported-program', 'a program of torch.export (.pt2), not a checkpoint', {
      path,
      hint,
    });
  }
  if (archive.find(`${prefix}.data/extern_modules`) !== undefined) {
    throw new TorchError('torch/package', 'an archive of torch.package, not a checkpoint', { path, hint });
  }
}

async function isBigEndian(archive: ZipArchive, entry: ZipEntry | undefined, options?: ReadOptions): Promise<boolean> {
  if (entry === undefined) return false;
  await using member = archive.openMember(entry);
  const bytes = await member.read(0, Math.min(member.size, LONGEST_BYTE_ORDER), options);
  const order = new TextDecoder().decode(bytes);
  if (order === 'little' || order === 'big') return order === 'big';
  throw new TorchError('torch/bad-byteorder', `the byteorder record says ${JSON.stringify(order)}, not little or big`, {
    path: member.name,
  });
}
