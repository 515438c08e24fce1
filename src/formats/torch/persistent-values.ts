/**
 * What a pickled object names that stands outside of it, wherever that is.
 *
 * @module
 */
import { isKind } from '../../pickle/access.js';
import type { GlobalValue, PersistentValue, PickleEntry, PickleValue, TaggedValue } from '../../pickle/values.js';
import { isStorage } from './storages.js';

/** All storages in an object, each once, in no particular order. */
export function findStorageIds(root: PickleValue): PersistentValue[] {
  return findPersistent(root).filter(isStorage);
}

/** All persistent values in an object, each once, in no particular order; looks at each value once, does not recurse. */
export function findPersistent(root: PickleValue): PersistentValue[] {
  const found: PersistentValue[] = [];
  const seen = new Set<PickleValue>();
  const pending: PickleValue[] = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (value === undefined || value === null || typeof value !== 'object' || seen.has(value)) continue;
    seen.add(value);
    if (value.kind === 'persistent') found.push(value);
    for (const inner of valuesIn(value)) pending.push(inner);
  }
  return found;
}

/** The class that a persistent id names: files of whole modules keep its source beside it, for a person to compare. */
export function persistentClass(value: PickleValue): GlobalValue | undefined {
  const items = isKind(value, 'persistent') && isKind(value.id, 'tuple') ? value.id.items : [];
  const type = items[0] === 'module' ? items[1] : items[0]; // before PyTorch 0.1.10 the class stands first
  return isKind(type, 'global') ? type : undefined;
}

function valuesIn(value: TaggedValue): readonly PickleValue[] {
  switch (value.kind) {
    case 'list':
    case 'tuple':
    case 'set':
    case 'frozenset':
      return value.items;
    case 'dict':
      return valuesOf(value.entries);
    case 'reduce':
    case 'newobj':
      return [
        ...[value.callable, value.args, value.kwargs ?? null],
        ...value.states,
        ...value.listItems,
        ...value.setItems,
        ...valuesOf(value.dictItems),
      ];
    default:
      return [];
  }
}

function valuesOf(entries: readonly PickleEntry[]): PickleValue[] {
  return entries.flat();
}
