/**
 * Writes pickles by hand for the tests, opcode by opcode, sound or broken.
 *
 * Not part of the package.
 *
 * @module
 */
import { PICKLE_OPCODES, type PickleOpcodeName } from '../pickle/opcodes.js';
import type {
  BytesValue,
  DictValue,
  FloatValue,
  ListValue,
  PickleEntry,
  PickleValue,
  TupleValue,
} from '../pickle/values.js';

/** A piece of a pickle: the name of an opcode without argument, or bytes. */
export type PicklePart = PickleOpcodeName | Uint8Array;

/** The parts one after the other, with nothing added. */
export function assemble(...parts: readonly PicklePart[]): Uint8Array {
  return joinBytes(parts.map((part) => (typeof part === 'string' ? opcodeByte(part) : part)));
}

/** The parts and a STOP. */
export function pickle(...parts: readonly PicklePart[]): Uint8Array {
  return assemble(...parts, 'STOP');
}

/** A part many times over. */
export function repeat(part: PicklePart, times: number): Uint8Array {
  const piece = assemble(part);
  const repeated = new Uint8Array(piece.length * times);
  for (let at = 0; at < repeated.length; at += piece.length) repeated.set(piece, at);
  return repeated;
}

/** An opcode with its argument. */
export function op(name: PickleOpcodeName, ...argument: readonly Uint8Array[]): Uint8Array {
  return joinBytes([opcodeByte(name), ...argument]);
}

/** The argument of 1, 2, 4 or 8 bytes: an integer, little-endian. */
export function int(byteLength: 1 | 2 | 4 | 8, value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigInt64(0, BigInt(value), true);
  return new Uint8Array(view.buffer, 0, byteLength);
}

/** A big-endian float of 8 bytes. */
export function f64(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value, false);
  return new Uint8Array(view.buffer);
}

/** One byte (0 to 255) for each character. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** UTF-8. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** SHORT_BINUNICODE of a text. */
export function text(value: string): Uint8Array {
  const bytes = utf8(value);
  return op('SHORT_BINUNICODE', int(1, bytes.length), bytes);
}

/** GLOBAL of a module and a name. */
export function global(module: string, name: string): Uint8Array {
  return op('GLOBAL', utf8(`${module}\n${name}\n`));
}

/** Bytes of hexadecimal digits. */
export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Pieces one after the other. */
function joinBytes(pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

/** The value of a list. */
export function list(...items: PickleValue[]): ListValue {
  return { kind: 'list', items };
}

/** The value of a tuple. */
export function tuple(...items: PickleValue[]): TupleValue {
  return { kind: 'tuple', items };
}

/** The value of a dictionary. */
export function dict(...entries: PickleEntry[]): DictValue {
  return { kind: 'dict', entries };
}

/** The value of a float. */
export function float(value: number): FloatValue {
  return { kind: 'float', value };
}

/** The value of bytes, one for each character. */
export function bytes(characters: string): BytesValue {
  return { kind: 'bytes', value: latin1(characters), fromString: false };
}

function opcodeByte(name: PickleOpcodeName): Uint8Array {
  const opcode = PICKLE_OPCODES.find((candidate) => candidate.name === name);
  return Uint8Array.of(opcode?.code ?? 0);
}
