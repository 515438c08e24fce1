/**
 * The header that stands before a member's data.
 *
 * It repeats what the directory says. A reader that walks the file from the front sees only these, so
 * where the two differ, two programs see two archives; such a member is refused.
 *
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (section 4.3.7)
 * @module
 */
import { hexOffset } from '../errors.js';
import type { ByteSource, ReadOptions } from '../source/byte-source.js';
import { type ZipEntry, decodeName, labelOf } from './entry.js';
import { FLAGS, LENGTHS, LOCAL_HEADER, SEE_ZIP64_32, viewOf } from './records.js';
import { ZipError } from './zip-error.js';

/** Headers within this many bytes are read together; small members then cost no read of their own. */
const WINDOW_BYTES = 1 << 18;

/**
 * Where a member's data begin in the file; one read of 30 bytes and the name.
 *
 * @throws ZipError `zip/bad-local-header`, `zip/overlap`
 */
export async function locateMember(source: ByteSource, entry: ZipEntry, options?: ReadOptions): Promise<number> {
  const bytes = await source.read(entry.localHeaderOffset, headerLength(entry), options);
  return parseLocalHeader(bytes, entry, source.name);
}

/**
 * Where the data of many members begin; headers close together are read in one go.
 *
 * @throws ZipError what {@link locateMember} throws
 */
export async function locateMembers(
  source: ByteSource,
  entries: readonly ZipEntry[],
  options?: ReadOptions,
): Promise<Map<ZipEntry, number>> {
  const offsets = new Map<ZipEntry, number>();
  const inOrder = [...entries].sort((a, b) => a.localHeaderOffset - b.localHeaderOffset);
  for (let first = 0; first < inOrder.length;) {
    const { start, end, count } = windowFrom(inOrder, first);
    const bytes = await source.read(start, end - start, options);
    for (const entry of inOrder.slice(first, first + count)) {
      offsets.set(entry, parseLocalHeader(bytes.subarray(entry.localHeaderOffset - start), entry, source.name));
    }
    first += count;
  }
  return offsets;
}

function windowFrom(entries: readonly ZipEntry[], first: number): { start: number; end: number; count: number } {
  const start = entries[first]!.localHeaderOffset;
  let end = start;
  let count = 0;
  for (let index = first; index < entries.length; index += 1) {
    const entry = entries[index]!;
    const reach = entry.localHeaderOffset + headerLength(entry);
    if (count > 0 && reach > start + WINDOW_BYTES) break;
    end = reach;
    count += 1;
  }
  return { start, end, count };
}

function headerLength(entry: ZipEntry): number {
  return LENGTHS.localHeader + entry.nameLength;
}

function parseLocalHeader(bytes: Uint8Array, entry: ZipEntry, path: string): number {
  const view = viewOf(bytes);
  const context = { path, offset: entry.localHeaderOffset };
  if (view.getUint32(0, true) !== LOCAL_HEADER) {
    throw new ZipError('zip/bad-local-header', `the header of ${JSON.stringify(entry.name)} is not here`, context);
  }
  // 0: signature, 4: version needed
  const flags = view.getUint16(6, true); // 6
  const method = view.getUint16(8, true); // 8
  // 10: time, 12: date, 14: CRC-32
  const compressedSize = view.getUint32(18, true); // 18
  const size = view.getUint32(22, true); // 22
  const nameLength = view.getUint16(26, true); // 26: the name follows the fixed part
  const extraLength = view.getUint16(28, true); // 28: the extra fields follow the name
  const difference =
    (nameLength === entry.nameLength && isSameName(bytes, entry) ? undefined : 'another name') ??
    (method === entry.method ? undefined : `method ${method} instead of ${entry.method}`) ??
    ((flags ^ entry.flags) & FLAGS.encrypted ? 'another opinion on encryption' : undefined) ??
    (isSameSize(compressedSize, entry.compressedSize, flags) && isSameSize(size, entry.size, flags)
      ? undefined
      : `${size} bytes instead of ${entry.size}`);
  if (difference !== undefined) {
    throw new ZipError('zip/bad-local-header', `the header of ${labelOf(entry)} has ${difference}`, context);
  }
  const dataOffset = entry.localHeaderOffset + headerLength(entry) + extraLength;
  if (dataOffset + entry.compressedSize <= entry.limit) return dataOffset;
  throw new ZipError(
    'zip/overlap',
    `the data of ${labelOf(entry)} reach to ${hexOffset(dataOffset + entry.compressedSize)}, ` +
      `but what follows begins at ${hexOffset(entry.limit)}`,
    context,
  );
}

/** Sizes may follow the data, or stand in a ZIP64 field; where they stand here, they must agree. */
function isSameSize(local: number, central: number, flags: number): boolean {
  if (local === SEE_ZIP64_32 || local === central) return true;
  return local === 0 && (flags & FLAGS.dataDescriptor) !== 0;
}

/** Compares without decoding where the name is ASCII, as nearly all are. */
function isSameName(bytes: Uint8Array, entry: ZipEntry): boolean {
  for (let at = 0; at < entry.nameLength; at += 1) {
    if (bytes[LENGTHS.localHeader + at] === entry.name.charCodeAt(at)) continue;
    return decodeName(bytes.subarray(LENGTHS.localHeader, headerLength(entry))) === entry.name;
  }
  return true;
}
