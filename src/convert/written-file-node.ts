/**
 * Whether a file that another process wrote is the one that was planned, as far as that shows without reading weights. One
 * of the few modules that know Node.
 *
 * @module
 */
import { type ReadOptions, type ByteSource, SourceError } from '../source/byte-source.js';
import { openFileSource } from '../source/file.js';
import { ConvertError, type PlannedFile } from './plan.js';

/** Bytes that are compared at once. */
const BLOCK = 1 << 20;

/** What is known of who wrote the file. */
export interface ExpectWrittenOptions extends ReadOptions {
  /** The part, as messages call it; undefined where it is not known. */
  readonly part: string | undefined;
}

/**
 * Refuses a file that is missing, or whose size or headers are not those planned. Reads every byte of it that is known
 * from the plan: headers and padding, no weights. Peak memory: the header and 1 MiB.
 *
 * @throws ConvertError `convert/part-damaged`; SourceError for a file that cannot be read
 */
export async function expectWritten(
  path: string,
  file: PlannedFile,
  { part = 'its part', signal }: ExpectWrittenOptions,
): Promise<void> {
  const refuse = (message: string): never => {
    const hint = `run ${part} again with --force`;
    throw new ConvertError('convert/part-damaged', message, { path, hint });
  };
  const source = await openFileSource(path).catch((cause: unknown) => {
    if (cause instanceof SourceError && cause.code === 'source/not-found') {
      return refuse(`${part} wrote this file, and it is gone`);
    }
    throw cause;
  });
  await using open = source;
  if (open.size !== file.byteLength) {
    refuse(`it has ${open.size} bytes where ${part} wrote ${file.byteLength}`);
  }
  let offset = 0;
  for (const piece of file.pieces) {
    if (piece.kind !== 'bytes') {
      offset += piece.byteLength;
      continue;
    }
    const { bytes } = piece;
    const same = await hasBytes(open, offset, bytes, signal);
    if (!same) refuse(`its bytes from ${offset} on are not what ${part} wrote there`);
    offset += bytes.byteLength;
  }
}

async function hasBytes(
  source: ByteSource,
  offset: number,
  expected: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  for (let start = 0; start < expected.byteLength; start += BLOCK) {
    const block = expected.subarray(start, start + BLOCK);
    const found = await source.read(offset + start, block.byteLength, { signal });
    if (!block.every((byte, index) => byte === found[index])) return false;
  }
  return true;
}
