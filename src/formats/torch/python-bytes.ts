/**
 * Python's bytes, however a pickle writes them.
 *
 * Before protocol 3 there was no opcode for bytes: they are text of the characters 0 to 255 and a call that
 * encodes it, and arrays of NumPy's hold theirs the same way.
 *
 * @see https://github.com/python/cpython/blob/3.13/Lib/pickle.py (save_bytes, save_bytearray)
 * @module
 */
import { isGlobal, isKind } from '../../pickle/access.js';
import type { ObjectValue, PickleValue } from '../../pickle/values.js';

/** Bytes, or a bytearray. */
export interface PythonBytes {
  /** Its class. */
  readonly type: 'bytes' | 'bytearray';
  /** What it holds; read-only, perhaps a view of the pickle. */
  readonly value: Uint8Array;
}

/** The bytes that a value is; undefined for any other. Text is encoded anew at each call. */
export function pythonBytes(value: PickleValue | undefined): PythonBytes | undefined {
  if (isKind(value, 'bytes') || isKind(value, 'bytearray')) return { type: value.kind, value: value.value };
  if (!isKind(value, 'reduce') || hasRecords(value) || !isKind(value.args, 'tuple')) return undefined;
  const { callable } = value;
  const { items } = value.args;
  if (isGlobal(callable, '_codecs', 'encode')) return tagged('bytes', encoded(items));
  if (isGlobal(callable, 'builtins', 'bytes') && items.length === 0) return tagged('bytes', new Uint8Array(0));
  if (isGlobal(callable, 'builtins', 'bytearray')) return tagged('bytearray', bytearray(items));
  return undefined;
}

/** Names of the functions and classes above. */
export const BYTES_CALLABLES: readonly string[] = ['_codecs.encode', 'builtins.bytes', 'builtins.bytearray'];

/** The bytes of a Python 2 `str`, which the machine shows as text where it is text; of anything else as above. */
export function rawBytes(value: PickleValue | undefined): Uint8Array | undefined {
  return typeof value === 'string' ? new TextEncoder().encode(value) : pythonBytes(value)?.value;
}

function tagged(type: PythonBytes['type'], value: Uint8Array | undefined): PythonBytes | undefined {
  return value === undefined ? undefined : { type, value };
}

function bytearray(items: readonly PickleValue[]): Uint8Array | undefined {
  if (items.length === 0) return new Uint8Array(0);
  return items.length === 1 && typeof items[0] === 'object' ? pythonBytes(items[0])?.value : encoded(items);
}

/** (text, encoding) */
function encoded([text, encoding, ...others]: readonly PickleValue[]): Uint8Array | undefined {
  if (typeof text !== 'string' || typeof encoding !== 'string' || others.length > 0) return undefined;
  const name = encoding.toLowerCase().replace(/[-_]/g, '');
  if (name === 'utf8') return new TextEncoder().encode(text);
  return name === 'latin1' || name === 'iso88591' ? latin1(text) : undefined;
}

function latin1(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit > 0xff) return undefined;
    bytes[at] = unit;
  }
  return bytes;
}

function hasRecords({ states, listItems, dictItems, setItems }: ObjectValue): boolean {
  return states.length + listItems.length + dictItems.length + setItems.length > 0;
}
