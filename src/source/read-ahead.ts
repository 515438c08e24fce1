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
  /** Its bytes once they are here, and until then the promise of them, shared by all who read it. */
  bytes: Uint8Array | Promise<Uint8Array>;
  /** Ends the fetch. */
  readonly fetching: AbortController;
  /** How many wait for the bytes: the signal of the last of them ends the fetch, and no other does. */
  waiting: number;
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
    const known = { start: 0, end: head.byteLength, bytes: head, fetching: new AbortController(), waiting: 0 };
    this.#segments = head.byteLength === 0 ? [] : [known];
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
      const bytes = segment.bytes instanceof Uint8Array ? segment.bytes : await this.#arrival(segment, signal);
      const until = Math.min(end, segment.end);
      target.set(bytes.subarray(at - segment.start, until - segment.start), at - offset);
      at = until;
    }
  }

  /** The bytes of a segment when they are here; if the last who waits for them gives up, they are fetched no further. */
  async #arrival(segment: Segment, signal: AbortSignal | undefined): Promise<Uint8Array> {
    segment.waiting += 1;
    try {
      return await unlessAborted(segment.bytes, signal);
    } finally {
      segment.waiting -= 1;
      if (segment.waiting === 0 && signal?.aborted === true) {
        this.#drop(segment);
        segment.fetching.abort(signal.reason);
      }
    }
  }

  #drop(segment: Segment): void {
    this.#segments = this.#segments.filter((each) => each !== segment);
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
    const fetching = new AbortController();
    const bytes = this.#parent.read(start, end - start, { signal: fetching.signal });
    const segment: Segment = { start, end, bytes, fetching, waiting: 0 };
    this.#next = end;
    this.#segments.push(segment);
    bytes.then(
      (here) => (segment.bytes = here),
      () => this.#drop(segment),
    );
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

/** What is promised, or the signal's reason as soon as it is aborted. */
async function unlessAborted<T>(promised: T | Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promised;
  signal.throwIfAborted();
  // of its own, as Node warns of more than ten listeners on one
  const own = AbortSignal.any([signal]);
  let stop = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(own.reason as Error);
    own.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promised, aborted]);
  } finally {
    own.removeEventListener('abort', stop);
  }
}
