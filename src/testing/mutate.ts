/**
 * Damage to files, as data: what happens on the way, what a careless writer does, and what an attacker would try.
 *
 * An edit says what it does in numbers only, so a case is told in one line and done again from it. Not part of
 * the package.
 *
 * @module
 */

/** Kinds of edits. */
export const EDIT_KINDS = ['flip', 'set', 'insert', 'delete', 'truncate', 'splice', 'field', 'repeat', 'copy', 'token', 'zero'] as const; // prettier-ignore

/** One change to a file. */
export interface Edit {
  /** What is done. */
  readonly kind: (typeof EDIT_KINDS)[number];
  /** Where, modulo the length of the file. */
  readonly at: number;
  /** How many bytes, or which bit, modulo what makes sense. */
  readonly length: number;
  /** What is written, modulo what makes sense. */
  readonly value: number;
}

/** Largest number of `at`, `length` and `value`. */
export const LARGEST_NUMBER = 2 ** 31 - 1;

/** The bytes after all edits, in order; `other` is the file that parts are spliced in from. Changes neither. */
export function applyEdits(bytes: Uint8Array, edits: readonly Edit[], other: Uint8Array): Uint8Array {
  let edited: Uint8Array = bytes.slice();
  for (const edit of edits) edited = applyEdit(edited, edit, other);
  return edited;
}

function applyEdit(bytes: Uint8Array, { kind, at: place, length, value }: Edit, other: Uint8Array): Uint8Array {
  const at = place % (bytes.length + 1);
  const inside = place % Math.max(1, bytes.length);
  const some = 1 + (length % 16);
  switch (kind) {
    case 'flip':
      return overwritten(bytes, inside, [(bytes[inside] ?? 0) ^ (1 << (length % 8))]);
    case 'set':
      return overwritten(bytes, inside, [value % 256]);
    case 'insert':
      return joined(bytes.subarray(0, at), new Uint8Array(some).fill(value % 256), bytes.subarray(at));
    case 'delete':
      return joined(bytes.subarray(0, at), bytes.subarray(at + some));
    case 'truncate':
      return bytes.slice(0, at);
    case 'splice':
      return joined(bytes.subarray(0, at), other.subarray(value % (other.length + 1)));
    case 'field':
      return overwritten(bytes, fieldAt(bytes, inside), fieldBytes(bytes, fieldAt(bytes, inside), length, value));
    case 'repeat':
      return joined(bytes.subarray(0, at), ...copies(bytes.subarray(at - (at % (1 + (length % 256))), at), value));
    case 'copy':
      return overwritten(bytes, inside, bytes.slice(value % Math.max(1, bytes.length)).subarray(0, 1 + (length % 64)));
    case 'token':
      return withToken(bytes, inside, length, value);
    case 'zero':
      return overwritten(bytes, inside, new Uint8Array(1 + (length % 512)));
  }
}

function overwritten(bytes: Uint8Array, at: number, by: ArrayLike<number>): Uint8Array {
  const fitting = Math.min(by.length, bytes.length - at);
  for (let index = 0; index < fitting; index++) bytes[at + index] = by[index]!;
  return bytes;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A stretch several times over, mostly twice, sometimes a thousand times; at most 64 kB in all. */
function copies(stretch: Uint8Array, value: number): Uint8Array[] {
  const times = value % 8 === 0 ? 1 + (value % 1000) : 2;
  return Array.from({ length: Math.min(times, Math.ceil(65_536 / Math.max(1, stretch.length))) }, () => stretch);
}

/** The next place that looks like a little-endian number: a byte that is not zero before one that is. */
function fieldAt(bytes: Uint8Array, from: number): number {
  for (let at = from; at < Math.min(bytes.length - 1, from + 256); at++) {
    if (bytes[at] !== 0 && bytes[at + 1] === 0 && (at === 0 || bytes[at - 1] === 0)) return at;
  }
  return from;
}

/** Numbers at which readers stumble. */
const NUMBERS: readonly bigint[] = [
  ...[0n, 1n, 2n, 7n, 31n, 127n, 128n, 255n, 256n, 65_535n, 65_536n, (1n << 20n) - 1n, 1n << 24n, 100_000_000n],
  ...[1n << 28n, (1n << 31n) - 1n, 1n << 31n, (1n << 32n) - 1n, 1n << 32n, 1n << 40n, 1n << 50n],
  ...[(1n << 53n) - 1n, 1n << 53n, (1n << 53n) + 1n, 1n << 61n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n],
];

/** Two, four or eight bytes: a number of the list, or the present one or the file's length a little changed. */
function fieldBytes(bytes: Uint8Array, at: number, length: number, value: number): Uint8Array {
  const width = [2, 4, 8, 8][length % 4]!;
  const field = new Uint8Array(8);
  field.set(bytes.subarray(at, at + width));
  const view = new DataView(field.buffer);
  const present = view.getBigUint64(0, true);
  const near = [
    present + 1n,
    present - 1n,
    present * 2n,
    present + 64n,
    BigInt(bytes.length),
    BigInt(bytes.length - at),
  ];
  const choices = [...NUMBERS, ...near, ...near];
  view.setBigUint64(0, BigInt.asUintN(64, choices[value % choices.length]!), true);
  return field.subarray(0, width);
}

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** Words of the formats: signatures, opcodes with arguments, pieces of JSON. */
const TOKENS: readonly Uint8Array[] = [
  ...['PK\x03\x04', 'PK\x01\x02', 'PK\x05\x06', 'PK\x06\x06', 'PK\x06\x07', 'PK\x07\x08', 'GGUF', '\x1f\x8b', 'FB\x08\0'],
  ...['\x80\x02', '\x80\x05\x95', '.', '(', ')', ']', '}', 'N', 'R', 'Q', 'b', 'e', 'u', 's', 't', '\x85', '\x86', '\x87', '0', '1', '2'],
  ...['cos\nsystem\n', 'ctorch\nFloatStorage\n', 'ctorch._utils\n_rebuild_tensor_v2\n', 'ccollections\nOrderedDict\n)R'],
  ...['K\xff', 'J\xff\xff\xff\xff', 'J\xff\xff\xff\x7f', '\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f', '\x8b\xff\xff\xff\x7f', 'I-1\n', 'I99999999999999999999\n'],
  ...['G\x7f\xf8\0\0\0\0\0\0', 'G\x7f\xf0\0\0\0\0\0\0', 'Fnan\n', 'X\xff\xff\xff\xff', 'B\xff\xff\xff\x7f', 'h\0', 'r\xff\xff\xff\xff', '\x94', '\x93', '\x92', '\x96', '\x97', '\x98'],
  ...['{', '}', '[', ']', '"', ',', ':', '\\', '\\u0000', '\\ud800', '1e999', '-1', '0.5', 'null', '{"a":', '[[[[[[[[', '"__proto__":{}', '"__metadata__":{}'],
  ...['"data_offsets":[0,0]', '"shape":[]', '"dtype":"F32"', 'BF16', '\xc3\x28', '\xef\xbb\xbf', '\xed\xa0\x80', '../../x', 'data/0', 'data.pkl', 'byteorder'],
].map(latin1); // prettier-ignore

/** A word written over what is there, or put in between. */
function withToken(bytes: Uint8Array, at: number, length: number, value: number): Uint8Array {
  const token = TOKENS[value % TOKENS.length]!;
  if (length % 2 === 0) return overwritten(bytes, at, token);
  return joined(bytes.subarray(0, at), token, bytes.subarray(at));
}

/** Whole numbers from 0 to {@link LARGEST_NUMBER}; the same seed and stream give the same numbers (splitmix32). */
export function randomIntegers(seed: number, stream: number): () => number {
  let state = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(stream | 0, 0x85ebca77)) | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 1;
  };
}

/** One to four edits, of every kind alike. */
export function randomEdits(random: () => number): Edit[] {
  const count = [1, 1, 1, 2, 2, 3, 4][random() % 7]!;
  return Array.from({ length: count }, () => {
    return { kind: EDIT_KINDS[random() % EDIT_KINDS.length]!, at: random(), length: random(), value: random() };
  });
}
