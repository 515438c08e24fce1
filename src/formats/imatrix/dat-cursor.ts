/**
 * Reads the fields of an importance matrix in the bare form one after the other.
 *
 * Every length in such a file is a signed 32-bit integer that nothing vouches for, so each is held against what is left
 * of the file before anything is allocated. Small fields are read through a window, as a file has thousands of them.
 *
 * @module
 */
import type { ByteSource, ReadOptions } from '../../source/byte-source.js';
import { windowedSource } from '../../source/window.js';
import type { ImatrixErrorCode } from './imatrix-error.js';
import { FLOAT_BYTES, imatrixError, readSums } from './importance-matrix.js';

/** Bytes of every integer of the format. */
export const INT_BYTES = 4;

/** A place in a file that moves forward as fields are read. */
export class DatCursor {
  readonly #source: ByteSource;
  readonly #window: ByteSource;
  readonly #options: ReadOptions | undefined;
  /** Where the next field starts. */
  position = 0;

  /**
   * @param source - the file
   * @param options - for cancelling
   */
  constructor(source: ByteSource, options: ReadOptions | undefined) {
    this.#source = source;
    this.#window = windowedSource(source);
    this.#options = options;
  }

  /** Bytes from the cursor to the end of the file. */
  get left(): number {
    return this.#source.size - this.position;
  }

  /** An error at a place of this file, by default at the cursor. */
  error(code: ImatrixErrorCode, message: string, offset = this.position): Error {
    return imatrixError(code, message, this.#source, offset);
  }

  /** @throws ImatrixError `imatrix/truncated` unless as many bytes are left */
  expectLeft(length: number, what: string, offset = this.position): void {
    if (length <= this.left) return;
    const message = `${what} take ${length} bytes, but only ${this.left} are left of the file`;
    throw this.error('imatrix/truncated', message, offset);
  }

  /** An integer. @throws ImatrixError `imatrix/truncated` */
  async int(what: string): Promise<number> {
    const bytes = await this.#take(INT_BYTES, `the bytes of ${what}`);
    return new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
  }

  /** An integer that counts. @throws ImatrixError `imatrix/truncated`, `imatrix/bad-count` */
  async count(what: string): Promise<number> {
    const offset = this.position;
    const count = await this.int(what);
    if (count >= 0) return count;
    throw this.error('imatrix/bad-count', `${what} is ${count}, which is less than none`, offset);
  }

  /**
   * A string of at most `mostBytes` bytes after its length.
   *
   * @throws ImatrixError `imatrix/truncated`, `imatrix/bad-count`, `imatrix/too-large`, `imatrix/bad-name`
   */
  async string(mostBytes: number, what: string): Promise<string> {
    const offset = this.position;
    const length = await this.count(`the length of ${what}`);
    this.expectLeft(length, `the bytes of ${what}`, offset);
    if (length > mostBytes) {
      throw this.error('imatrix/too-large', `${what} has ${length} bytes, at most ${mostBytes} are read`, offset);
    }
    const bytes = await this.#take(length, `the bytes of ${what}`);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw this.error('imatrix/bad-name', `${what} is not valid UTF-8`, offset);
    }
  }

  /** The sums of an entry; the caller has checked that they are left. @throws ImatrixError `imatrix/bad-value` */
  async sums(name: string, count: number): Promise<Float32Array> {
    const stretch = { source: this.#window, name, fileOffset: this.position, count };
    this.position += count * FLOAT_BYTES;
    return readSums(stretch, this.#options);
  }

  async #take(length: number, what: string): Promise<Uint8Array> {
    this.expectLeft(length, what);
    const bytes = await this.#window.read(this.position, length, this.#options);
    this.position += length;
    return bytes;
  }
}
