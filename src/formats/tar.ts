/**
 * The members of a tar archive, as much as is needed to find torch.save's of 2016.
 *
 * A tar archive has no list of members: header and data stand one behind the other in blocks of 512 bytes, and numbers
 * are octal digits.
 *
 * @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html (ustar Interchange Format)
 * @module
 */
import type { ByteSource, ReadOptions } from '../source/byte-source.js';

/** A file in a tar archive. */
export interface TarMember {
  /** Its name. */
  readonly name: string;
  /** First byte of its data. */
  readonly offset: number;
  /** Bytes of its data. */
  readonly size: number;
}

/** What an archive holds. */
export interface TarListing {
  /** Everything but folders, in order. */
  readonly members: readonly TarMember[];
  /**
   * Offsets of headers whose members some programs see and others do not, or under another name: links, long names,
   * extended headers, names twice.
   */
  readonly odd: readonly number[];
  /** Offset of the first byte that is no header although one was expected; undefined where the archive ends as it should. */
  readonly brokenAt: number | undefined;
}

/** Unit of headers and data. */
const BLOCK = 512;

/** Members that are listed; PyTorch wrote four. */
const MOST_MEMBERS = 10_000;

/** Lists the members of a tar archive; one read of 512 bytes for each member. */
export async function readTar(source: ByteSource, options?: ReadOptions): Promise<TarListing> {
  const members: TarMember[] = [];
  const odd: number[] = [];
  const names = new Set<string>();
  let at = 0;
  while (at + BLOCK <= source.size && members.length < MOST_MEMBERS) {
    const block = await source.read(at, BLOCK, options);
    if (block.every((byte) => byte === 0)) return { members, odd, brokenAt: undefined };
    const size = octal(block, 124, 12); // 124: size of the data
    if (size === undefined || octal(block, 148, 8) !== checksum(block)) return { members, odd, brokenAt: at };
    const offset = at + BLOCK;
    if (offset + size > source.size) return { members, odd, brokenAt: at };
    const type = block[156]!; // 156: type
    const name = textAt(block, 0, 100); // 0: name
    if (isOdd(block, type) || names.has(name)) odd.push(at);
    if (type !== FOLDER) members.push({ name, offset, size });
    names.add(name);
    at = offset + Math.ceil(size / BLOCK) * BLOCK;
  }
  return { members, odd, brokenAt: at < source.size ? at : undefined };
}

/** Type flag of a folder. */
const FOLDER = 0x35;

/** Types other than files (`0` and NUL) and folders, and names that begin in another field (345, in ustar archives). */
function isOdd(block: Uint8Array, type: number): boolean {
  const isPlain = type === 0x30 || type === 0 || type === FOLDER;
  return !isPlain || (textAt(block, 257, 5) === 'ustar' && block[345] !== 0);
}

/** Whether some bytes begin with the header of a tar archive: Python goes by its checksum, not by its magic. */
export function isTarHeader(head: Uint8Array): boolean {
  if (head.byteLength < BLOCK) return false;
  const block = head.subarray(0, BLOCK);
  const stated = octal(block, 148, 8);
  return stated !== undefined && stated === checksum(block) && block.some((byte) => byte !== 0);
}

/** Sum of all bytes of a header, its own field counted as spaces. */
function checksum(block: Uint8Array): number {
  return block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}

function octal(block: Uint8Array, at: number, length: number): number | undefined {
  const digits = textAt(block, at, length).trim();
  return /^[0-7]{1,15}$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

/** Text up to the first NUL. */
function textAt(block: Uint8Array, at: number, length: number): string {
  const bytes = block.subarray(at, at + length);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}
