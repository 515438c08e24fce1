/**
 * Reads the fields at the front of a GGUF file one after the other.
 *
 * The header of a Llama 3 file has 8 MB and 400,000 strings, and nothing says where it ends. So the
 * cursor looks at the file through one window that moves along: strings are passed over inside it
 * without being decoded, and memory stays the same whatever the file claims.
 *
 * @module
 */
import type { ByteSource, ReadOptions } from '../../source/byte-source.js';
import { GgufError, type GgufErrorCode } from './gguf-error.js';
import { type GgufNumberType, isInRange, numberFormat } from './value-types.js';

/** Bytes of the window: 30 reads for the header of a Llama 3 file. */
const WINDOW_BYTES = 1 << 18;

/** What to do about a file that ends too early. */
export const AGAIN = 'download or copy the file again';

/** Until the header is whole, nobody can say how long the file should be. */
const IN_HEADER = `the file ends inside its header, or is damaged there: ${AGAIN}`;

/** Bytes of a string's length. */
const LENGTH_BYTES = 8;

/** A place in a file that moves forward as fields are read. */
export class GgufCursor {
  /** The file. */
  readonly source: ByteSource;
  readonly #options: ReadOptions | undefined;
  readonly #window: Uint8Array;
  readonly #view: DataView;
  /** Where the window starts in the file, how many of its bytes are filled, and where the cursor is in it. */
  #start = 0;
  #filled = 0;
  #at = 0;

  /**
   * @param source - the file
   * @param options - for cancelling
   */
  constructor(source: ByteSource, options?: ReadOptions) {
    this.source = source;
    this.#options = options;
    this.#window = new Uint8Array(Math.min(WINDOW_BYTES, source.size));
    this.#view = new DataView(this.#window.buffer);
  }

  /** Where the cursor is in the file. */
  get position(): number {
    return this.#start + this.#at;
  }

  /** Bytes from the cursor to the end of the file. */
  get left(): number {
    return this.source.size - this.position;
  }

  /** An error at a place of this file, by default at the cursor. */
  error(code: GgufErrorCode, message: string, offset = this.position, hint?: string): GgufError {
    return new GgufError(code, message, { path: this.source.name, offset, hint });
  }

  /** `length` bytes, at most the window's size. The result is a view and holds until the next read. */
  async bytes(length: number, what: string): Promise<Uint8Array> {
    const at = await this.#take(length, what);
    return this.#window.subarray(at, at + length);
  }

  /**
   * A number; 64-bit integers must be below 2^53.
   *
   * @throws GgufError `gguf/truncated`, `gguf/overflow`
   */
  async number(type: GgufNumberType, what: string): Promise<number> {
    const format = numberFormat(type);
    const value = format.get(this.#view, await this.#take(format.byteLength, what));
    if (isInRange(format, value)) return value;
    throw this.error('gguf/overflow', `${what} is ${value}, beyond 2^53`, this.position - format.byteLength);
  }

  /**
   * A count of things that take at least `leastBytes` bytes each; checked against what is left of the file
   * before anyone makes room for them.
   *
   * @throws GgufError `gguf/truncated`, `gguf/too-large` above `most`
   */
  async count(leastBytes: number, most: number, what: string): Promise<number> {
    const offset = this.position;
    const format = numberFormat('u64');
    const count = format.get(this.#view, await this.#take(format.byteLength, `the number of ${what}`));
    if (count * leastBytes > this.left) {
      const message = `the file says there are ${count} ${what}, but only ${this.left} bytes are left`;
      throw this.error('gguf/truncated', message, offset, IN_HEADER);
    }
    if (count <= most) return count;
    throw this.error('gguf/too-large', `the file says there are ${count} ${what}, at most ${most} are read`, offset);
  }

  /**
   * A string of at most `mostBytes` bytes.
   *
   * @throws GgufError `gguf/truncated`, `gguf/too-large`, `gguf/not-utf8`
   */
  async string(mostBytes: number, what: string): Promise<string> {
    const offset = this.position;
    const length = await this.count(1, mostBytes, `bytes of ${what}`);
    const bytes = await this.#stretch(length, what);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw this.error('gguf/not-utf8', `${what} is not valid UTF-8`, offset);
    }
  }

  /** Moves forward without reading; the caller has checked that as many bytes are left. */
  skip(length: number): void {
    if (this.#at + length <= this.#filled) {
      this.#at += length;
    } else {
      this.#start = this.position + length;
      this.#filled = this.#at = 0;
    }
  }

  /**
   * Moves past `count` strings, checking that each ends inside the file. Costs one read a window; strings
   * longer than the window are not read at all.
   *
   * @throws GgufError `gguf/truncated`
   */
  async skipStrings(count: number, what: string): Promise<void> {
    for (let done = 0; done < count;) {
      await this.#fill(LENGTH_BYTES, what);
      done += this.#skipStringsInWindow(count - done, what);
    }
  }

  /** `length` bytes, which are known to be left; through the window where they fit into it. */
  async #stretch(length: number, what: string): Promise<Uint8Array> {
    if (length <= this.#window.byteLength) return this.bytes(length, what);
    const bytes = await this.source.read(this.position, length, this.#options);
    this.skip(length);
    return bytes;
  }

  #skipStringsInWindow(most: number, what: string): number {
    const { get } = numberFormat('u64');
    let done = 0;
    for (; done < most && this.#at + LENGTH_BYTES <= this.#filled; done++) {
      const length = get(this.#view, this.#at);
      if (length > this.left - LENGTH_BYTES) {
        const left = this.left - LENGTH_BYTES;
        const message = `a string of ${what} has ${length} bytes, but only ${left} are left`;
        throw this.error('gguf/truncated', message, this.position, IN_HEADER);
      }
      this.skip(LENGTH_BYTES + length);
    }
    return done;
  }

  /** Makes sure that the window holds the next `length` bytes, and moves past them. Their place in the window. */
  async #take(length: number, what: string): Promise<number> {
    await this.#fill(length, what);
    this.#at += length;
    return this.#at - length;
  }

  async #fill(length: number, what: string): Promise<void> {
    if (this.#at + length <= this.#filled) return;
    if (length > this.left) {
      const message = `${what} takes ${length} bytes, but only ${this.left} are left of the file`;
      throw this.error('gguf/truncated', message, this.position, IN_HEADER);
    }
    this.#start = this.position;
    this.#at = 0;
    this.#filled = Math.min(this.#window.byteLength, this.source.size - this.#start);
    await this.source.readInto(this.#start, this.#window.subarray(0, this.#filled), this.#options);
  }
}
