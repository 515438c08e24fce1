/**
 * What to say about a file that should be an archive but has no end record.
 *
 * Half a download is the commonest damage. The last member that is complete is found by searching
 * backwards for signatures, because PyTorch's local headers do not hold the sizes: those follow the
 * data, which is why walking forwards from member to member is impossible.
 *
 * @module
 */
import { hexOffset } from '../errors.js';
import type { ByteSource, ReadOptions } from '../source/byte-source.js';
import { CENTRAL_HEADER, DATA_DESCRIPTOR, LENGTHS, LOCAL_HEADER, viewOf } from './records.js';
import { ZipError } from './zip-error.js';

/** Bytes per read while searching. */
const BLOCK_BYTES = 1 << 20;

/** How far back the search goes: some tens of milliseconds, and further than most tensors of a 1B model. */
const SEARCHED_BYTES = 64 << 20;

/** Highest "version needed to extract" that the specification knows (6.3), times ten. */
const HIGHEST_VERSION = 63;

/** The error for an archive without an end record; reads at most 64 MiB, in blocks, backwards. */
export async function diagnoseMissingEnd(source: ByteSource, options?: ReadOptions): Promise<ZipError> {
  const path = source.name;
  const head = await source.read(0, Math.min(4, source.size), options);
  if (head.byteLength < 4 || viewOf(head).getUint32(0, true) !== LOCAL_HEADER) {
    return new ZipError(
      'zip/not-a-zip',
      `not a ZIP archive: it does not begin with a member, and has no end record in ${source.size} bytes`,
      { path, offset: 0 },
    );
  }
  const message = `cut off: no ZIP end record in ${source.size} bytes`;
  const hint = await hintOf(source, options);
  return new ZipError('zip/no-end-record', message, { path, offset: source.size, hint });
}

const AGAIN = 'the download stopped there: download this file again';

async function hintOf(source: ByteSource, options?: ReadOptions): Promise<string> {
  const last = await findLastRecord(source, options);
  if (last === undefined) return AGAIN;
  if (last.kind === 'directory') {
    return `all members are there, but the directory behind them is incomplete; ${AGAIN}`;
  }
  if (last.offset === 0) return `the first member is incomplete; ${AGAIN}`;
  return `the last complete member ends at ${hexOffset(last.offset)}; ${AGAIN}`;
}

/** What begins at an offset: the directory, or a member that is incomplete. */
interface LastRecord {
  readonly kind: 'directory' | 'member';
  readonly offset: number;
}

async function findLastRecord(source: ByteSource, options?: ReadOptions): Promise<LastRecord | undefined> {
  const limit = Math.max(0, source.size - SEARCHED_BYTES);
  for (let end = source.size; end > limit;) {
    const start = Math.max(limit, end - BLOCK_BYTES);
    // A record may begin in this block and end in the one after it.
    const length = Math.min(source.size, end + LENGTHS.centralHeader) - start;
    const found = findInBlock(await source.read(start, length, options), end - start);
    if (found !== undefined) return { kind: found.kind, offset: start + found.offset };
    end = start;
  }
  return undefined;
}

/** The last record that begins in the first `searched` bytes of a block. */
function findInBlock(bytes: Uint8Array, searched: number): LastRecord | undefined {
  const view = viewOf(bytes);
  for (let at = Math.min(searched - 1, bytes.byteLength - 4); at >= 0; at -= 1) {
    if (bytes[at] !== 0x50 || bytes[at + 1] !== 0x4b) continue;
    const found = recordAt(view, at);
    if (found !== undefined) return found;
  }
  return undefined;
}

function recordAt(view: DataView, at: number): LastRecord | undefined {
  const rest = view.byteLength - at;
  switch (view.getUint32(at, true)) {
    case CENTRAL_HEADER:
      return rest >= LENGTHS.centralHeader && isPlausible(view, at + 6) ? { kind: 'directory', offset: at } : undefined;
    case LOCAL_HEADER:
      return rest >= LENGTHS.localHeader && isPlausible(view, at + 4) ? { kind: 'member', offset: at } : undefined;
    case DATA_DESCRIPTOR:
      return descriptorAt(view, at);
    default:
      return undefined;
  }
}

/** Both headers share the run version needed, flags, method; weights rarely look like it by chance. */
function isPlausible(view: DataView, at: number): boolean {
  const method = view.getUint16(at + 4, true);
  return view.getUint16(at, true) <= HIGHEST_VERSION && (method === 0 || method === 8);
}

/** A descriptor is believed where its two sizes are equal, as they are for stored data. */
function descriptorAt(view: DataView, at: number): LastRecord | undefined {
  const rest = view.byteLength - at;
  for (const { length, size } of [
    { length: LENGTHS.dataDescriptor, size: 4 },
    { length: LENGTHS.zip64DataDescriptor, size: 8 },
  ]) {
    if (rest < length) continue;
    const compressed = view.getUint32(at + 8, true);
    if (compressed === view.getUint32(at + 8 + size, true)) return { kind: 'member', offset: at + length };
  }
  return undefined;
}
