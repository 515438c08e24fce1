/**
 * The way from the root of a pickled object to a tensor.
 *
 * Joined by dots it makes the tensor's name, which is what people know (`layers.0.attention.wq.weight`,
 * `model.layers.0…`), but two ways may give one name: the key `a.b`, and `b` in `a`.
 *
 * @module
 */
import { isKind } from '../../pickle/access.js';
import { describeValue } from '../../pickle/describe.js';
import type { PickleValue } from '../../pickle/values.js';
import { pythonBytes } from './python-bytes.js';

/**
 * One step: a string key, an index of a list or tuple, any other key, an attribute of an object, or the
 * part of a tensor that consists of others.
 */
export type PathSegment = string | number | KeySegment | AttributeSegment | PartSegment;

/** A step to the value under a key that is no string. */
export interface KeySegment {
  /** The key. */
  readonly key: PickleValue;
}

/** A step to an attribute of an object. */
export interface AttributeSegment {
  /** Its name. */
  readonly attr: string;
}

/** A step to a part of a tensor. */
export interface PartSegment {
  /** Its name. */
  readonly part: string;
}

/** A place in an object. Places share their beginnings, so that deep objects cost no more than flat ones. */
export interface Place {
  /** The place around it; undefined for the root. */
  readonly parent: Place | undefined;
  /** The step from there. */
  readonly segment: PathSegment;
  /** All steps joined by dots. */
  readonly name: string;
}

/** Where every way begins; its segment means nothing. */
export const ROOT: Place = { parent: undefined, segment: '', name: '' };

/** The place one step further. */
export function placeIn(parent: Place, segment: PathSegment): Place {
  const step = nameOf(segment);
  return { parent, segment, name: parent === ROOT ? step : `${parent.name}.${step}` };
}

/** The step to the key of an entry, for what stands inside a key. */
export function keySegment(index: number): PathSegment {
  return { part: `key ${index}` };
}

/** The steps to a place, from the root. */
export function pathOf(place: Place): PathSegment[] {
  const path: PathSegment[] = [];
  for (let at = place; at.parent !== undefined; at = at.parent) path.push(at.segment);
  return path.reverse();
}

function nameOf(segment: PathSegment): string {
  if (typeof segment !== 'object') return String(segment);
  if ('attr' in segment) return segment.attr;
  return 'part' in segment ? segment.part : nameOfKey(segment.key);
}

function nameOfKey(key: PickleValue): string {
  if (key === null || typeof key === 'boolean') return key === null ? 'None' : key ? 'True' : 'False';
  if (typeof key !== 'object') return String(key);
  if (isKind(key, 'float')) return String(key.value);
  const bytes = pythonBytes(key);
  return bytes === undefined ? `<${describeValue(key)}>` : `<${bytes.type} of length ${bytes.value.byteLength}>`;
}

/** Names that are each given once: the second `a` becomes `a#2`. */
export class UniqueNames {
  /** How often each was asked for. */
  readonly #used = new Map<string, number>();

  /** The name, or the name and the first number that is free. */
  take(name: string): string {
    let count = this.#used.get(name) ?? 0;
    let unique = name;
    if (count > 0) {
      do {
        count += 1;
        unique = `${name}#${count}`;
      } while (this.#used.has(unique));
    }
    this.#used.set(unique, 1);
    if (count > 0) this.#used.set(name, count);
    return unique;
  }
}
