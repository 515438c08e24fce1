/**
 * The bytes of a pickle that is walked: a window that moves along a source.
 *
 * The machine wants a whole pickle in memory; a walk goes over files of any size, and only needs each opcode
 * with the beginning of its argument. The window therefore always holds {@link LOOKAHEAD} bytes in front of
 * the position unless the file ends sooner, and whatever is longer is stepped over unread.
 *
 * @module
 */
import type { ByteSource, ReadOptions } from '../source/byte-source.js';

/** Bytes in front of the position that can be looked at: an opcode, its numbers, and a text that may be a name. */
export const LOOKAHEAD = 1 << 10;

/** Bytes read at first; the pickles of most files are shorter. */
const FIRST_WINDOW = 1 << 15;

/** Bytes read at a time later on. */
const WINDOW = 1 << 20;

const LINE_FEED = 0x0a;

const NOTHING = new Uint8Array(0);

/** A position in a source, and the bytes there. */
export class WalkInput {
  /** Offset of the next byte. */
  position: number;
  /** Whether bytes were asked for that lie behind the end. */
  exhausted = false;
  private readonly source: ByteSource;
  private readonly options: ReadOptions;
  private window: Uint8Array = NOTHING;
  private view = viewOf(NOTHING);
  private windowStart = 0;

  constructor(source: ByteSource, start: number, options: ReadOptions) {
    this.source = source;
    this.position = start;
    this.options = options;
  }

  /** Bytes from the position to the end. */
  get left(): number {
    return Math.max(0, this.source.size - this.position);
  }

  /** Whether the window no longer holds enough to go on; then {@link refill} it. */
  get isLow(): boolean {
    const end = this.windowStart + this.window.length;
    return this.position + LOOKAHEAD > end && end < this.source.size;
  }

  /** Moves the window so that it begins at the position; one read. */
  async refill(): Promise<void> {
    const wanted = this.window.length === 0 ? FIRST_WINDOW : WINDOW;
    const length = Math.min(wanted, this.left);
    this.window = NOTHING;
    this.windowStart = Math.min(this.position, this.source.size);
    const bytes = await this.source.read(this.windowStart, length, this.options);
    this.window = bytes;
    this.view = viewOf(bytes);
  }

  /** The next `length` bytes as a number, little-endian; 0 where they are not there. At most 8. */
  uint(length: 1 | 2 | 4 | 8): number {
    const at = this.take(length);
    if (at === undefined) return 0;
    switch (length) {
      case 1:
        return this.view.getUint8(at);
      case 2:
        return this.view.getUint16(at, true);
      case 4:
        return this.view.getUint32(at, true);
      case 8:
        return this.view.getUint32(at, true) + this.view.getUint32(at + 4, true) * 2 ** 32;
    }
  }

  /** The next four bytes as a signed number; 0 where they are not there. */
  int32(): number {
    return this.uint(4) | 0;
  }

  /** Steps over `length` bytes and gives a view of the first of them, {@link LOOKAHEAD} at most. */
  skip(length: number): DataView {
    if (length > this.left) this.exhausted = true;
    const at = this.position - this.windowStart;
    const shown = Math.max(0, Math.min(length, LOOKAHEAD - 16, this.window.length - at));
    this.position += Math.min(length, this.left);
    return new DataView(this.window.buffer, this.window.byteOffset + at, shown);
  }

  /** The bytes up to the next line feed, which is stepped over; undefined where it is not within the window. */
  line(): DataView | undefined {
    const from = this.position - this.windowStart;
    const to = this.window.indexOf(LINE_FEED, from);
    if (to < 0) return undefined;
    this.position += to + 1 - from;
    return new DataView(this.window.buffer, this.window.byteOffset + from, to - from);
  }

  /** Steps over a line however long it is; reads the source as far as the line goes. */
  async skipLine(): Promise<void> {
    for (;;) {
      await this.refill();
      const at = this.window.indexOf(LINE_FEED);
      this.position += at < 0 ? this.window.length : at + 1;
      if (at >= 0) return;
      if (this.left > 0) continue;
      this.exhausted = true;
      return;
    }
  }

  private take(length: number): number | undefined {
    const at = this.position - this.windowStart;
    if (at + length > this.window.length) {
      this.exhausted = true;
      return undefined;
    }
    this.position += length;
    return at;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
