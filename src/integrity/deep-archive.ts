/**
 * A file of PyTorch's, member by member.
 *
 * It is read once: a member's checksum and the numbers of the tensors in it come from the same blocks. What is wrong
 * with one member, or with the pickle, does not keep the others from being looked at.
 *
 * @module
 */
import { blockLayout } from '../dtype.js';
import { CheckpointError } from '../errors.js';
import { tensorByteLength } from '../formats/tensor.js';
import { elementsInStorageOrder } from '../formats/torch/storage-order.js';
import { type TorchFile, openTorchFile } from '../formats/torch/torch-file.js';
import type { TorchTensor } from '../formats/torch/torch-tensor.js';
import { type ByteSource, SourceError } from '../source/byte-source.js';
import { type ZipArchive, openZip } from '../zip/archive.js';
import type { ZipEntry } from '../zip/entry.js';
import { costOf, countElements, skippedOthers } from './deep-elements.js';
import { type Listener, type MemberOptions, checkMember } from './deep-members.js';
import type { DamagedMember, FileFindings, MembersReport } from './deep-report.js';
import { type Tallied, Tallies } from './deep-tallies.js';

/**
 * Looks at every member of an archive and at every tensor in it.
 *
 * @param source - the file; the caller closes it
 * @param options - how
 * @throws ZipError when it is no archive that can be read; SourceError when reading fails; the signal's reason
 */
export async function checkArchive(source: ByteSource, options: MemberOptions): Promise<FileFindings> {
  const opened = await openTorchFile(source, { signal: options.signal }).catch(asFinding);
  const file = opened instanceof CheckpointError ? undefined : opened;
  const archive = file?.archive ?? (await openZip(source, options));
  // which header cannot be read shows when its member is
  await archive.dataOffsets(archive.entries, options).catch(asFinding);
  const contents = file && new ArchiveTensors(file, archive);
  const members = await checkMembers(source, archive, contents, options);
  await contents?.countRest(options);
  const error = opened instanceof CheckpointError ? opened : undefined;
  return { members, ...(contents?.report() ?? { tensors: [], skipped: [] }), error };
}

/** An error about the file's content; whatever else was thrown is thrown again. */
function asFinding(cause: unknown): CheckpointError {
  if (cause instanceof CheckpointError && !(cause instanceof SourceError)) return cause;
  throw cause;
}

async function checkMembers(
  source: ByteSource,
  archive: ZipArchive,
  contents: ArchiveTensors | undefined,
  options: MemberOptions,
): Promise<MembersReport> {
  const damaged: DamagedMember[] = [];
  let withoutChecksum = 0;
  // in the order of the file, so that a disk reads on
  const entries = [...archive.entries].sort((a, b) => a.localHeaderOffset - b.localHeaderOffset);
  for (const entry of entries) {
    const heard = contents?.listenersIn(entry) ?? [];
    const outcome = await checkMember(source, archive, entry, heard, options);
    const isRead = typeof outcome === 'string' || outcome.fault === 'checksum';
    if (isRead) for (const { tallied } of heard) tallied.state = 'done';
    if (outcome === 'unproven') withoutChecksum++;
    else if (outcome !== 'sound') damaged.push({ ...outcome, tensors: contents?.namesIn(entry) ?? [] });
  }
  return { count: entries.length, withoutChecksum, damaged };
}

/** Listens for the numbers of one count. */
interface Hearing extends Listener {
  readonly tallied: Tallied<TorchTensor>;
}

/** The tensors of an archive, by the members that hold their storages. */
class ArchiveTensors {
  readonly #file: TorchFile;
  readonly #archive: ZipArchive;
  readonly #tallies: Tallies<TorchTensor>;
  readonly #names: ReadonlyMap<string, string[]>;
  readonly #unread: ReadonlyMap<string, Tallied<TorchTensor>[]>;

  constructor(file: TorchFile, archive: ZipArchive) {
    this.#file = file;
    this.#archive = archive;
    const bytes = archive.entries.reduce((sum, { size }) => sum + size, 0);
    this.#tallies = new Tallies(file.tensors, bytes, (tensor) => costOf(elementsInStorageOrder(tensor)));
    this.#names = grouped(file.tensors, ({ storedIn }) => storedIn.record.name, ({ name }) => name); // prettier-ignore
    this.#unread = grouped(
      this.#tallies.unread(),
      ({ tensor }) => tensor.storedIn.record.name,
      (tallied) => tallied,
    );
  }

  /** Names of the tensors whose storage a member holds. */
  namesIn({ name }: ZipEntry): readonly string[] {
    return this.#names.get(name) ?? [];
  }

  /** Those who count the tensors that lie in a member as they are. */
  listenersIn(entry: ZipEntry): Hearing[] {
    const dataOffset = this.#archive.knownDataOffset(entry);
    return (this.#unread.get(entry.name) ?? []).flatMap((tallied) => {
      const { tensor, tally } = tallied;
      const start = (tensor.fileOffset ?? NaN) - (dataOffset ?? NaN);
      const isWhole = start % blockLayout(tensor.dtype).blockBytes === 0; // not so for NaN
      const end = start + tensorByteLength(tensor);
      return isWhole ? [{ tallied, start, end, take: (bytes) => tally.update(bytes) }] : [];
    });
  }

  /** Counts the tensors that nobody listened for: those with other strides, big-endian ones, those in packed members. */
  async countRest(options: MemberOptions): Promise<void> {
    for (const tallied of this.#tallies.unread()) {
      const failure = await countElements(elementsInStorageOrder(tallied.tensor), tallied.tally, options).catch(
        asFinding,
      );
      if (failure === undefined) tallied.state = 'done';
    }
  }

  report(): Pick<FileFindings, 'tensors' | 'skipped'> {
    const { tensors, skipped } = this.#tallies.report();
    return { tensors, skipped: [...skipped, ...skippedOthers(this.#file)] };
  }
}

function grouped<T, V>(items: readonly T[], keyOf: (item: T) => string, valueOf: (item: T) => V): Map<string, V[]> {
  const groups = new Map<string, V[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [valueOf(item)]);
    else group.push(valueOf(item));
  }
  return groups;
}
