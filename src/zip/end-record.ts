/**
 * Finding the end of an archive, from which everything else is found.
 *
 * An archive is read from behind: the end record says where the directory is. It may be followed by a
 * comment of up to 65,535 bytes, so it is searched for, and what looks like it may be part of that
 * comment or of an inner archive; hence the checks here. PyTorch's reader and Python's take the last
 * signature they meet, so does this one unless an earlier record fits the end of the file better.
 *
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (sections 4.3.14 to 4.3.16)
 * @module
 */
import { hexOffset } from '../errors.js';
import type { ByteSource, ReadOptions } from '../source/byte-source.js';
import { diagnoseMissingEnd } from './missing-end.js';
import {
  CENTRAL_HEADER,
  END_RECORD,
  type EndRecord,
  LENGTHS,
  LOCAL_HEADER,
  SEE_ZIP64_16,
  SEE_ZIP64_32,
  ZIP64_END_RECORD,
  ZIP64_LOCATOR,
  parseEndRecord,
  parseUint64,
  parseZip64EndRecord,
  viewOf,
} from './records.js';
import { ZipError } from './zip-error.js';

/** Longest comment that the 16-bit length allows. */
const LONGEST_COMMENT = 0xffff;

/** What is read from the end in one go: the longest comment and all three end records. */
const TAIL_BYTES = LONGEST_COMMENT + LENGTHS.endRecord + LENGTHS.zip64Locator + LENGTHS.zip64EndRecord;

/** Where an archive and its directory lie in the file. */
export interface ArchiveEnd {
  /** Bytes before the archive to which its offsets do not count; 0 for anything PyTorch wrote. */
  readonly archiveStart: number;
  /** Where the directory begins, counted from the beginning of the file. */
  readonly directoryOffset: number;
  /** Bytes of the directory. */
  readonly directorySize: number;
  /** Entries that the directory should have. */
  readonly entryCount: number;
  /** Where the classic end record begins. */
  readonly endRecordOffset: number;
  /** Whether a ZIP64 end record is there. */
  readonly zip64: boolean;
  /** Bytes of the archive's comment. */
  readonly commentLength: number;
  /** Bytes after the comment, which belong to no archive. */
  readonly trailingLength: number;
}

/** The last bytes of a file, kept because the directory often lies in them. */
export interface Tail {
  /** The bytes. */
  readonly bytes: Uint8Array;
  /** Where they begin in the file. */
  readonly offset: number;
}

/**
 * Finds the end records of an archive; one read of at most 65,633 bytes, and one of four bytes where
 * something stands before the archive.
 *
 * @throws ZipError `zip/not-a-zip`, `zip/no-end-record`, `zip/bad-end-record`, `zip/multi-disk`, `zip/too-large`
 */
export async function findArchiveEnd(
  source: ByteSource,
  options?: ReadOptions,
): Promise<{ end: ArchiveEnd; tail: Tail }> {
  const offset = Math.max(0, source.size - TAIL_BYTES);
  const tail = { bytes: await source.read(offset, source.size - offset, options), offset };
  const at = findSignature(tail.bytes);
  if (at === undefined) throw await diagnoseMissingEnd(source, options);
  const end = parseArchiveEnd(source.name, tail, at);
  if (end.archiveStart > 0) await expectNothingBefore(source, end, options);
  return { end, tail };
}

/** Position of the record whose comment ends with the file, else of the last signature. */
function findSignature(bytes: Uint8Array): number | undefined {
  const view = viewOf(bytes);
  let last: number | undefined;
  for (let at = bytes.byteLength - LENGTHS.endRecord; at >= 0; at -= 1) {
    if (bytes[at] !== 0x50 || view.getUint32(at, true) !== END_RECORD) continue;
    if (at + LENGTHS.endRecord + view.getUint16(at + 20, true) === bytes.byteLength) return at;
    last ??= at;
  }
  return last;
}

function parseArchiveEnd(path: string, tail: Tail, at: number): ArchiveEnd {
  const endRecordOffset = tail.offset + at;
  const view = viewOf(tail.bytes);
  const classic = parseEndRecord(view, at);
  const zip64 = parseZip64(path, tail, at);
  const record = zip64 === undefined ? classic : expectAgreement(classic, zip64.record, path, endRecordOffset);
  expectOneDisk(record, path, endRecordOffset);
  const directoryEnd = zip64?.offset ?? endRecordOffset;
  const archiveStart = directoryEnd - record.directorySize - record.directoryOffset;
  if (archiveStart < 0) {
    throw new ZipError(
      'zip/bad-end-record',
      `the end record announces a directory of ${record.directorySize} bytes at ${hexOffset(record.directoryOffset)}, ` +
        `but the records at the end begin at ${hexOffset(directoryEnd)}`,
      { path, offset: endRecordOffset },
    );
  }
  return {
    archiveStart,
    directoryOffset: archiveStart + record.directoryOffset,
    directorySize: record.directorySize,
    entryCount: record.entries,
    endRecordOffset,
    zip64: zip64 !== undefined,
    ...commentOf(classic.commentLength, tail.bytes.byteLength - at - LENGTHS.endRecord, path, endRecordOffset),
  };
}

function commentOf(
  commentLength: number,
  rest: number,
  path: string,
  offset: number,
): { commentLength: number; trailingLength: number } {
  if (commentLength <= rest) return { commentLength, trailingLength: rest - commentLength };
  throw new ZipError(
    'zip/no-end-record',
    `cut off: the archive's comment should have ${commentLength} bytes, but ${rest} are left`,
    { path, offset },
  );
}

/** The ZIP64 end record, where the 20 bytes before the classic one are its locator. */
function parseZip64(path: string, tail: Tail, end: number): { record: EndRecord; offset: number } | undefined {
  const view = viewOf(tail.bytes);
  const locator = end - LENGTHS.zip64Locator;
  if (locator < 0 || view.getUint32(locator, true) !== ZIP64_LOCATOR) return undefined;
  const context = { path, offset: tail.offset + locator };
  const announced = parseUint64(view, locator + 8, context); // 8: where the record is
  // Bytes before the archive shift the record, but not what the locator says.
  const places = [announced - tail.offset, locator - LENGTHS.zip64EndRecord];
  const at = places.find(
    (place) =>
      place >= 0 && place + LENGTHS.zip64EndRecord <= locator && view.getUint32(place, true) === ZIP64_END_RECORD,
  );
  if (at === undefined) {
    throw new ZipError(
      'zip/bad-end-record',
      `the ZIP64 locator announces an end record at ${hexOffset(announced)}, but none is there`,
      context,
    );
  }
  const record = parseZip64EndRecord(view, at, { path, offset: tail.offset + at });
  if (at + record.recordLength !== locator) {
    throw new ZipError(
      'zip/bad-end-record',
      `the ZIP64 end record has ${record.recordLength} bytes, but its locator follows after ${locator - at}`,
      { path, offset: tail.offset + at },
    );
  }
  return { record, offset: tail.offset + at };
}

/** Two records that disagree make two programs see two different archives. */
function expectAgreement(classic: EndRecord, zip64: EndRecord, path: string, offset: number): EndRecord {
  const seeZip64 = {
    disk: SEE_ZIP64_16,
    directoryDisk: SEE_ZIP64_16,
    entriesOnDisk: SEE_ZIP64_16,
    entries: SEE_ZIP64_16,
    directorySize: SEE_ZIP64_32,
    directoryOffset: SEE_ZIP64_32,
  };
  for (const field of Object.keys(seeZip64) as (keyof EndRecord)[]) {
    const [short, long] = [classic[field], zip64[field]];
    if (short === seeZip64[field] || short === long) continue;
    throw new ZipError('zip/bad-end-record', `the end record says ${short} where the ZIP64 one says ${long}`, {
      path,
      offset,
    });
  }
  return zip64;
}

function expectOneDisk(record: EndRecord, path: string, offset: number): void {
  if (record.disk === 0 && record.directoryDisk === 0 && record.entriesOnDisk === record.entries) return;
  throw new ZipError('zip/multi-disk', 'the archive is one volume of several; only single files are read', {
    path,
    offset,
  });
}

/**
 * An end record whose archive begins later than the file is believed only if nothing else claims the
 * file: no member at the very beginning, and no directory at the place counted from there.
 */
async function expectNothingBefore(source: ByteSource, end: ArchiveEnd, options?: ReadOptions): Promise<void> {
  const start = viewOf(await source.read(0, 4, options)).getUint32(0, true);
  if (start === LOCAL_HEADER) throw await diagnoseMissingEnd(source, options);
  const other = end.directoryOffset - end.archiveStart;
  const there = viewOf(await source.read(other, 4, options)).getUint32(0, true);
  if (there !== CENTRAL_HEADER) return;
  throw new ZipError(
    'zip/bad-end-record',
    `the directory may begin at ${hexOffset(other)} or at ${hexOffset(end.directoryOffset)}; programs will differ`,
    { path: source.name, offset: end.endRecordOffset },
  );
}
