/**
 * Bytes that follow each other in a source and are wanted in many places.
 *
 * @module
 */
import type { ByteSource, ReadOptions } from './byte-source.js';

/**
 * Fills `targets` one after another with the bytes from `offset`. Costs what `readInto` of one buffer costs where the source
 * has a read of its own for it; else one read, a buffer as long as all targets, and a copy.
 *
 * @throws SourceError as `read` does
 */
export async function readScattered(
  source: ByteSource,
  offset: number,
  targets: readonly Uint8Array[],
  options?: ReadOptions,
): Promise<void> {
  if (source.readScattered !== undefined) {
    await source.readScattered(offset, targets, options);
    return;
  }
  const bytes = await source.read(offset, lengthOf(targets), { ...options, into: undefined });
  scatter(bytes, targets);
}

/** Copies bytes into targets, one after another, which are as long altogether. */
export function scatter(bytes: Uint8Array, targets: readonly Uint8Array[]): void {
  let at = 0;
  for (const target of targets) {
    target.set(bytes.subarray(at, at + target.byteLength));
    at += target.byteLength;
  }
}

/** Bytes of all buffers. */
export function lengthOf(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** What is left of buffers when their first `filled` bytes have been filled. */
export function withoutFilled(buffers: readonly Uint8Array[], filled: number): readonly Uint8Array[] {
  let left = filled;
  let first = 0;
  while (first < buffers.length && left >= buffers[first]!.byteLength) left -= buffers[first++]!.byteLength;
  const rest = buffers.slice(first);
  return left === 0 ? rest : [rest[0]!.subarray(left), ...rest.slice(1)];
}
