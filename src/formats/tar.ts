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
  /** Regular files, in order. */
  readonly members: readonly TarMember[];
  /** Offset of the first byte that is no header although one was expected; undefined where the archive ends as it should. */
  readonly brokenAt: number | undefined;
}

/** Unit of headers and data. */
const BLOCK = 512;

/** Members that are listed; PyTorch wrote four. */
const MOST_MEMBERS = 10_000;

/** Lists the regular files of a tar archive; one read of 512 bytes for each member. */
export async function readTar(source: ByteSource, options?: ReadOptions): Promise<TarListing> {
  const members: TarMember[] = [];
  let at = 0;
  while (at + BLOCK <= source.size && members.length < MOST_MEMBERS) {
    const block = await source.read(at, BLOCK, options);
    if (block.every((byte) => byte === 0)) return { members, brokenAt: undefined };
    const size = octal(block, 124, 12); // 124: size of the data
    if (size === undefined || octal(block, 148, 8) !== checksum(block)) return { members, brokenAt: at };
    const offset = at + BLOCK;
    if (offset + size > source.size) return { members, brokenAt: at };
    if (isRegular(block[156]!)) members.push({ name: textAt(block, 0, 100), offset, size }); // 156: type, 0: name
    at = offset + Math.ceil(size / BLOCK) * BLOCK;
  }
  return { members, brokenAt: at < source.size ? at : undefined };
}

/** Type flags `0` and NUL. */
function isRegular(type: number): boolean {
  return type === 0x30 || type === 0;
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
