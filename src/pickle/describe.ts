/**
 * Values in the words of an error message: short, whatever the pickle holds.
 *
 * @module
 */
import type { PickleValue, TaggedValue } from './values.js';

/** Characters of a pickle's text that a message shows. */
const SHOWN = 40;

/** Text from a pickle between quotes, shortened, with nothing in it that could upset a terminal. */
export function quote(text: string): string {
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
  return JSON.stringify(shown).replace(/[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, escapeUnit);
}

/** A value in a few words: `the string "storage"`, `a tuple of 5`, `a call of torch.Size`. Never walks it. */
export function describeValue(value: PickleValue): string {
  if (value === null) return 'None';
  switch (typeof value) {
    case 'boolean':
      return value ? 'True' : 'False';
    case 'number':
      return `the integer ${value}`;
    case 'bigint':
      return 'an integer beyond 2^53';
    case 'string':
      return `the string ${quote(value)}`;
    default:
      return describeTagged(value);
  }
}

function describeTagged(value: TaggedValue): string {
  switch (value.kind) {
    case 'float':
      return `the float ${value.value}`;
    case 'bytes':
    case 'bytearray':
      return `${value.kind} of length ${value.value.length}`;
    case 'list':
    case 'tuple':
    case 'set':
    case 'frozenset':
      return `a ${value.kind} of ${value.items.length}`;
    case 'dict':
      return `a dict of ${value.entries.length}`;
    case 'global':
      return `the global ${quote(`${value.module}.${value.name}`)}`;
    case 'reduce':
      return `a call of ${nameOf(value.callable)}`;
    case 'newobj':
      return `an object of ${nameOf(value.callable)}`;
    case 'persistent':
      return 'a persistent object';
    case 'ext':
      return `the registered extension ${value.code}`;
    case 'buffer':
      return 'a buffer';
  }
}

/** Only a plain name: a callable may itself be a call, a million deep. */
function nameOf(callable: PickleValue): string {
  const isGlobal = typeof callable === 'object' && callable?.kind === 'global';
  return isGlobal ? quote(`${callable.module}.${callable.name}`) : 'something computed';
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
