/**
 * Writing an archive of stored members, front to back, as PyTorch does.
 *
 * CRC and sizes stand behind each member's data, so nothing is ever written twice and data of any size
 * stream through. There are no times: the same members give the same bytes.
 *
 * @see https://github.com/pytorch/pytorch/blob/main/third_party/miniz-3.0.2/miniz.c (mz_zip_writer_add_mem_ex_v2)
 * @module
 */
import type { ByteSink } from '../source/byte-sink.js';
import { crc32 } from './crc32.js';
import { DEFAULT_ALIGNMENT, type PlacedMember, placeMember } from './layout.js';
import { type WrittenMember, centralHeader, dataDescriptor, endRecords, localHeader } from './write-records.js';
import { ZipError } from './zip-error.js';

/** Bytes of the directory that are gathered before they are written. */
const DIRECTORY_BLOCK = 1 << 20;

/** Data of a member: one buffer, or pieces that come one after another. */
export type MemberData = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Writes members one after another, then the directory. */
export interface ZipWriter {
  /**
   * Writes a member of exactly `byteLength` bytes; holds one piece of it at a time.
   *
   * @throws ZipError `zip/bad-write` when the data have another length or the name was used before
   */
  add(name: string, byteLength: number, data: MemberData): Promise<WrittenMember>;
  /** Writes the directory and the end records; nothing can be added afterwards. */
  finish(): Promise<void>;
}

/** Begins an archive at the sink's beginning. */
export function zipWriter(sink: ByteSink, { alignment = DEFAULT_ALIGNMENT } = {}): ZipWriter {
  const members: WrittenMember[] = [];
  const names = new Set<string>();
  let position = 0;
  return {
    add: async (name, byteLength, data) => {
      if (names.has(name))
        throw new ZipError('zip/bad-write', `a second member is to be called ${JSON.stringify(name)}`);
      names.add(name);
      const place = placeMember({ name, byteLength }, position, alignment);
      await sink.write(localHeader(place));
      const crc = await writeData(sink, place, data);
      if (place.descriptorLength > 0) await sink.write(dataDescriptor(place, crc));
      position = place.end;
      const written = { ...place, crc32: crc };
      members.push(written);
      return written;
    },
    finish: async () => {
      const directoryOffset = position;
      const directorySize = await writeDirectory(sink, members);
      await sink.write(endRecords(members.length, directorySize, directoryOffset));
    },
  };
}

async function writeData(sink: ByteSink, place: PlacedMember, data: MemberData): Promise<number> {
  let crc = 0;
  let done = 0;
  for await (const piece of data instanceof Uint8Array ? [data] : data) {
    done += piece.byteLength;
    if (done > place.byteLength) break;
    crc = crc32(piece, crc);
    await sink.write(piece);
  }
  if (done === place.byteLength) return crc;
  throw new ZipError(
    'zip/bad-write',
    `${JSON.stringify(place.name)} was planned with ${place.byteLength} bytes, but ${
      done > place.byteLength ? `${done} or more came` : `only ${done} came`
    }`,
  );
}

async function writeDirectory(sink: ByteSink, members: readonly WrittenMember[]): Promise<number> {
  let block = new Uint8Array(DIRECTORY_BLOCK);
  let used = 0;
  let total = 0;
  for (const member of members) {
    const header = centralHeader(member);
    if (used + header.byteLength > block.byteLength) {
      await sink.write(block.subarray(0, used));
      block = new Uint8Array(DIRECTORY_BLOCK);
      used = 0;
    }
    block.set(header, used);
    used += header.byteLength;
    total += header.byteLength;
  }
  await sink.write(block.subarray(0, used));
  return total;
}
