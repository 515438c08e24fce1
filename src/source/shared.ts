/**
 * A file that several have open at one time.
 *
 * @module
 */
import { type ByteSource, type ReadOptions, SourceError } from './byte-source.js';

/**
 * A source over the same bytes for one of those who read them. Closing it ends what it has under way and leaves the
 * parent open for the others.
 */
export function sharedSource(parent: ByteSource): ByteSource {
  const { name, size } = parent;
  const closing = new AbortController();
  // combined once for each signal, and not for each of a hundred thousand reads
  let combined: { readonly given: AbortSignal | undefined; readonly signal: AbortSignal } = {
    given: undefined,
    signal: closing.signal,
  };
  const untilClosed = (options: ReadOptions | undefined): ReadOptions => {
    const given = options?.signal;
    if (given !== combined.given) {
      combined = { given, signal: AbortSignal.any([closing.signal, ...(given === undefined ? [] : [given])]) };
    }
    return { ...options, signal: combined.signal };
  };
  const close = async (): Promise<void> => {
    closing.abort(new SourceError('source/read-failed', 'it was closed while it was read', { path: name }));
  };
  return {
    name,
    size,
    ...(parent.readsAhead === true && { readsAhead: true }),
    read: (offset, length, options) => parent.read(offset, length, untilClosed(options)),
    readInto: (offset, target, options) => parent.readInto(offset, target, untilClosed(options)),
    close,
    [Symbol.asyncDispose]: close,
  };
}
