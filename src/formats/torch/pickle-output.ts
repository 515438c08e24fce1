/**
 * Opcodes of protocol 2, appended one after another as Python's pickler does.
 *
 * Only what a state dict needs. Python fetches an object from its memo when it meets the very same object
 * again; here objects that are the same have the same name.
 *
 * @see https://github.com/python/cpython/blob/3.13/Lib/pickletools.py
 * @module
 */

/** The opcodes that are written. */
export const OP = {
  mark: 0x28,
  emptyTuple: 0x29,
  stop: 0x2e,
  binInt: 0x4a,
  binInt1: 0x4b,
  binInt2: 0x4d,
  binPersId: 0x51,
  reduce: 0x52,
  binUnicode: 0x58,
  global: 0x63,
  binGet: 0x68,
  longBinGet: 0x6a,
  binPut: 0x71,
  longBinPut: 0x72,
  setItem: 0x73,
  tuple: 0x74,
  setItems: 0x75,
  emptyDict: 0x7d,
  proto: 0x80,
  tuple1: 0x85,
  newFalse: 0x89,
  long1: 0x8a,
} as const;

/** Largest numbers of the opcodes for integers and memo slots. */
const U8 = 0xff;
const U16 = 0xffff;
const I32 = 0x7fffffff;

/** A growing pickle and the memo Python would have at that point. */
export class PickleOutput {
  #bytes = new Uint8Array(1 << 12);
  #length = 0;
  #slots = 0;
  readonly #memo = new Map<string, number>();

  /** Appends an opcode with its argument. */
  opcode(opcode: number, ...argument: readonly number[]): void {
    this.#append([opcode, ...argument]);
  }

  /** Puts the value just written into the next slot. */
  memoize(name?: string): void {
    if (name !== undefined) this.#memo.set(name, this.#slots);
    this.#slot(OP.binPut, OP.longBinPut, this.#slots);
    this.#slots += 1;
  }

  /** Fetches what was written under that name before, or writes and memoizes it. */
  shared(name: string, write: () => void): void {
    const slot = this.#memo.get(name);
    if (slot !== undefined) {
      this.#slot(OP.binGet, OP.longBinGet, slot);
      return;
    }
    write();
    this.memoize(name);
  }

  /** A string that is an object of its own. */
  string(text: string): void {
    this.#text(text);
    this.memoize();
  }

  /** A string that is one object wherever it occurs. */
  sharedString(text: string): void {
    this.shared(`string ${text}`, () => {
      this.#text(text);
    });
  }

  /** A class or function by name. */
  global(module: string, name: string): void {
    this.shared(`global ${module} ${name}`, () => {
      this.opcode(OP.global);
      this.#append(new TextEncoder().encode(`${module}\n${name}\n`));
    });
  }

  /** An integer that is not negative, as short as it can be. */
  integer(value: number): void {
    if (value <= U8) this.opcode(OP.binInt1, value);
    else if (value <= U16) this.opcode(OP.binInt2, value & U8, value >> 8);
    else if (value <= I32) this.opcode(OP.binInt, ...littleEndian(value, 4));
    else this.#long(value);
  }

  /** A tuple of integers; short ones have opcodes of their own. */
  integers(values: readonly number[]): void {
    if (values.length === 0) {
      this.opcode(OP.emptyTuple);
      return;
    }
    if (values.length > 3) this.opcode(OP.mark);
    for (const value of values) this.integer(value);
    this.opcode(values.length > 3 ? OP.tuple : OP.tuple1 + values.length - 1);
    this.memoize();
  }

  /** The pickle; nothing must be appended afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** The fewest bytes whose highest bit is free for the sign. */
  #long(value: number): void {
    let length = 5;
    while (value >= 2 ** (8 * length - 1)) length += 1;
    this.opcode(OP.long1, length, ...littleEndian(value, length));
  }

  #text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.opcode(OP.binUnicode, ...littleEndian(bytes.byteLength, 4));
    this.#append(bytes);
  }

  #slot(short: number, long: number, slot: number): void {
    if (slot <= U8) this.opcode(short, slot);
    else this.opcode(long, ...littleEndian(slot, 4));
  }

  #append(bytes: ArrayLike<number>): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(2 * needed);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = needed;
  }
}

function littleEndian(value: number, length: number): number[] {
  return Array.from({ length }, (_, index) => Math.floor(value / 256 ** index) % 256);
}
