/**
 * Small reads of a slow source from few larger ones, more of them ahead the longer reading goes on in order.
 *
 * Headers are read in bits: a safetensors header at the beginning, the end and then the directory of an archive, a
 * hundred local headers far from each other. What lies apart is fetched a little at a time, what is read in order in
 * stretches that double.
 *
 * @module
 */
import { type ByteSource, bufferFor, expectInside } from './byte-source.js';

/** Bytes fetched for a small read at a new place: a local header of an archive and the beginning of what follows it. */
const SHORTEST = 5 << 10;

/** Bytes fetched before a new place: what ends there, such as the descriptor of the member before, is often read next. */
const BEFORE = 64;

/** Most bytes fetched ahead. */
const LONGEST = 1 << 20;

/** Bytes that are kept, those used last: a `tokenizer.model`, which is parsed and hashed. Longer reads are not kept. */
const KEPT_BYTES = 4 << 20;

interface Segment {
  readonly start: number;
  readonly end: number;
  /** Shared by all who read it, so that no reader's signal aborts it. */
  readonly bytes: Promise<Uint8Array>;
}

/**
 * A source over the same bytes that keeps the {@link KEPT_BYTES} read last. Closing it closes the parent.
 *
 * @param parent - where each read costs much
 * @param head - the first bytes, where they are known
 */
export function readAheadSource(parent: ByteSource, head: Uint8Array): ByteSource & { readonly readsAhead: true } {
  const { name, size } = parent;
  const window = new Window(parent, head);
  const close = (): Promise<void> => parent.close();
  return {
    name,
    size,
    readsAhead: true,
    read: async (offset, length, options) => {
      expectInside(parent, offset, length);
      const target = bufferFor(length, options);
      await window.fill(offset, target, options?.signal);
      return target;
    },
    readInto: (offset, target, options) => window.fill(offset, target, options?.signal),
    close,
    [Symbol.asyncDispose]: close,
  };
}

class Window {
  readonly #parent: ByteSource;
  /** In the order of use, the last used last. */
  #segments: Segment[];
  #ahead: number;
  /** Where the next read begins if reading goes on in order. */
  #next: number;

  constructor(parent: ByteSource, head: Uint8Array) {
    this.#parent = parent;
    this.#segments = head.byteLength === 0 ? [] : [{ start: 0, end: head.byteLength, bytes: Promise.resolve(head) }];
    this.#ahead = Math.max(head.byteLength, SHORTEST);
    this.#next = head.byteLength;
  }

  async fill(offset: number, target: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    expectInside(this.#parent, offset, target.byteLength);
    signal?.throwIfAborted();
    const end = offset + target.byteLength;
    if (target.byteLength > KEPT_BYTES) {
      await this.#parent.readInto(offset, target, { signal });
      return;
    }
    for (let at = offset; at < end;) {
      const segment = this.#find(at) ?? this.#fetch(at, end);
      const bytes = await unlessAborted(segment.bytes, signal);
      const until = Math.min(end, segment.end);
      target.set(bytes.subarray(at - segment.start, until - segment.start), at - offset);
      at = until;
    }
  }

  #find(at: number): Segment | undefined {
    const index = this.#segments.findIndex(({ start, end }) => start <= at && at < end);
    if (index === -1) return undefined;
    const [segment] = this.#segments.splice(index, 1);
    if (segment !== undefined) this.#segments.push(segment);
    return segment;
  }

  /** Fetches what is wanted from `at` on, and more where reading goes on in order; not what is kept already. */
  #fetch(at: number, wanted: number): Segment {
    const goesOn = at >= this.#next && at < this.#next + this.#ahead;
    this.#ahead = goesOn ? Math.min(2 * this.#ahead, LONGEST) : SHORTEST;
    const earlier = this.#segments.filter(({ start }) => start <= at).map((segment) => segment.end);
    const start = goesOn ? at : Math.max(0, at - BEFORE, ...earlier);
    const following = this.#segments.map((segment) => segment.start).filter((next) => next > at);
    const end = Math.min(Math.max(wanted, at + this.#ahead), this.#parent.size, ...following);
    const bytes = this.#parent.read(start, end - start);
    const segment = { start, end, bytes };
    this.#next = end;
    this.#segments.push(segment);
    bytes.catch(() => {
      this.#segments = this.#segments.filter((each) => each !== segment);
    });
    this.#forget();
    return segment;
  }

  #forget(): void {
    let kept = this.#segments.reduce((sum, { start, end }) => sum + end - start, 0);
    while (kept > KEPT_BYTES) {
      const [oldest] = this.#segments.splice(0, 1);
      if (oldest === undefined) return;
      kept -= oldest.end - oldest.start;
    }
  }
}

/** The bytes, or the signal's reason as soon as it is aborted; the fetch itself goes on for others. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  let stop = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
