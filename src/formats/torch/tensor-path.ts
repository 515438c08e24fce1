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

/**
 * One step: a string key, an index of a list or tuple, any other key, an attribute of an object, or the
 * part of a tensor that consists of others.
 */
export type PathSegment =
  string | number | { readonly key: PickleValue } | { readonly attr: string } | { readonly part: string };

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
  return isKind(key, 'float') ? String(key.value) : `<${describeValue(key)}>`;
}
