/**
 * A ZIP archive, read by position.
 *
 * Opening reads the end of the file and the directory only. A member's data begin after its local
 * header, whose length the directory does not tell (PyTorch pads it so that data start at multiples of
 * 64), so the first access to a member costs one more small read.
 *
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 * @module
 */
import type { ByteSource, ReadOptions } from '../source/byte-source.js';
import { sliceSource } from '../source/slice.js';
import { crc32 } from './crc32.js';
import { type ZipDirectory, readZipDirectory } from './directory.js';
import { type ZipEntry, labelOf } from './entry.js';
import { inflateSource } from './inflate.js';
import { locateMember, locateMembers } from './local-header.js';
import { FLAGS } from './records.js';
import { ZipError } from './zip-error.js';

/** Compression methods that can be read. */
const METHODS = { stored: 0, deflated: 8 } as const;

/** An open archive. It does not own its source. */
export interface ZipArchive extends ZipDirectory {
  /** What a person calls it. */
  readonly name: string;
  /** The member of that name, or undefined. */
  find(name: string): ZipEntry | undefined;
  /**
   * Where a member's data begin in the file. One small read at the first call for a member; checks its
   * local header against the directory.
   *
   * @throws ZipError `zip/bad-local-header`, `zip/overlap`
   */
  dataOffset(entry: ZipEntry, options?: ReadOptions): Promise<number>;
  /** The same for many members, with one read for all headers that lie within 256 kB. */
  dataOffsets(entries: readonly ZipEntry[], options?: ReadOptions): Promise<number[]>;
  /** Where the data begin, if a call above has found out already. */
  knownDataOffset(entry: ZipEntry): number | undefined;
  /**
   * A member as a source; reads nothing yet. Deflated members are unpacked from the beginning up to
   * what is read, so they are cheap to read in order only.
   *
   * @throws ZipError `zip/encrypted`, `zip/unsupported-method`, `zip/bad-data`; its reads throw what
   *   `dataOffset` throws
   */
  openMember(entry: ZipEntry): ByteSource;
}

/**
 * Opens an archive; at most two reads.
 *
 * @throws ZipError what {@link readZipDirectory} throws, `zip/duplicate-name`, `zip/overlap`
 */
export async function openZip(source: ByteSource, options?: ReadOptions): Promise<ZipArchive> {
  const directory = await readZipDirectory(source, options);
  const [conflict] = directory.conflicts;
  if (conflict !== undefined) throw conflict;
  return archiveOf(source, directory);
}

/** An archive over a directory that has been read, whatever conflicts it has; `find` gives the last of a name. */
export function archiveOf(source: ByteSource, directory: ZipDirectory): ZipArchive {
  const known = new Map<ZipEntry, number>();
  const dataOffset = async (entry: ZipEntry, options?: ReadOptions): Promise<number> => {
    const offset = known.get(entry) ?? (await locateMember(source, entry, options));
    known.set(entry, offset);
    return offset;
  };
  return {
    ...directory,
    name: source.name,
    find: (name) => directory.byName.get(name),
    dataOffset,
    dataOffsets: async (entries, options) => {
      const unknown = entries.filter((entry) => !known.has(entry));
      for (const [entry, offset] of await locateMembers(source, unknown, options)) known.set(entry, offset);
      return Promise.all(entries.map((entry) => dataOffset(entry, options)));
    },
    knownDataOffset: (entry) => known.get(entry),
    openMember: (entry) => {
      const name = `${source.name} : ${entry.name}`;
      expectReadable(entry, source.name);
      const start = (options?: ReadOptions): Promise<number> => dataOffset(entry, options);
      const packed = sliceSource(source, start, entry.compressedSize, name);
      return entry.method === METHODS.stored ? packed : inflateSource(packed, entry.size);
    },
  };
}

function expectReadable(entry: ZipEntry, path: string): void {
  const context = { path, offset: entry.directoryOffset };
  if (entry.flags & (FLAGS.encrypted | FLAGS.stronglyEncrypted | FLAGS.maskedHeader)) {
    throw new ZipError('zip/encrypted', `${labelOf(entry)} is encrypted`, context);
  }
  if (entry.flags & FLAGS.patched || !isReadableMethod(entry.method)) {
    throw new ZipError(
      'zip/unsupported-method',
      `${labelOf(entry)} is compressed by method ${entry.method}; only stored (0) and deflated (8) are read`,
      context,
    );
  }
  if (entry.method === METHODS.stored && entry.size !== entry.compressedSize) {
    throw new ZipError(
      'zip/bad-data',
      `${labelOf(entry)} is stored, but ${entry.size} bytes are announced and ${entry.compressedSize} are there`,
      context,
    );
  }
}

function isReadableMethod(method: number): boolean {
  return method === METHODS.stored || method === METHODS.deflated;
}

/** Bytes read at a time while checksums are computed. */
const CHECK_BLOCK = 1 << 20;

/**
 * CRC-32 of a member's data; reads all of them, one megabyte at a time. A difference to `entry.crc32`
 * means damage, except that PyTorch can be told to leave out checksums.
 */
export async function crcOfMember(archive: ZipArchive, entry: ZipEntry, options?: ReadOptions): Promise<number> {
  await using member = archive.openMember(entry);
  let crc = 0;
  for (let at = 0; at < member.size; at += CHECK_BLOCK) {
    crc = crc32(await member.read(at, Math.min(CHECK_BLOCK, member.size - at), options), crc);
  }
  return crc;
}
