/**
 * Deflated members, read by position.
 *
 * A deflated stream can only be unpacked from its beginning, so this keeps one place in it: reading on
 * from there costs what is read, going back starts again. PyTorch stores its members unpacked; deflated
 * ones come from people who packed a checkpoint anew with another program.
 *
 * @see https://www.rfc-editor.org/rfc/rfc1951
 * @module
 */
import { CheckpointError } from '../errors.js';
import { type ByteSource, type ReadOptions, expectInside } from '../source/byte-source.js';
import { ZipError } from './zip-error.js';

/** Packed bytes handed over at a time. */
const PACKED_CHUNK = 1 << 16;

/** Deflate cannot make more than this many bytes out of one; a larger announced size is a lie. */
const LARGEST_RATIO = 1032;

/**
 * A source over the unpacked bytes of `packed`. Reading from front to back unpacks once, with some
 * 100 kB of memory however large the member is; reads are served one after another.
 *
 * @throws ZipError `zip/bad-data` when `size` is more than the data could unpack to; the reads throw it
 *   when the data cannot be unpacked or have another size
 */
export function inflateSource(packed: ByteSource, size: number): ByteSource {
  const { name } = packed;
  if (size > (packed.size + 1) * LARGEST_RATIO) {
    throw badData(name, `${packed.size} bytes of deflated data cannot unpack to the announced ${size} bytes`);
  }
  let stream: Unpacking | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const fill = async (offset: number, target: Uint8Array, options?: ReadOptions): Promise<void> => {
    if (stream === undefined || stream.position > offset) {
      await stream?.cancel();
      stream = startUnpacking(packed, size);
    }
    const used = stream;
    try {
      await used.skipTo(offset, options);
      await used.take(target, options);
      if (used.position === size) await used.expectEnd();
    } catch (cause) {
      stream = undefined;
      await used.cancel();
      throw cause;
    }
    if (used.position === size) stream = undefined;
  };
  const readInto = (offset: number, target: Uint8Array, options?: ReadOptions): Promise<void> => {
    const turn = last.then(() => fill(offset, target, options));
    last = turn.catch(() => {});
    return turn;
  };
  return {
    name,
    size,
    read: async (offset, length, options) => {
      expectInside({ name, size }, offset, length);
      const target = new Uint8Array(length);
      await readInto(offset, target, options);
      return target;
    },
    readInto: async (offset, target, options) => {
      expectInside({ name, size }, offset, target.byteLength);
      await readInto(offset, target, options);
    },
    close: async () => {
      await stream?.cancel();
      stream = undefined;
    },
    async [Symbol.asyncDispose]() {
      await this.close();
    },
  };
}

/** A place in an unpacked stream that only moves forwards. */
interface Unpacking {
  readonly position: number;
  skipTo(offset: number, options?: ReadOptions): Promise<void>;
  take(target: Uint8Array, options?: ReadOptions): Promise<void>;
  /** Throws if more bytes follow. */
  expectEnd(): Promise<void>;
  cancel(): Promise<void>;
}

function startUnpacking(packed: ByteSource, size: number): Unpacking {
  const { reader, failure } = openReader(packed);
  let pending: Uint8Array = new Uint8Array(0);
  let position = 0;

  const refill = async (): Promise<boolean> => {
    try {
      const { done, value } = await reader.read();
      pending = value ?? new Uint8Array(0);
      return !done;
    } catch (cause) {
      throw failure() ?? badData(packed.name, 'the deflated data are damaged and cannot be unpacked', cause);
    }
  };
  /** Hands out up to `wanted` bytes of what is unpacked, unpacking more where nothing is left. */
  const next = async (wanted: number, options?: ReadOptions): Promise<Uint8Array> => {
    while (pending.byteLength === 0) {
      options?.signal?.throwIfAborted();
      if (!(await refill())) {
        throw badData(packed.name, `the deflated data unpack to ${position} bytes, not to the announced ${size}`);
      }
    }
    const part = pending.subarray(0, wanted);
    pending = pending.subarray(part.byteLength);
    position += part.byteLength;
    return part;
  };
  return {
    get position() {
      return position;
    },
    skipTo: async (offset, options) => {
      while (position < offset) await next(offset - position, options);
    },
    take: async (target, options) => {
      for (let done = 0; done < target.byteLength;) {
        const part = await next(target.byteLength - done, options);
        target.set(part, done);
        done += part.byteLength;
      }
    },
    expectEnd: async () => {
      while (pending.byteLength === 0) if (!(await refill())) return;
      throw badData(packed.name, `the deflated data unpack to more than the announced ${size} bytes`);
    },
    cancel: () => reader.cancel().catch(() => {}),
  };
}

/** The unpacked chunks, and what reading the packed ones failed with. */
function openReader(packed: ByteSource): {
  reader: ReadableStreamDefaultReader<Uint8Array>;
  failure: () => CheckpointError | undefined;
} {
  let offset = 0;
  let failure: CheckpointError | undefined;
  const chunks = new ReadableStream<BufferSource>({
    pull: async (controller) => {
      const length = Math.min(PACKED_CHUNK, packed.size - offset);
      if (length === 0) {
        controller.close();
        return;
      }
      try {
        controller.enqueue(new Uint8Array(await packed.read(offset, length)));
      } catch (cause) {
        if (cause instanceof CheckpointError) failure = cause;
        throw cause;
      }
      offset += length;
    },
  });
  const unpacked: ReadableStream<Uint8Array> = chunks.pipeThrough(new DecompressionStream('deflate-raw'));
  return { reader: unpacked.getReader(), failure: () => failure };
}

function badData(path: string, message: string, cause?: unknown): ZipError {
  return new ZipError('zip/bad-data', message, { path, cause, hint: 'download this file again' });
}
