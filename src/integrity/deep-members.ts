/**
 * The members of an archive, each read once: held against its checksum and, on the way, counted.
 *
 * @module
 */
import { CheckpointError } from '../errors.js';
import { type ByteSource, SourceError } from '../source/byte-source.js';
import type { ZipArchive } from '../zip/archive.js';
import { crc32 as crc32InJavaScript } from '../zip/crc32.js';
import type { ZipEntry } from '../zip/entry.js';
import { hasNoChecksum } from '../zip/left-out-checksum.js';
import type { DamagedMember } from './deep-report.js';
import { readAhead } from './read-ahead.js';

/** CRC-32 of bytes, continuing from that of the bytes before them. */
export type Crc32 = (bytes: Uint8Array, previous: number) => number;

/** How members are read. */
export interface MemberOptions {
  /** Implementation of CRC-32; JavaScript when absent. */
  readonly crc32?: Crc32 | undefined;
  /** Aborting rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes of each block that has been read. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

/** Someone who wants to see a stretch of a member's bytes. */
export interface Listener {
  /** First byte. */
  readonly start: number;
  /** The byte after the last one. */
  readonly end: number;
  /** Takes the next bytes of the stretch; they hold only during the call. */
  readonly take: (bytes: Uint8Array) => void;
}

/** What became of a member; `unproven` when no checksum was stored for it. */
export type MemberOutcome = 'sound' | 'unproven' | Omit<DamagedMember, 'tensors'>;

/**
 * Reads a member once, in blocks of 1 MiB.
 *
 * @param source - the archive's file
 * @param archive - the archive
 * @param entry - the member
 * @param listeners - stretches of it that someone wants to see, in any order
 * @param options - how
 * @throws SourceError when the file cannot be read; the signal's reason
 */
export async function checkMember(
  source: ByteSource,
  archive: ZipArchive,
  entry: ZipEntry,
  listeners: readonly Listener[],
  options: MemberOptions,
): Promise<MemberOutcome> {
  const { crc32 = crc32InJavaScript, signal, onBytes } = options;
  const expected = hex(entry.crc32);
  let crc = 0;
  const audience = new Audience(listeners);
  try {
    await using member = archive.openMember(entry);
    await readAhead(
      member.size,
      (offset, target) => member.readInto(offset, target, { signal }),
      (block, end) => {
        crc = crc32(block, crc);
        audience.hear(block, end - block.byteLength);
        onBytes?.(block.byteLength);
      },
    );
    if (crc === entry.crc32) return 'sound';
    if (await hasNoChecksum(source, entry, await archive.dataOffset(entry, { signal }), { signal })) return 'unproven';
    return { name: entry.name, fault: 'checksum', expected, found: hex(crc), error: undefined };
  } catch (error) {
    if (!(error instanceof CheckpointError) || error instanceof SourceError) throw error;
    return { name: entry.name, fault: 'unreadable', expected, found: null, error };
  }
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}

/** Hands each block to those who listen to a part of it; blocks come in order. */
class Audience {
  /** Those who have not begun, the next one last. */
  readonly #waiting: Listener[];
  #present: Listener[] = [];

  constructor(listeners: readonly Listener[]) {
    this.#waiting = [...listeners].sort((a, b) => b.start - a.start);
  }

  hear(block: Uint8Array, from: number): void {
    const to = from + block.byteLength;
    for (let next = this.#waiting.at(-1); next !== undefined && next.start < to; next = this.#waiting.at(-1)) {
      this.#present.push(next);
      this.#waiting.pop();
    }
    for (const { start, end, take } of this.#present) {
      take(block.subarray(Math.max(start - from, 0), Math.min(end, to) - from));
    }
    this.#present = this.#present.filter(({ end }) => end > to);
  }
}
