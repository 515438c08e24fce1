/**
 * The 68 opcodes of pickle protocols 0 to 5.
 *
 * A pickle has no header and no length: it is a program for a stack machine, and only running it to STOP
 * tells where it ends. Each opcode is one byte; its argument's length follows from the kind given here.
 *
 * @see https://github.com/python/cpython/blob/3.13/Lib/pickletools.py (opcodes)
 * @see https://peps.python.org/pep-0307/ (protocol 2)
 * @see https://peps.python.org/pep-3154/ (protocol 4)
 * @see https://peps.python.org/pep-0574/ (protocol 5)
 * @module
 */

/**
 * What stands between an opcode and the next. Integers are little-endian, floats big-endian. `bytes-*` and
 * `text-*` are a length of that type and as many bytes; `*-line` and `line` end with a line feed.
 */
export type PickleArgument =
  | 'none'
  | 'u8'
  | 'u16'
  | 'i32'
  | 'u32'
  | 'u64'
  | 'f64'
  | 'bytes-u8'
  | 'bytes-i32'
  | 'bytes-u32'
  | 'bytes-u64'
  | 'text-u8'
  | 'text-u32'
  | 'text-u64'
  | 'decimal-line'
  | 'float-line'
  | 'quoted-line'
  | 'escaped-line'
  | 'line'
  | 'two-lines';

/** One opcode. */
export interface PickleOpcode {
  /** Name, as `pickletools` gives it. */
  readonly name: PickleOpcodeName;
  /** The byte. */
  readonly code: number;
  /** Lowest protocol that has it. */
  readonly protocol: 0 | 1 | 2 | 3 | 4 | 5;
  /** What follows the byte. */
  readonly argument: PickleArgument;
}

/** Highest protocol there is. */
export const HIGHEST_PICKLE_PROTOCOL = 5;

const ROWS = [
  ['MARK', 0x28, 0, 'none'],
  ['STOP', 0x2e, 0, 'none'],
  ['POP', 0x30, 0, 'none'],
  ['DUP', 0x32, 0, 'none'],
  ['FLOAT', 0x46, 0, 'float-line'],
  ['INT', 0x49, 0, 'decimal-line'],
  ['LONG', 0x4c, 0, 'decimal-line'],
  ['NONE', 0x4e, 0, 'none'],
  ['PERSID', 0x50, 0, 'line'],
  ['REDUCE', 0x52, 0, 'none'],
  ['STRING', 0x53, 0, 'quoted-line'],
  ['UNICODE', 0x56, 0, 'escaped-line'],
  ['APPEND', 0x61, 0, 'none'],
  ['BUILD', 0x62, 0, 'none'],
  ['GLOBAL', 0x63, 0, 'two-lines'],
  ['DICT', 0x64, 0, 'none'],
  ['GET', 0x67, 0, 'decimal-line'],
  ['INST', 0x69, 0, 'two-lines'],
  ['LIST', 0x6c, 0, 'none'],
  ['PUT', 0x70, 0, 'decimal-line'],
  ['SETITEM', 0x73, 0, 'none'],
  ['TUPLE', 0x74, 0, 'none'],
  ['EMPTY_TUPLE', 0x29, 1, 'none'],
  ['POP_MARK', 0x31, 1, 'none'],
  ['BINFLOAT', 0x47, 1, 'f64'],
  ['BININT', 0x4a, 1, 'i32'],
  ['BININT1', 0x4b, 1, 'u8'],
  ['BININT2', 0x4d, 1, 'u16'],
  ['BINPERSID', 0x51, 1, 'none'],
  ['BINSTRING', 0x54, 1, 'bytes-i32'],
  ['SHORT_BINSTRING', 0x55, 1, 'bytes-u8'],
  ['BINUNICODE', 0x58, 1, 'text-u32'],
  ['EMPTY_LIST', 0x5d, 1, 'none'],
  ['APPENDS', 0x65, 1, 'none'],
  ['BINGET', 0x68, 1, 'u8'],
  ['LONG_BINGET', 0x6a, 1, 'u32'],
  ['OBJ', 0x6f, 1, 'none'],
  ['BINPUT', 0x71, 1, 'u8'],
  ['LONG_BINPUT', 0x72, 1, 'u32'],
  ['SETITEMS', 0x75, 1, 'none'],
  ['EMPTY_DICT', 0x7d, 1, 'none'],
  ['PROTO', 0x80, 2, 'u8'],
  ['NEWOBJ', 0x81, 2, 'none'],
  ['EXT1', 0x82, 2, 'u8'],
  ['EXT2', 0x83, 2, 'u16'],
  ['EXT4', 0x84, 2, 'i32'],
  ['TUPLE1', 0x85, 2, 'none'],
  ['TUPLE2', 0x86, 2, 'none'],
  ['TUPLE3', 0x87, 2, 'none'],
  ['NEWTRUE', 0x88, 2, 'none'],
  ['NEWFALSE', 0x89, 2, 'none'],
  ['LONG1', 0x8a, 2, 'bytes-u8'],
  ['LONG4', 0x8b, 2, 'bytes-i32'],
  ['BINBYTES', 0x42, 3, 'bytes-u32'],
  ['SHORT_BINBYTES', 0x43, 3, 'bytes-u8'],
  ['SHORT_BINUNICODE', 0x8c, 4, 'text-u8'],
  ['BINUNICODE8', 0x8d, 4, 'text-u64'],
  ['BINBYTES8', 0x8e, 4, 'bytes-u64'],
  ['EMPTY_SET', 0x8f, 4, 'none'],
  ['ADDITEMS', 0x90, 4, 'none'],
  ['FROZENSET', 0x91, 4, 'none'],
  ['NEWOBJ_EX', 0x92, 4, 'none'],
  ['STACK_GLOBAL', 0x93, 4, 'none'],
  ['MEMOIZE', 0x94, 4, 'none'],
  ['FRAME', 0x95, 4, 'u64'],
  ['BYTEARRAY8', 0x96, 5, 'bytes-u64'],
  ['NEXT_BUFFER', 0x97, 5, 'none'],
  ['READONLY_BUFFER', 0x98, 5, 'none'],
] as const satisfies readonly (readonly [string, number, PickleOpcode['protocol'], PickleArgument])[];

/** Name of an opcode. */
export type PickleOpcodeName = (typeof ROWS)[number][0];

/** All opcodes, by protocol and then by byte. */
export const PICKLE_OPCODES: readonly PickleOpcode[] = ROWS.map(([name, code, protocol, argument]) => ({
  name,
  code,
  protocol,
  argument,
}));

const BY_CODE: readonly (PickleOpcode | undefined)[] = Array.from({ length: 256 }, (_, code) =>
  PICKLE_OPCODES.find((opcode) => opcode.code === code),
);

/** The opcode of a byte; undefined where there is none. */
export function opcodeOf(code: number): PickleOpcode | undefined {
  return BY_CODE[code];
}
