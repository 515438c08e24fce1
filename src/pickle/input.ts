/**
 * The bytes of a pickle, read from one opcode to the next.
 *
 * Every length is held against the bytes that are left before anything is made of it, so a ten-byte pickle
 * that claims a two-gigabyte string costs nothing. Knows the opcode in hand, since every complaint names it.
 *
 * @module
 */
import { type ErrorContext, hexOffset } from '../errors.js';
import { PickleError, type PickleErrorCode } from './errors.js';
import type { PickleLimits } from './limits.js';
import { opcodeOf } from './opcodes.js';
import { decodeLatin1, decodeUtf8 } from './text.js';

const LINE_FEED = 0x0a;

/** Where a pickle lies and how its bytes are called in messages. */
export interface PickleLocation {
  /** Index of the first opcode; default 0. */
  readonly start?: number | undefined;
  /** Offset of the given bytes in their file, added to every offset that is told; default 0. */
  readonly baseOffset?: number | undefined;
  /** File or member that errors name. */
  readonly path?: string | undefined;
}

/** A cursor over the bytes of one pickle. */
export class PickleInput {
  /** The bytes as given, for reading numbers. */
  readonly view: DataView;
  /** Index behind the last byte that may be read. */
  readonly end: number;
  /** Index of the next byte. */
  position: number;
  private readonly bytes: Uint8Array;
  private readonly limits: PickleLimits;
  private readonly baseOffset: number;
  private readonly path: string | undefined;
  private opcode = 0;
  private opcodeAt: number;
  private frameEnd = Infinity;

  constructor(bytes: Uint8Array, location: PickleLocation, limits: PickleLimits) {
    const { start = 0, baseOffset = 0, path } = location;
    if (!Number.isSafeInteger(start) || start < 0 || start > bytes.byteLength) {
      const message = `a pickle was looked for at byte ${start}, but there are ${bytes.byteLength} bytes`;
      throw new PickleError('pickle/bad-argument', message, { path });
    }
    this.bytes = bytes;
    this.limits = limits;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = start;
    this.opcodeAt = start;
    this.end = Math.min(bytes.byteLength, start + limits.bytes);
    this.baseOffset = baseOffset;
    this.path = path;
  }

  /** Offset of the opcode in hand, in the file. */
  get offset(): number {
    return this.baseOffset + this.opcodeAt;
  }

  /** The next opcode's byte. */
  nextOpcode(): number {
    const at = this.position;
    if (at >= this.frameEnd) this.leaveFrame();
    const code = at < this.end ? this.bytes[at] : undefined;
    if (code === undefined) throw this.endedWithoutStop();
    this.opcodeAt = at;
    this.position = at + 1;
    this.opcode = code;
    return code;
  }

  /** Begins a frame of the length that follows FRAME. */
  enterFrame(): void {
    const length = this.u64();
    if (this.frameEnd !== Infinity) throw this.fail('pickle/bad-frame', 'begins a frame inside a frame');
    this.expectLeft(length);
    this.frameEnd = this.position + length;
  }

  /** Throws unless the frame, if there is one, ends here: two readers would else disagree on the pickle's end. */
  expectFrameEnd(): void {
    if (this.frameEnd === Infinity || this.position === this.frameEnd) return;
    throw this.fail('pickle/bad-frame', 'stands before the end of its frame');
  }

  /** A byte. */
  u8(): number {
    const value = this.position < this.end ? this.bytes[this.position] : undefined;
    if (value === undefined) throw this.short(1);
    this.position++;
    return value;
  }

  /** Two bytes, unsigned. */
  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }

  /** Four bytes, signed. */
  i32(): number {
    return this.view.getInt32(this.take(4), true);
  }

  /** Four bytes, unsigned. */
  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  /** A 64-bit length; exact below 2^53, and above that more than any pickle has. */
  u64(): number {
    const at = this.take(8);
    return this.view.getUint32(at, true) + this.view.getUint32(at + 4, true) * 2 ** 32;
  }

  /** A big-endian float of eight bytes. */
  f64(): number {
    return this.view.getFloat64(this.take(8), false);
  }

  /** A length that protocol 1 and 2 write as a signed number. */
  signedLength(): number {
    const length = this.i32();
    if (length < 0) throw this.fail('pickle/bad-argument', `has the negative length ${length}`);
    return length;
  }

  /** Steps over `length` bytes and gives the index of the first. */
  take(length: number): number {
    this.expectLeft(length);
    const at = this.position;
    this.position = at + length;
    return at;
  }

  /** The next `length` bytes, a view. */
  raw(length: number): Uint8Array {
    const at = this.take(length);
    return this.bytes.subarray(at, at + length);
  }

  /** The next `length` bytes as text, lone surrogates allowed. */
  text(length: number): string {
    const at = this.take(length);
    this.expectString(length);
    const text = decodeUtf8(this.view, at, at + length, true);
    if (text === undefined) throw this.fail('pickle/bad-string', 'holds text that is not UTF-8');
    return text;
  }

  /** A line without its line feed, one character (0 to 255) a byte. */
  line(): string {
    const from = this.position;
    return decodeLatin1(this.view, from, this.takeLine());
  }

  /** The bytes of a line without its line feed, a view. */
  rawLine(): DataView {
    const from = this.position;
    const to = this.takeLine();
    return new DataView(this.bytes.buffer, this.bytes.byteOffset + from, to - from);
  }

  /** A line of UTF-8 without its line feed. */
  utf8Line(): string {
    const from = this.position;
    const text = decodeUtf8(this.view, from, this.takeLine(), false);
    if (text === undefined) throw this.fail('pickle/bad-string', 'holds a name that is not UTF-8');
    return text;
  }

  /** Throws when a string of that many bytes is longer than allowed. */
  expectString(length: number): void {
    if (length > this.limits.stringBytes) throw this.overLimit('stringBytes', 'bytes of text');
  }

  /** An error about the opcode in hand. */
  fail(code: PickleErrorCode, what: string, context: ErrorContext = {}): PickleError {
    const name = opcodeOf(this.opcode)?.name ?? `opcode 0x${this.opcode.toString(16).padStart(2, '0')}`;
    const message = `the pickle's ${name} at ${hexOffset(this.offset)} ${what}`;
    return new PickleError(code, message, { path: this.path, offset: this.offset, ...context });
  }

  /** An error about a cap that the opcode in hand would pass. */
  overLimit(limit: keyof PickleLimits, what: string): PickleError {
    const hint = `raise limits.${limit} if the file can be trusted`;
    return this.fail('pickle/limit-exceeded', `asks for more than the ${this.limits[limit]} ${what} allowed`, { hint });
  }

  private leaveFrame(): void {
    if (this.position > this.frameEnd) throw this.fail('pickle/bad-frame', 'runs past the end of its frame');
    this.frameEnd = Infinity;
  }

  /** Steps over a line and gives the index of its line feed. */
  private takeLine(): number {
    const from = this.position;
    const to = this.bytes.indexOf(LINE_FEED, from);
    if (to < 0 || to >= this.end) throw this.cut('wants a line that ends with a line feed');
    this.expectString(to - from);
    this.position = to + 1;
    return to;
  }

  private expectLeft(length: number): void {
    if (length <= this.end - this.position) return;
    throw this.short(length);
  }

  private short(length: number): PickleError {
    return this.cut(`wants ${length} more ${length === 1 ? 'byte' : 'bytes'}`);
  }

  /** The bytes have run out: because the file ends, or because of the cap on bytes. */
  private cut(what: string): PickleError {
    if (this.end < this.bytes.byteLength) return this.overLimit('bytes', 'bytes');
    const left = this.end - this.position;
    return this.fail('pickle/truncated', `${what}, but the pickle ends after ${left}`);
  }

  private endedWithoutStop(): PickleError {
    if (this.end < this.bytes.byteLength) return this.overLimit('bytes', 'bytes');
    const offset = this.baseOffset + this.end;
    const message = `the pickle ends at ${hexOffset(offset)} without STOP`;
    return new PickleError('pickle/no-stop', message, { path: this.path, offset });
  }
}
