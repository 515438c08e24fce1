/**
 * What opcodes without parts do to a walk: numbers, text and bytes.
 *
 * Text is remembered where it is short enough to be a name, in whichever of its eight writings. Bytes are stepped
 * over unread, except for their beginning, since a byte string may hold a pickle of its own.
 *
 * @see https://github.com/python/cpython/blob/3.13/Lib/pickletools.py
 * @module
 */
import { unescapeBytes, unescapeUnicode } from './escapes.js';
import { parseDecimal } from './numbers.js';
import { HIGHEST_PICKLE_PROTOCOL, type PickleOpcodeName } from './opcodes.js';
import { decodeLatin1, decodeUtf8 } from './text.js';
import { LOOKAHEAD } from './walk-input.js';
import type { WalkState } from './walk-state.js';
import { NONE, OTHER, type WalkValue } from './walk-values.js';

/** What an opcode does. */
export type WalkStep = (walk: WalkState) => void;

/** Longest text that is remembered, in bytes; names are far shorter. */
const LONGEST_NAME = LOOKAHEAD / 2;

const pushOther: WalkStep = (walk) => walk.push(OTHER);

/** Steps by opcode name. */
export const SCALARS = {
  NONE: (walk) => walk.push(NONE),
  NEWTRUE: pushOther,
  NEWFALSE: pushOther,
  BININT: (walk) => walk.push(walk.input.int32()),
  BININT1: (walk) => walk.push(walk.input.uint(1)),
  BININT2: (walk) => walk.push(walk.input.uint(2)),
  LONG1: (walk) => pushLong(walk, walk.input.uint(1)),
  LONG4: (walk) => pushLong(walk, signedLength(walk)),
  INT: (walk) => walk.push(decimalOf(walk)),
  LONG: (walk) => walk.push(decimalOf(walk)),
  FLOAT: (walk) => {
    lineOf(walk);
    walk.push(OTHER);
  },
  BINFLOAT: (walk) => {
    walk.input.uint(8);
    walk.push(OTHER);
  },
  SHORT_BINUNICODE: (walk) => pushUtf8(walk, walk.input.uint(1)),
  BINUNICODE: (walk) => pushUtf8(walk, walk.input.uint(4)),
  BINUNICODE8: (walk) => pushUtf8(walk, walk.input.uint(8)),
  SHORT_BINSTRING: (walk) => pushString(walk, walk.input.uint(1)),
  BINSTRING: (walk) => pushString(walk, signedLength(walk)),
  STRING: pushQuoted,
  UNICODE: pushEscaped,
  SHORT_BINBYTES: (walk) => pushBytes(walk, walk.input.uint(1)),
  BINBYTES: (walk) => pushBytes(walk, walk.input.uint(4)),
  BINBYTES8: (walk) => pushBytes(walk, walk.input.uint(8)),
  BYTEARRAY8: (walk) => pushBytes(walk, walk.input.uint(8)),
  NEXT_BUFFER: pushOther,
  READONLY_BUFFER: (walk) => void walk.top(),
} satisfies Partial<Record<PickleOpcodeName, WalkStep>>;

/** The line behind the opcode; undefined where it is too long to be looked at, and will be stepped over. */
export function lineOf(walk: WalkState): DataView | undefined {
  const line = walk.input.line();
  if (line === undefined) walk.linesToSkip++;
  return line;
}

/** The integer on the line behind the opcode; something unknown where it is none, or too large for a number. */
export function decimalOf(walk: WalkState): WalkValue {
  const line = lineOf(walk);
  if (line === undefined || line.byteLength > LONGEST_NAME) return OTHER;
  const value = parseDecimal(decodeLatin1(line, 0, line.byteLength).replace(/L$/, ''));
  return typeof value === 'number' ? value : OTHER;
}

function signedLength(walk: WalkState): number {
  const length = walk.input.int32();
  if (length < 0) walk.fail('pickle/bad-argument', `has the negative length ${length}`);
  return Math.max(0, length);
}

function pushLong(walk: WalkState, length: number): void {
  const bytes = walk.input.skip(length);
  walk.push(length <= LONGEST_EXACT && bytes.byteLength === length ? smallLong(bytes) : OTHER);
}

/** Bytes of the longest integer that is told: 2^47 elements are more than any storage has. */
const LONGEST_EXACT = 6;

function smallLong(bytes: DataView): number {
  let value = 0;
  for (let at = 0; at < bytes.byteLength; at++) value += bytes.getUint8(at) * 256 ** at;
  return value < 2 ** (8 * bytes.byteLength - 1) ? value : value - 2 ** (8 * bytes.byteLength);
}

function pushUtf8(walk: WalkState, length: number): void {
  const offset = walk.input.position;
  const bytes = walk.input.skip(length);
  embedIfFile(walk, bytes, { offset, length, isText: true });
  if (bytes.byteLength < length || length > LONGEST_NAME) {
    walk.push(OTHER);
    return;
  }
  const text = decodeUtf8(bytes, 0, length, true);
  if (text === undefined) walk.fail('pickle/bad-string', 'holds text that is not UTF-8');
  walk.pushText(text ?? decodeLatin1(bytes, 0, length));
}

/** Python 2's `str`, which is text for Python 3 where it decodes. */
function pushString(walk: WalkState, length: number): void {
  const offset = walk.input.position;
  const bytes = walk.input.skip(length);
  embedIfFile(walk, bytes, { offset, length, isText: false });
  const text = bytes.byteLength < length || length > LONGEST_NAME ? undefined : decodeUtf8(bytes, 0, length, false);
  if (text === undefined) walk.push(OTHER);
  else walk.pushText(text);
}

function pushBytes(walk: WalkState, length: number): void {
  const offset = walk.input.position;
  const bytes = walk.input.skip(length);
  embedIfFile(walk, bytes, { offset, length, isText: false });
  walk.push(OTHER);
}

function pushQuoted(walk: WalkState): void {
  const line = lineOf(walk);
  if (line === undefined || line.byteLength < 2 || line.byteLength > LONGEST_NAME) {
    walk.push(OTHER);
    return;
  }
  const bytes = unescapeBytes(new DataView(line.buffer, line.byteOffset + 1, line.byteLength - 2));
  const text = bytes && decodeUtf8(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length, false);
  if (text === undefined) walk.push(OTHER);
  else walk.pushText(text);
}

function pushEscaped(walk: WalkState): void {
  const line = lineOf(walk);
  const text = line === undefined || line.byteLength > LONGEST_NAME ? undefined : unescapeUnicode(line);
  if (text === undefined) walk.push(OTHER);
  else walk.pushText(text);
}

const PROTO = 0x80;
const LOCAL_HEADER = 0x04034b50;
const FIRST_OF_TWO = 0xc2;
const STOP = 0x2e;
const LINE_FEED = 0x0a;

/** First opcodes of pickles of protocol 0 that call something: GLOBAL and MARK. */
const OLD_STARTS: ReadonlySet<number> = new Set([0x63, 0x28]);

/** Notes bytes that begin like a pickle or an archive: PROTO, `PK`, or a short pickle without a head. */
function embedIfFile(
  walk: WalkState,
  bytes: DataView,
  place: { offset: number; length: number; isText: boolean },
): void {
  if (bytes.byteLength < 4) return;
  const first = bytes.getUint8(0);
  const proto = place.isText && first === FIRST_OF_TWO ? bytes.getUint8(1) : first;
  const version = bytes.getUint8(proto === first ? 1 : 2);
  const isNew = proto === PROTO && version >= 2 && version <= HIGHEST_PICKLE_PROTOCOL;
  const isArchive = bytes.getUint32(0, true) === LOCAL_HEADER;
  if (isNew || isArchive || isOldPickle(bytes, place.length)) walk.embed(place);
}

function isOldPickle(bytes: DataView, length: number): boolean {
  if (!OLD_STARTS.has(bytes.getUint8(0)) || bytes.byteLength < length) return false;
  if (bytes.getUint8(length - 1) !== STOP) return false;
  for (let at = 1; at < length; at++) if (bytes.getUint8(at) === LINE_FEED) return true;
  return false;
}
