/**
 * A member of the tar archive that torch.save wrote in 2016, read from its beginning to its end.
 *
 * Pickles and little-endian numbers stand one behind the other, with the bytes of whole storages between
 * them; only a pickle's own STOP tells where it ends. So pickles are read through a window that grows where
 * one turns out to be longer, and storages are stepped over.
 *
 * @module
 */
import { PickleError } from '../../pickle/errors.js';
import { type PickleLimits, pickleLimitsFor } from '../../pickle/limits.js';
import { type Pickle, parsePickle } from '../../pickle/machine.js';
import type { PickleValue } from '../../pickle/values.js';
import type { ByteSource } from '../../source/byte-source.js';
import type { TarMember } from '../tar.js';
import type { LegacyOptions } from './legacy-file.js';
import { TorchError, type TorchErrorCode } from './torch-error.js';

/** Bytes that are read at once; some hundred tensors are described by so many. */
const WINDOW = 1 << 14;

/** How much longer the window gets where a pickle does not fit. */
const GROWTH = 4;

/** What the pickle of one storage or tensor may hold: a key, a device or another key, and a class. */
const ENTRY_LIMITS = { values: 32, objects: 8, bytes: 1 << 12 };

/** Storages, views and tensors, of each: a module of a thousand layers had some thousand; each takes about a kilobyte. */
const MOST_ENTRIES = 1 << 16;

/** A cursor over a member. Every length is held against what is left before anything is read. */
export class TarMemberReader {
  /** The file. */
  readonly source: ByteSource;
  readonly #member: TarMember;
  readonly #options: LegacyOptions;
  readonly #limits: PickleLimits;
  readonly #entryLimits: PickleLimits;
  #position: number;
  #window = new Uint8Array(0);
  #windowAt: number;

  constructor(source: ByteSource, member: TarMember, options: LegacyOptions) {
    this.source = source;
    this.#member = member;
    this.#options = options;
    const limits = pickleLimitsFor(member.size);
    this.#limits = { ...limits, ...options.limits };
    this.#entryLimits = { ...limits, ...ENTRY_LIMITS, ...options.limits };
    this.#position = member.offset;
    this.#windowAt = member.offset;
  }

  /** Offset of the next byte in the file. */
  get offset(): number {
    return this.#position;
  }

  /** Bytes that the member has left. */
  get left(): number {
    return this.#member.offset + this.#member.size - this.#position;
  }

  /** The next pickle. */
  async pickle(): Promise<Pickle> {
    return this.#next(this.#limits);
  }

  /** The next pickle, of one storage or tensor: as there may be many, each must be small. */
  async entry(): Promise<Pickle> {
    return this.#next(this.#entryLimits);
  }

  /** The next `length` bytes; `what` they are is for the error. */
  async bytes(length: number, what: string): Promise<DataView> {
    this.#expectLeft(length, what);
    await this.#fill(length);
    const { buffer, byteOffset } = this.#window;
    const view = new DataView(buffer, byteOffset + this.#position - this.#windowAt, length);
    this.#position += length;
    return view;
  }

  /** Steps over bytes and gives the offset of the first. */
  skip(length: number, what: string): number {
    this.#expectLeft(length, what);
    const offset = this.#position;
    this.#position += length;
    return offset;
  }

  /** A pickled number of things that follow. */
  expectCount(value: PickleValue, what: string, offset: number): number {
    if (typeof value !== 'number' || value < 0) throw this.bad(`the number of its ${what} is none`, offset);
    if (value <= MOST_ENTRIES) return value;
    throw this.fail('torch/too-large', `the file has ${value} ${what}; the limit is ${MOST_ENTRIES}`, offset);
  }

  /** An error about the way in which the file is put together. */
  bad(what: string, offset = this.offset): TorchError {
    return this.fail('torch/bad-legacy', `a PyTorch file of 2016, a tar archive, but ${what}`, offset);
  }

  /** An error about what stands at an offset. */
  fail(code: TorchErrorCode, message: string, offset = this.offset): TorchError {
    const hint = code === 'torch/cut-off' ? 'download this file again' : undefined;
    return new TorchError(code, message, { path: this.source.name, offset, hint });
  }

  async #next(limits: PickleLimits): Promise<Pickle> {
    for (let length = 1; ; length = GROWTH * this.#windowLeft()) {
      await this.#fill(Math.min(length, limits.bytes + 1));
      const pickle = this.#parse(limits);
      if (pickle === undefined) continue;
      this.#position = this.#windowAt + pickle.end;
      return pickle;
    }
  }

  /** Throws unless so many bytes are left. */
  #expectLeft(length: number, what: string): void {
    if (length <= this.left) return;
    throw this.fail('torch/cut-off', `cut off: ${what} should have ${length} bytes, but ${this.left} are left`);
  }

  #windowLeft(): number {
    return this.#windowAt + this.#window.byteLength - this.#position;
  }

  /** Sees to it that the window holds the next `length` bytes, or all that are left. */
  async #fill(length: number): Promise<void> {
    if (this.#windowLeft() >= Math.min(length, this.left)) return;
    const window = new Uint8Array(Math.min(Math.max(WINDOW, length), this.left));
    await this.source.readInto(this.#position, window, this.#options);
    this.#window = window;
    this.#windowAt = this.#position;
  }

  /** The next pickle, or undefined where more bytes could help. */
  #parse(limits: PickleLimits): Pickle | undefined {
    const start = Math.max(0, this.#position - this.#windowAt);
    const location = { start, baseOffset: this.#windowAt, path: this.source.name };
    try {
      return parsePickle(this.#window, { ...location, limits });
    } catch (cause) {
      const isShort =
        cause instanceof PickleError && (cause.code === 'pickle/truncated' || cause.code === 'pickle/no-stop');
      if (!isShort) throw cause;
      if (this.#windowLeft() < this.left) return undefined;
      throw this.fail('torch/cut-off', `cut off: a pickle is incomplete at the end of ${this.#member.name}`);
    }
  }
}
