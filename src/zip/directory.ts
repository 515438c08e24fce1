/**
 * The central directory: the list of members that counts.
 *
 * Names are gathered, decoded in one go and cut out of one long string, which makes a directory of
 * 65,606 entries a matter of tens of milliseconds. The checks here find archives that two programs would
 * read differently: names that occur twice, and members that overlap.
 *
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (section 4.3.12)
 * @module
 */
import type { ByteSource, ReadOptions } from '../source/byte-source.js';
import { type ArchiveEnd, type Tail, findArchiveEnd } from './end-record.js';
import { findDuplicates, findOverlaps } from './conflicts.js';
import { type MutableEntry, type ZipEntry, decodeName } from './entry.js';
import { CENTRAL_HEADER, LENGTHS, SEE_ZIP64_16, SEE_ZIP64_32, ZIP64_EXTRA, parseUint64, viewOf } from './records.js';
import { ZipError } from './zip-error.js';

/** Largest directory that is read: room for a million members with names of 80 bytes. */
const LARGEST_DIRECTORY = 128 << 20;

/** What the end of an archive tells about it. */
export interface ZipDirectory extends ArchiveEnd {
  /** The members, in the directory's order. */
  readonly entries: readonly ZipEntry[];
  /** The members by name; of two with the same name, the last. */
  readonly byName: ReadonlyMap<string, ZipEntry>;
  /** Names that occur twice and members that overlap: reasons not to trust the archive; at most 64 of each. */
  readonly conflicts: readonly ZipError[];
}

/**
 * Reads the list of members; at most two reads: the end of the file, and the directory where it does
 * not lie within the last 65 kB.
 *
 * @throws ZipError what {@link findArchiveEnd} throws, `zip/bad-directory`, `zip/too-large`
 */
export async function readZipDirectory(source: ByteSource, options?: ReadOptions): Promise<ZipDirectory> {
  const { end, tail } = await findArchiveEnd(source, options);
  if (end.directorySize > LARGEST_DIRECTORY) {
    throw new ZipError('zip/too-large', `a directory of ${end.directorySize} bytes is not read`, {
      path: source.name,
      offset: end.directoryOffset,
    });
  }
  const bytes = await readDirectoryBytes(source, end, tail, options);
  const entries = parseEntries(bytes, end, source.name);
  const byName = new Map<string, ZipEntry>();
  for (const entry of entries) byName.set(entry.name, entry);
  // most archives have names in lower case, each once, and need no closer look
  const isPlain = byName.size === entries.length && entries.every(({ name }) => name === name.toLowerCase());
  const conflicts = [
    ...(isPlain ? [] : findDuplicates(entries, source.name)),
    ...findOverlaps(entries, end.directoryOffset, source.name),
  ];
  return { ...end, entries, byName, conflicts };
}

async function readDirectoryBytes(
  source: ByteSource,
  end: ArchiveEnd,
  tail: Tail,
  options?: ReadOptions,
): Promise<Uint8Array> {
  const start = end.directoryOffset - tail.offset;
  if (start >= 0) return tail.bytes.subarray(start, start + end.directorySize);
  return source.read(end.directoryOffset, end.directorySize, options);
}

function parseEntries(bytes: Uint8Array, end: ArchiveEnd, path: string): MutableEntry[] {
  if (end.entryCount * LENGTHS.centralHeader > bytes.byteLength) {
    throw new ZipError(
      'zip/bad-directory',
      `${end.entryCount} members do not fit a directory of ${bytes.byteLength} bytes`,
      { path, offset: end.directoryOffset },
    );
  }
  const names = new Uint8Array(bytes.byteLength - end.entryCount * LENGTHS.centralHeader);
  const parser: Parser = { path, bytes, view: viewOf(bytes), end, names, namesLength: 0 };
  const entries: MutableEntry[] = [];
  let at = 0;
  for (let index = 0; index < end.entryCount; index += 1) at = parseEntry(parser, at, entries);
  nameEntries(parser, entries);
  if (at === bytes.byteLength) return entries;
  throw new ZipError(
    'zip/bad-directory',
    `the directory ends after ${end.entryCount} members, but ${bytes.byteLength - at} bytes of it are left`,
    { path, offset: end.directoryOffset + at },
  );
}

/** The directory at hand. */
interface Parser {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly end: ArchiveEnd;
  /** Names in ASCII, nearly all, one behind the other: decoding each by itself would take longer than all the rest. */
  readonly names: Uint8Array;
  /** Bytes of them so far. */
  namesLength: number;
}

/** Parses the header at `at`, appends the entry, and gives the position after it. */
function parseEntry(parser: Parser, at: number, entries: MutableEntry[]): number {
  const { view, end } = parser;
  const offset = end.directoryOffset + at;
  if (at + LENGTHS.centralHeader > view.byteLength || view.getUint32(at, true) !== CENTRAL_HEADER) {
    throw new ZipError('zip/bad-directory', `no header of a member ${at === 0 ? 'begins' : 'follows'} here`, {
      path: parser.path,
      offset,
    });
  }
  const nameLength = view.getUint16(at + 28, true); // 28: the name follows the fixed part
  const extraLength = view.getUint16(at + 30, true); // 30: the extra fields follow the name
  const commentLength = view.getUint16(at + 32, true); // 32: the comment follows the extra fields
  const extra = at + LENGTHS.centralHeader + nameLength;
  const next = extra + extraLength + commentLength;
  if (next > view.byteLength) {
    throw new ZipError('zip/bad-directory', 'the header of a member reaches past the end of the directory', {
      path: parser.path,
      offset,
    });
  }
  const entry: MutableEntry = {
    // 0: signature, 4: version made by, 6: version needed
    flags: view.getUint16(at + 8, true), // 8
    method: view.getUint16(at + 10, true), // 10
    // 12: time, 14: date
    crc32: view.getUint32(at + 16, true), // 16
    compressedSize: view.getUint32(at + 20, true), // 20
    size: view.getUint32(at + 24, true), // 24
    // 34: disk, 36: internal attributes, 38: external attributes
    localHeaderOffset: view.getUint32(at + 42, true), // 42
    name: gatherName(parser, at + LENGTHS.centralHeader, nameLength),
    nameLength,
    directoryOffset: offset,
    limit: end.directoryOffset,
  };
  expectFirstDisk(view.getUint16(at + 34, true), parser.path, offset);
  applyZip64(parser, entry, extra, extra + extraLength);
  entry.localHeaderOffset += end.archiveStart;
  entries.push(entry);
  return next;
}

function expectFirstDisk(disk: number, path: string, offset: number): void {
  if (disk === 0 || disk === SEE_ZIP64_16) return;
  throw new ZipError('zip/multi-disk', `a member lies on volume ${disk} of the archive`, { path, offset });
}

/** Replaces the fields that refer to ZIP64; only those are there, in this order. */
function applyZip64(parser: Parser, entry: MutableEntry, start: number, end: number): void {
  if (Math.max(entry.size, entry.compressedSize, entry.localHeaderOffset) < SEE_ZIP64_32) return;
  const fields = (['size', 'compressedSize', 'localHeaderOffset'] as const).filter(
    (field) => entry[field] === SEE_ZIP64_32,
  );
  const { path, view } = parser;
  const context = { path, offset: entry.directoryOffset };
  const extra = findExtra(view, start, end, ZIP64_EXTRA);
  if (extra === undefined || extra.length < 8 * fields.length) {
    const name = decodeName(parser.bytes.subarray(start - entry.nameLength, start));
    throw new ZipError('zip/bad-directory', `${JSON.stringify(name)} lacks its 64-bit sizes`, context);
  }
  fields.forEach((field, index) => {
    entry[field] = parseUint64(view, extra.start + 8 * index, context);
  });
}

/** The data of the extra field `id` between two positions; stops at the first field that does not fit. */
function findExtra(
  view: DataView,
  start: number,
  end: number,
  id: number,
): { start: number; length: number } | undefined {
  for (let at = start; at + 4 <= end;) {
    const length = view.getUint16(at + 2, true); // 2: length, after the identifier
    if (at + 4 + length > end) return undefined;
    if (view.getUint16(at, true) === id) return { start: at + 4, length };
    at += 4 + length;
  }
  return undefined;
}

/** Puts a name in ASCII with the others, to be decoded later, and gives nothing; any other name it decodes. */
function gatherName(parser: Parser, start: number, length: number): string {
  const { bytes, names, namesLength } = parser;
  for (let index = 0; index < length; index += 1) {
    const byte = bytes[start + index]!;
    if (byte >= 0x80) return decodeName(bytes.subarray(start, start + length));
    names[namesLength + index] = byte;
  }
  parser.namesLength = namesLength + length;
  return '';
}

/** Gives those entries their names that have none yet. */
function nameEntries({ names, namesLength }: Parser, entries: readonly MutableEntry[]): void {
  const text = new TextDecoder().decode(names.subarray(0, namesLength));
  let at = 0;
  for (const entry of entries) {
    if (entry.name !== '') continue;
    entry.name = text.slice(at, at + entry.nameLength);
    at += entry.nameLength;
  }
}
