/**
 * Opcodes that push a value without parts: None, booleans, numbers, text and bytes.
 *
 * Python 2 wrote its `str`, bytes or text, with the same three opcodes. `torch.load` reads them as UTF-8 and
 * fails where they are not; here those stay bytes, marked as such, so that nothing is lost or guessed.
 *
 * @see https://github.com/python/cpython/blob/3.13/Lib/pickletools.py
 * @module
 */
import { isKind } from './access.js';
import { describeValue, quote } from './describe.js';
import { unescapeBytes, unescapeUnicode } from './escapes.js';
import type { OpcodeHandler, PickleMachine } from './machine-state.js';
import { parseDecimal, parseFloatText, parseLong } from './numbers.js';
import { isObject } from './records.js';
import { decodeUtf8 } from './text.js';

/** The single and the double quote. */
const QUOTES: ReadonlySet<number> = new Set([0x27, 0x22]);

/** Handlers by opcode name. */
export const SCALAR_OPCODES = {
  NONE: (machine) => machine.push(null),
  NEWTRUE: (machine) => machine.push(true),
  NEWFALSE: (machine) => machine.push(false),
  INT: pushInt,
  BININT: (machine) => machine.push(machine.input.i32()),
  BININT1: (machine) => machine.push(machine.input.u8()),
  BININT2: (machine) => machine.push(machine.input.u16()),
  LONG: pushDecimalLong,
  LONG1: (machine) => pushLong(machine, machine.input.u8()),
  LONG4: (machine) => pushLong(machine, machine.input.signedLength()),
  FLOAT: pushFloatText,
  BINFLOAT: (machine) => machine.push({ kind: 'float', value: machine.input.f64() }),
  STRING: pushQuoted,
  BINSTRING: (machine) => pushString(machine, machine.input.raw(machine.input.signedLength())),
  SHORT_BINSTRING: (machine) => pushString(machine, machine.input.raw(machine.input.u8())),
  UNICODE: pushEscapedUnicode,
  SHORT_BINUNICODE: (machine) => machine.push(machine.input.text(machine.input.u8())),
  BINUNICODE: (machine) => machine.push(machine.input.text(machine.input.u32())),
  BINUNICODE8: (machine) => machine.push(machine.input.text(machine.input.u64())),
  SHORT_BINBYTES: (machine) => pushBytes(machine, machine.input.u8()),
  BINBYTES: (machine) => pushBytes(machine, machine.input.u32()),
  BINBYTES8: (machine) => pushBytes(machine, machine.input.u64()),
  BYTEARRAY8: (machine) => machine.pushNew({ kind: 'bytearray', value: machine.input.raw(machine.input.u64()) }),
  NEXT_BUFFER: (machine) => machine.pushNew({ kind: 'buffer', index: machine.buffers++, readonly: false }),
  READONLY_BUFFER: makeReadonly,
} satisfies Record<string, OpcodeHandler>;

/** Protocol 0 writes the booleans as the integers 00 and 01. */
function pushInt(machine: PickleMachine): void {
  const line = machine.input.line();
  if (line === '00' || line === '01') machine.push(line === '01');
  else pushDecimal(machine, line);
}

function pushDecimalLong(machine: PickleMachine): void {
  const line = machine.input.line();
  pushDecimal(machine, line.endsWith('L') ? line.slice(0, -1) : line);
}

function pushDecimal(machine: PickleMachine, text: string): void {
  const value = parseDecimal(text);
  if (value === undefined)
    throw machine.input.fail('pickle/bad-argument', `wants a decimal integer, not ${quote(text)}`);
  machine.push(value);
}

function pushLong(machine: PickleMachine, length: number): void {
  const { input, limits } = machine;
  if (length > limits.integerBytes) throw input.overLimit('integerBytes', 'bytes of one integer');
  const start = input.take(length);
  machine.push(parseLong(input.view, start, start + length));
}

function pushFloatText(machine: PickleMachine): void {
  const line = machine.input.line();
  const value = parseFloatText(line);
  if (value === undefined) throw machine.input.fail('pickle/bad-argument', `wants a float, not ${quote(line)}`);
  machine.push({ kind: 'float', value });
}

function pushQuoted(machine: PickleMachine): void {
  const { input } = machine;
  const line = input.rawLine();
  const last = line.byteLength - 1;
  if (last < 1 || !QUOTES.has(line.getUint8(0)) || line.getUint8(0) !== line.getUint8(last)) {
    throw input.fail('pickle/bad-string', 'wants a string between quotes');
  }
  const bytes = unescapeBytes(new DataView(line.buffer, line.byteOffset + 1, last - 1));
  if (bytes === undefined) throw input.fail('pickle/bad-string', 'holds a broken escape');
  pushString(machine, bytes);
}

function pushEscapedUnicode(machine: PickleMachine): void {
  const text = unescapeUnicode(machine.input.rawLine());
  if (text === undefined) throw machine.input.fail('pickle/bad-string', 'holds a broken escape');
  machine.push(text);
}

/** A Python 2 `str`: text where it is UTF-8. */
function pushString(machine: PickleMachine, bytes: Uint8Array): void {
  machine.input.expectString(bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  machine.push(decodeUtf8(view, 0, bytes.length, false) ?? { kind: 'bytes', value: bytes, fromString: true });
}

function pushBytes(machine: PickleMachine, length: number): void {
  machine.push({ kind: 'bytes', value: machine.input.raw(length), fromString: false });
}

/** Only a buffer from outside can be told writable from read-only; other values with bytes stay as they are. */
function makeReadonly(machine: PickleMachine): void {
  const value = machine.top();
  if (isKind(value, 'buffer')) machine.replaceTop({ ...value, readonly: true });
  else if (!isKind(value, 'bytes') && !isKind(value, 'bytearray') && !isObject(value)) {
    throw machine.input.fail('pickle/wrong-type', `wants a buffer, not ${describeValue(value)}`);
  }
}
