/**
 * Objects that a pickle leaves outside, given beside it.
 *
 * Python asks a function for each of them. Here they are a table, made before the pickle is read, so that
 * there is still no way from an opcode to a function of the host.
 *
 * @see https://docs.python.org/3/library/pickle.html#persistence-of-external-objects
 * @module
 */
import type { PickleValue, TaggedValue } from './values.js';

/** Objects by the name of their persistent id; the same object for each time it is named. */
export type PersistentObjects = ReadonlyMap<string, TaggedValue>;

/** Nothing is given. */
export const NO_PERSISTENT_OBJECTS: PersistentObjects = new Map<string, TaggedValue>();

/** What a persistent id is called in the table: an integer and its decimal digits are one name; undefined for others. */
export function persistentName(id: PickleValue | undefined): string | undefined {
  if (typeof id === 'string') return id;
  return typeof id === 'number' || typeof id === 'bigint' ? String(id) : undefined;
}
