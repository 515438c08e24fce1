/**
 * Ways into a pickle's values for the rooms that know what they mean.
 *
 * Names are compared as Python 3 spells them, so a file of Python 2 needs no second look.
 *
 * @module
 */
import { describeValue } from './describe.js';
import { PickleError } from './errors.js';
import { python3Name } from './names.js';
import type { DictValue, GlobalValue, PickleValue, TaggedValue } from './values.js';

/** Whether a value is tagged with the given kind. */
export function isKind<Kind extends TaggedValue['kind']>(
  value: PickleValue | undefined,
  kind: Kind,
): value is Extract<TaggedValue, { kind: Kind }> {
  return typeof value === 'object' && value !== null && value.kind === kind;
}

/** `module.name` of a class or function as Python 3 calls it. */
export function qualifiedName(global: GlobalValue): string {
  const { module, name } = python3Name(global);
  return `${module}.${name}`;
}

/** Whether a value is that class or function, by its names in Python 3. */
export function isGlobal(value: PickleValue | undefined, module: string, name: string): value is GlobalValue {
  if (!isKind(value, 'global')) return false;
  const found = python3Name(value);
  return found.module === module && found.name === name;
}

/** Value under a string key, or undefined; takes time in proportion to the dictionary. */
export function dictGet(dict: DictValue, key: string): PickleValue | undefined {
  return dict.entries.find((entry) => entry[0] === key)?.[1];
}

/**
 * The value as text.
 *
 * @param what - what it is to the reader, for the message: `the key of a storage`
 * @throws PickleError `pickle/unexpected-value`
 */
export function expectString(value: PickleValue | undefined, what: string): string {
  if (typeof value === 'string') return value;
  throw unexpected(value, what, 'a string');
}

/**
 * The value as an integer that a number holds exactly.
 *
 * @throws PickleError `pickle/unexpected-value`
 */
export function expectInteger(value: PickleValue | undefined, what: string): number {
  if (typeof value === 'number') return value;
  throw unexpected(value, what, 'an integer below 2^53');
}

/**
 * The items of a tuple or a list.
 *
 * @throws PickleError `pickle/unexpected-value`
 */
export function expectItems(value: PickleValue | undefined, what: string): readonly PickleValue[] {
  if (isKind(value, 'tuple') || isKind(value, 'list')) return value.items;
  throw unexpected(value, what, 'a tuple or a list');
}

function unexpected(value: PickleValue | undefined, what: string, expected: string): PickleError {
  const found = value === undefined ? 'nothing' : describeValue(value);
  return new PickleError('pickle/unexpected-value', `${what} in the pickle is ${found}, and should be ${expected}`);
}
