/**
 * The fixed parts of ZIP's records, field by field.
 *
 * All numbers are little-endian. A 32-bit field that holds 0xffffffff (16-bit: 0xffff) refers to its
 * ZIP64 counterpart; PyTorch writes the ZIP64 end record always, though the classic one already
 * holds the true values.
 *
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (section 4.3)
 * @module
 */
import type { ErrorContext } from '../errors.js';
import { ZipError } from './zip-error.js';

/** `PK\x03\x04`: a member's local header. */
export const LOCAL_HEADER = 0x04034b50;
/** `PK\x07\x08`: CRC and sizes after a member's data, where its header does not hold them. */
export const DATA_DESCRIPTOR = 0x08074b50;
/** `PK\x01\x02`: a member's header in the central directory. */
export const CENTRAL_HEADER = 0x02014b50;
/** `PK\x06\x06`: the ZIP64 end record. */
export const ZIP64_END_RECORD = 0x06064b50;
/** `PK\x06\x07`: the locator that says where the ZIP64 end record is. */
export const ZIP64_LOCATOR = 0x07064b50;
/** `PK\x05\x06`: the end record. */
export const END_RECORD = 0x06054b50;

/** Bytes of each record without its variable part. */
export const LENGTHS = {
  localHeader: 30,
  centralHeader: 46,
  endRecord: 22,
  zip64Locator: 20,
  zip64EndRecord: 56,
  dataDescriptor: 16,
  zip64DataDescriptor: 24,
} as const;

/** A 16-bit field that stands for "see ZIP64". */
export const SEE_ZIP64_16 = 0xffff;
/** A 32-bit field that stands for "see ZIP64". */
export const SEE_ZIP64_32 = 0xffffffff;

/** Identifier of the extra field that holds 64-bit sizes and offsets. */
export const ZIP64_EXTRA = 0x0001;

/** Bits of a member's flags. */
export const FLAGS = {
  /** The data are encrypted. */
  encrypted: 1 << 0,
  /** CRC and sizes follow the data instead of standing in the local header. */
  dataDescriptor: 1 << 3,
  /** The data are a patch to another file. */
  patched: 1 << 5,
  /** The data are encrypted strongly. */
  stronglyEncrypted: 1 << 6,
  /** The name is UTF-8. */
  utf8: 1 << 11,
  /** Fields of the local header are masked because the directory is encrypted. */
  maskedHeader: 1 << 13,
} as const;

/** What an end record says, classic or ZIP64 alike. */
export interface EndRecord {
  /** Number of this volume. */
  readonly disk: number;
  /** Volume on which the directory begins. */
  readonly directoryDisk: number;
  /** Entries of the directory on this volume. */
  readonly entriesOnDisk: number;
  /** Entries of the directory. */
  readonly entries: number;
  /** Bytes of the directory. */
  readonly directorySize: number;
  /** Where the directory begins, counted from the beginning of the archive. */
  readonly directoryOffset: number;
}

/** The classic end record at `at`; reads 22 bytes, of which the last two tell the comment's length. */
export function parseEndRecord(view: DataView, at: number): EndRecord & { readonly commentLength: number } {
  return {
    // 0: signature
    disk: view.getUint16(at + 4, true), // 4
    directoryDisk: view.getUint16(at + 6, true), // 6
    entriesOnDisk: view.getUint16(at + 8, true), // 8
    entries: view.getUint16(at + 10, true), // 10
    directorySize: view.getUint32(at + 12, true), // 12
    directoryOffset: view.getUint32(at + 16, true), // 16
    commentLength: view.getUint16(at + 20, true), // 20: the comment follows
  };
}

/**
 * The ZIP64 end record at `at`; reads 56 bytes.
 *
 * @throws ZipError `zip/too-large` for numbers beyond 2^53
 */
export function parseZip64EndRecord(
  view: DataView,
  at: number,
  context: ErrorContext,
): EndRecord & { readonly recordLength: number } {
  const u64 = (offset: number): number => parseUint64(view, at + offset, context);
  return {
    // 0: signature
    recordLength: u64(4) + 12, // 4: bytes after this field
    // 12: version made by (2), 14: version needed (2)
    disk: view.getUint32(at + 16, true), // 16
    directoryDisk: view.getUint32(at + 20, true), // 20
    entriesOnDisk: u64(24), // 24
    entries: u64(32), // 32
    directorySize: u64(40), // 40
    directoryOffset: u64(48), // 48
  };
}

/**
 * A 64-bit number that fits JavaScript's integers.
 *
 * @throws ZipError `zip/too-large` beyond 2^53 - 1
 */
export function parseUint64(view: DataView, at: number, context: ErrorContext): number {
  const high = view.getUint32(at + 4, true);
  const low = view.getUint32(at, true);
  if (high <= 0x1fffff) return high * 0x1_0000_0000 + low;
  const value = view.getBigUint64(at, true);
  throw new ZipError('zip/too-large', `a size or offset of ${value} is beyond any file`, context);
}

/** Writes a number below 2^53 as 64 bits. */
export function setUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 0x1_0000_0000, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

/** A view of exactly these bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
