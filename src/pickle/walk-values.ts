/**
 * What a walk remembers of a pickle's values: only what can become a name, a call or a storage.
 *
 * A walk must know every import and every call, and nothing else, so lists, dictionaries, bytes and floats are
 * all {@link OTHER}. What is remembered is bounded whatever the pickle does: a tuple keeps its first items and
 * no tuples in tuples in tuples, and all objects that one import makes are the same.
 *
 * @module
 */

/** A value on the stack of a walk. */
export type WalkValue = string | number | WalkTuple | WalkImport | WalkMade | WalkOther;

/** A tuple, or as much of it as matters. */
export interface WalkTuple {
  /** Tag. */
  readonly kind: 'tuple';
  /** Its first items. */
  readonly items: readonly WalkValue[];
}

/** Opcodes that import. */
export type ImportOpcode = 'GLOBAL' | 'STACK_GLOBAL' | 'INST';

/** Opcodes that call. */
export type CallOpcode = 'REDUCE' | 'INST' | 'OBJ' | 'NEWOBJ' | 'NEWOBJ_EX';

/** A class or function that the pickle names, once however often it is named. */
export interface WalkImport {
  /** Tag. */
  readonly kind: 'import';
  /** Module as written. */
  readonly module: string;
  /** Name as written; it may hold dots. */
  readonly name: string;
  /** Opcode that named it first. */
  readonly opcode: ImportOpcode;
  /** Byte offset of that opcode. */
  readonly offset: number;
  /** How often it is named. */
  readonly count: number;
  /** How often it is called. */
  readonly calls: number;
  /** Its first call. */
  readonly firstCall: WalkCall | undefined;
}

/** A call. */
export interface WalkCall {
  /** Opcode that calls. */
  readonly opcode: CallOpcode;
  /** Byte offset of that opcode. */
  readonly offset: number;
}

/** The result of a call. */
export interface WalkMade {
  /** Tag. */
  readonly kind: 'made';
  /** What was called. */
  readonly by: WalkImport;
  /** Whether it is of the second of two kinds that it makes; see `walk-rules.ts`. */
  readonly variant?: true;
}

/** Anything else. */
export interface WalkOther {
  /** Tag. */
  readonly kind: 'other';
  /** What it is, for a message. */
  readonly what: string;
}

/** A value that can be neither a name nor called. */
export const OTHER: WalkOther = { kind: 'other', what: 'something that was not imported' };

/** None, which some states must hold. */
export const NONE: WalkOther = { kind: 'other', what: 'None' };

/** A tuple of which nothing is remembered. */
export const LOST_TUPLE: WalkOther = { kind: 'other', what: 'a tuple' };

/** What a persistent id stands for, which only the reader of the file knows. */
export const PERSISTENT: WalkOther = { kind: 'other', what: 'what a persistent id stands for' };

/** A class or function by its number in a registry. */
export const EXTENSION: WalkOther = { kind: 'other', what: 'a registered extension' };

/** What a call returned that was itself no call of an import. */
export const COMPUTED: WalkOther = { kind: 'other', what: 'what a computed call returned' };

/** An import that could not be named. */
export const UNNAMED: WalkOther = { kind: 'other', what: 'a global whose name is computed' };

/** Items of a tuple that are kept: a persistent id has six at most. */
const KEPT_ITEMS = 8;

/** A tuple of at most {@link KEPT_ITEMS} of the items, with tuples in it, but none in those. */
export function walkTuple(items: readonly WalkValue[]): WalkTuple {
  return { kind: 'tuple', items: items.slice(0, KEPT_ITEMS).map((item) => (isDeep(item) ? OTHER : item)) };
}

/** Whether a value is of that kind. */
export function isWalk<Kind extends Exclude<WalkValue, string | number>['kind']>(
  value: WalkValue | undefined,
  kind: Kind,
): value is Extract<WalkValue, { kind: Kind }> {
  return typeof value === 'object' && value.kind === kind;
}

function isDeep(value: WalkValue): boolean {
  return isWalk(value, 'tuple') && value.items.some((item) => isWalk(item, 'tuple'));
}
