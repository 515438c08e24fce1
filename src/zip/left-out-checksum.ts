/**
 * Members whose writer computed no checksum.
 *
 * PyTorch can be told to (`torch.serialization.set_crc32_options(False)`), and it reserves room without checksums
 * under `skip_data`. Then the directory, the local header and the descriptor after the data all say 0; a directory
 * that says 0 alone was changed afterwards.
 *
 * @see https://pytorch.org/docs/stable/notes/serialization.html
 * @module
 */
import type { ByteSource, ReadOptions } from '../source/byte-source.js';
import type { ZipEntry } from './entry.js';
import { DATA_DESCRIPTOR, FLAGS, LENGTHS, viewOf } from './records.js';

/** Bytes of a descriptor's signature and checksum. */
const DESCRIPTOR_START = 8;

/**
 * Whether no checksum was stored for a member; at most two small reads, none where the directory has one.
 *
 * @param source - the file
 * @param entry - the member
 * @param dataOffset - where its data begin
 * @param options - for cancelling
 */
export async function hasNoChecksum(
  source: ByteSource,
  entry: ZipEntry,
  dataOffset: number,
  options?: ReadOptions,
): Promise<boolean> {
  if (entry.crc32 !== 0) return false;
  const header = viewOf(await source.read(entry.localHeaderOffset, LENGTHS.localHeader, options));
  if (header.getUint32(14, true) !== 0) return false;
  const after = dataOffset + entry.compressedSize;
  if ((entry.flags & FLAGS.dataDescriptor) === 0 || after + DESCRIPTOR_START > entry.limit) return true;
  const descriptor = viewOf(await source.read(after, DESCRIPTOR_START, options));
  const isSigned = descriptor.getUint32(0, true) === DATA_DESCRIPTOR;
  return descriptor.getUint32(isSigned ? 4 : 0, true) === 0;
}
