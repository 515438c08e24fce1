/**
 * Bytes of an archive that no member accounts for, and descriptors that contradict the directory.
 *
 * A program that reads an archive from the front takes whatever has a local header, and believes the sizes that
 * follow a member's data; a program that reads it from behind sees only the directory. Between two members there may
 * be nothing but such a descriptor.
 *
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (section 4.3.9)
 * @module
 */
import { hexOffset } from '../errors.js';
import type { ByteSource, ReadOptions } from '../source/byte-source.js';
import type { ZipArchive } from './archive.js';
import { type ZipEntry, labelOf } from './entry.js';
import { DATA_DESCRIPTOR, FLAGS, LENGTHS, LOCAL_HEADER, viewOf } from './records.js';
import { ZipError } from './zip-error.js';

/** Lengths of descriptors: with and without signature, with sizes of 32 and of 64 bits. */
const DESCRIPTOR_LENGTHS: readonly number[] = [12, 16, 20, 24];

/**
 * What is wrong with the bytes between a member's data and what follows it, or undefined; at most one small read.
 *
 * @param source - the file
 * @param archive - the archive
 * @param entry - a member whose header has been read, so that its `dataOffset` is known
 * @param options - for cancelling
 */
export async function faultBehind(
  source: ByteSource,
  archive: ZipArchive,
  entry: ZipEntry,
  options?: ReadOptions,
): Promise<ZipError | undefined> {
  const end = (await archive.dataOffset(entry, options)) + entry.compressedSize;
  const gap = entry.limit - end;
  if (gap === 0) return undefined;
  const context = { path: source.name, offset: end };
  const bytes = await source.read(end, Math.min(gap, LENGTHS.zip64DataDescriptor), options);
  const hasDescriptor = (entry.flags & FLAGS.dataDescriptor) !== 0;
  if (!hasDescriptor || !DESCRIPTOR_LENGTHS.includes(gap)) {
    const hidden = gap >= 4 && viewOf(bytes).getUint32(0, true) === LOCAL_HEADER;
    const what = hidden ? 'a member that the directory does not list' : `${gap} bytes that belong to no member`;
    return new ZipError('zip/unlisted-bytes', `behind ${labelOf(entry)} lie ${what}`, context);
  }
  return descriptorFault(bytes, entry, context);
}

function descriptorFault(
  bytes: Uint8Array,
  entry: ZipEntry,
  context: { readonly path: string; readonly offset: number },
): ZipError | undefined {
  const view = viewOf(bytes);
  const signed = view.getUint32(0, true) === DATA_DESCRIPTOR ? 4 : 0;
  const wide = bytes.byteLength - signed === 20;
  const compressed = view.getUint32(signed + 4, true);
  const size = view.getUint32(signed + (wide ? 12 : 8), true);
  const low = (value: number): number => value % 2 ** 32;
  if (compressed === low(entry.compressedSize) && size === low(entry.size)) return undefined;
  return new ZipError(
    'zip/bad-descriptor',
    `the sizes behind ${labelOf(entry)} are ${compressed} and ${size}, ` +
      `but the directory says ${entry.compressedSize} and ${entry.size}, at ${hexOffset(entry.directoryOffset)}`,
    context,
  );
}
