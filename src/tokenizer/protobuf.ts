/**
 * The protobuf wire format: tagged fields, nothing else.
 *
 * A message does not name its fields and does not say where it ends; the reader is told its range and checks
 * every length against what is left of it. Messages inside are ranges again, read by another call.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 * @module
 */
import { hexOffset } from '../errors.js';
import { TokenizerError } from './vocabulary.js';

/** How a value lies on the wire. */
export type WireType = 'varint' | 'fixed64' | 'bytes' | 'fixed32';

/** One field of a message; its value is at `start` to `end`. */
export interface WireField {
  /** Field number, from 1. */
  readonly number: number;
  /** How the value lies there. */
  readonly type: WireType;
  /** Where the field's tag lies in the file. */
  readonly offset: number;
  /** First byte of the value, behind the length of `bytes`. */
  readonly start: number;
  /** First byte behind the value. */
  readonly end: number;
  /** Value of a varint, its low 32 bits as a signed integer (all that enums, int32 and bool use); 0 for other types. */
  readonly int32: number;
}

/**
 * The fields of the message at `start` to `end`, in the order of the file.
 *
 * @throws TokenizerError `tokenizer/truncated` where a value reaches past `end`, `tokenizer/malformed` for
 *   field number 0, groups, unknown wire types and varints of more than ten bytes
 */
export function* wireFields(bytes: Uint8Array, start: number, end: number, path?: string): Generator<WireField> {
  let at = start;
  while (at < end) {
    const field = parseField(bytes, at, end, path);
    yield field;
    at = field.end;
  }
}

const WIRE_TYPES: readonly (WireType | undefined)[] = ['varint', 'fixed64', 'bytes', undefined, undefined, 'fixed32'];
/** A 64-bit number in groups of seven bits. */
const VARINT_BYTES = 10;

function parseField(bytes: Uint8Array, offset: number, end: number, path: string | undefined): WireField {
  const tag = parseVarint(bytes, offset, end, path);
  const number = Math.floor(tag.value / 8);
  const type = WIRE_TYPES[tag.int32 & 7];
  if (type === undefined || number === 0) {
    const message = `the protobuf tag at ${hexOffset(offset)} has field number ${number} and wire type ${tag.int32 & 7}, which do not occur`;
    throw new TokenizerError('tokenizer/malformed', message, { path, offset });
  }
  if (type === 'varint') {
    const varint = parseVarint(bytes, tag.end, end, path);
    return { number, type, offset, start: tag.end, end: varint.end, int32: varint.int32 };
  }
  const length = type === 'bytes' ? parseVarint(bytes, tag.end, end, path) : undefined;
  const from = length?.end ?? tag.end;
  const size = length?.value ?? (type === 'fixed64' ? 8 : 4);
  if (size > end - from) throw cutOff(`${size} bytes`, offset, end - from, path);
  return { number, type, offset, start: from, end: from + size, int32: 0 };
}

interface Varint {
  /** The number, not exact above 2^53, which only ever fails the check against what is left. */
  readonly value: number;
  readonly int32: number;
  readonly end: number;
}

function parseVarint(bytes: Uint8Array, start: number, end: number, path: string | undefined): Varint {
  let value = 0;
  let int32 = 0;
  for (let index = 0; index < VARINT_BYTES; index++) {
    const at = start + index;
    if (at >= end) throw cutOff('a number', start, 0, path);
    const byte = bytes[at]!;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (index < 5) int32 |= (byte & 0x7f) << (7 * index);
    if (byte < 0x80) return { value, int32, end: at + 1 };
  }
  const message = `the number at ${hexOffset(start)} has more than ${VARINT_BYTES} bytes`;
  throw new TokenizerError('tokenizer/malformed', message, { path, offset: start });
}

function cutOff(what: string, offset: number, left: number, path: string | undefined): TokenizerError {
  const message = `the protobuf message ends within a field: ${what} expected at ${hexOffset(offset)}, ${left} bytes left`;
  return new TokenizerError('tokenizer/truncated', message, { path, offset });
}
