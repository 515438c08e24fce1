/**
 * A member of an archive.
 *
 * Its name is bytes of no certain encoding: PyTorch sets the flag that means UTF-8 whatever the bytes
 * are, Python's zipfile only where it must. Names are decoded by what they are instead.
 *
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (section 4.4 and appendix D)
 * @module
 */
import { hexOffset } from '../errors.js';

/** One member of an archive, as the directory describes it. */
export interface ZipEntry {
  /** Its name. Bytes that are no UTF-8 stand as one character each. */
  readonly name: string;
  /** Compression method: 0 stored, 8 deflated. */
  readonly method: number;
  /** Flag bits. */
  readonly flags: number;
  /** CRC-32 of the data, unless its writer left it out. */
  readonly crc32: number;
  /** Bytes of the data as they lie in the archive. */
  readonly compressedSize: number;
  /** Bytes of the data. */
  readonly size: number;
  /** Where its local header begins, counted from the beginning of the file. */
  readonly localHeaderOffset: number;
  /** Where its header in the directory begins, counted from the beginning of the file. */
  readonly directoryOffset: number;
  /** Bytes of its name. */
  readonly nameLength: number;
  /** Where the next member, or else the directory, begins: header and data end before it. */
  readonly limit: number;
}

/** Entries while they are built. */
export type MutableEntry = { -readonly [Key in keyof ZipEntry]: ZipEntry[Key] };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A member's name: UTF-8, or one character per byte where it is not. */
export function decodeName(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return oneCharacterPerByte(bytes);
  }
}

const singleByte = new TextDecoder('windows-1252');

function oneCharacterPerByte(bytes: Uint8Array): string {
  return singleByte.decode(bytes);
}

/** `"archive/data.pkl" at 0x40`, for messages that name a member. */
export function labelOf(entry: ZipEntry): string {
  return `${JSON.stringify(entry.name)} at ${hexOffset(entry.localHeaderOffset)}`;
}
