/**
 * Where in a file a ZIP archive begins and ends, by its own account.
 *
 * A checklist holds no sizes, but an archive does: its end record says how far from the archive's start it
 * stands. So a cut-off, doubled or over-long download can be told from a damaged one without knowing anything
 * else. PyTorch writes a ZIP64 record even into tiny archives, so the plain fields are the second choice.
 *
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (4.3.14 to 4.3.16)
 * @module
 */
import type { OperationOptions } from '../options.js';
import type { ByteSource, ReadOptions } from '../source/byte-source.js';

/** Byte offsets of an archive in its file; `start` is negative when bytes of the archive are missing. */
export interface ArchiveExtent {
  /** Offset of its first byte. */
  readonly start: number;
  /** Offset behind its last byte. */
  readonly end: number;
}

/** Size of the end record without its comment. */
const END_BYTES = 22;
/** Longest comment: its length is a u16. */
const LONGEST_COMMENT = 0xffff;
/** ZIP64 end record (56 bytes) and its locator (20 bytes), which stand before the end record. */
const ZIP64_BYTES = 76;
/** Farthest from the end of a file at which the records of an archive that ends there can begin. */
export const TAIL_BYTES = END_BYTES + LONGEST_COMMENT + ZIP64_BYTES;

/**
 * Extent of the archive that ends where the file ends, from the file's last {@link TAIL_BYTES} bytes; undefined
 * when no end record stands there.
 *
 * @param tail - last bytes of the file
 * @param size - size of the file
 */
export function parseTailExtent(tail: Uint8Array, size: number): ArchiveExtent | undefined {
  const base = size - tail.byteLength;
  for (let at = tail.byteLength - END_BYTES; at >= 0; at--) {
    const extent = parseExtent(tail, at, base);
    if (extent?.end === size) return extent;
  }
  return undefined;
}

/** Bytes read at a time by {@link findEarlierEnd}. */
const SEARCH_BYTES = 1 << 20;
/** Bytes before and behind a signature that are needed to judge it. */
const OVERLAP = ZIP64_BYTES + END_BYTES;

/**
 * Offset at which an archive that begins with the file ends before the file does; undefined when there is none.
 * Reads the file once in blocks of 1 MiB, up to that end, so it is only for files known to be bad.
 *
 * @throws SourceError `source/short-read`, `source/read-failed`
 */
export async function findEarlierEnd(
  source: ByteSource,
  { signal, onProgress }: OperationOptions = {},
): Promise<number | undefined> {
  const { name: item, size: total } = source;
  const buffer = new Uint8Array(Math.min(SEARCH_BYTES, total));
  for (let base = 0; base + END_BYTES <= total; base += SEARCH_BYTES - OVERLAP) {
    const block = buffer.subarray(0, Math.min(SEARCH_BYTES, total - base));
    await source.readInto(base, block, { signal });
    for (let at = block.indexOf(P); at >= 0; at = block.indexOf(P, at + 1)) {
      const extent = parseExtent(block, at, base);
      if (extent?.start === 0 && extent.end < total) return extent.end;
    }
    onProgress?.({ phase: 'search', item, done: base + block.byteLength, total });
  }
  return undefined;
}

/** The last bytes of a file that {@link parseTailExtent} needs; one read. */
export function readTail(source: ByteSource, options?: ReadOptions): Promise<Uint8Array> {
  const length = Math.min(source.size, TAIL_BYTES);
  return source.read(source.size - length, length, options);
}

const P = 0x50;
/** Signatures, little-endian: `PK` and two bytes. */
const END = 0x06054b50;
const ZIP64_END = 0x06064b50;
const ZIP64_LOCATOR = 0x07064b50;
/** A plain field of this value means that only ZIP64 fields hold the true one. */
const SATURATED = 0xffffffff;

/** The archive whose end record stands at `at` of the bytes, which begin at `base` in their file. */
function parseExtent(bytes: Uint8Array, at: number, base: number): ArchiveExtent | undefined {
  if (bytes[at] !== P || at + END_BYTES > bytes.byteLength) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(at, true) !== END) return undefined;
  const end = base + at + END_BYTES + view.getUint16(at + 20, true);
  const zip64 = at - ZIP64_BYTES;
  if (zip64 >= 0 && view.getUint32(zip64, true) === ZIP64_END && view.getUint32(at - 20, true) === ZIP64_LOCATOR) {
    const offset = view.getBigUint64(at - 12, true);
    return offset > Number.MAX_SAFE_INTEGER ? undefined : { start: base + zip64 - Number(offset), end };
  }
  const directoryBytes = view.getUint32(at + 12, true);
  const directoryOffset = view.getUint32(at + 16, true);
  if (directoryBytes === SATURATED || directoryOffset === SATURATED) return undefined;
  return { start: base + at - directoryBytes - directoryOffset, end };
}
