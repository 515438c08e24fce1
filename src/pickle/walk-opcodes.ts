/**
 * What each opcode does to a walk.
 *
 * Names reach STACK_GLOBAL through DUP, POP and the memo, so all of those are followed; containers are only
 * counted on and off the stack.
 *
 * @see https://github.com/python/cpython/blob/3.13/Lib/pickletools.py
 * @module
 */
import { HIGHEST_PICKLE_PROTOCOL, PICKLE_OPCODES, type PickleOpcodeName } from './opcodes.js';
import { decodeLatin1, decodeUtf8 } from './text.js';
import { SCALARS, type WalkStep, decimalOf, lineOf } from './walk-scalars.js';
import type { WalkState } from './walk-state.js';
import { walkBuild, walkCall, walkFill } from './walk-rules.js';
import { EXTENSION, NONE, OTHER, PERSISTENT, type WalkValue, isWalk, walkTuple } from './walk-values.js';

const pushOther: WalkStep = (walk) => walk.push(OTHER);

const CONTAINERS = {
  EMPTY_LIST: pushOther,
  EMPTY_DICT: pushOther,
  EMPTY_SET: pushOther,
  LIST: replaceMarked,
  DICT: replaceMarked,
  FROZENSET: replaceMarked,
  EMPTY_TUPLE: (walk) => walk.pushTuple([]),
  TUPLE: (walk) => walk.pushTuple(walk.popMark()),
  TUPLE1: (walk) => walk.pushTuple([walk.pop()]),
  TUPLE2: (walk) => {
    const second = walk.pop();
    walk.pushTuple([walk.pop(), second]);
  },
  TUPLE3: (walk) => {
    const third = walk.pop();
    const second = walk.pop();
    walk.pushTuple([walk.pop(), second, third]);
  },
  APPEND: (walk) => {
    walk.pop();
    walkFill(walk, walk.top());
  },
  SETITEM: (walk) => {
    walk.pop();
    walk.pop();
    walkFill(walk, walk.top());
  },
  APPENDS: fillMarked,
  SETITEMS: fillMarked,
  ADDITEMS: fillMarked,
} satisfies Partial<Record<PickleOpcodeName, WalkStep>>;

const MOVES = {
  PROTO: (walk) => {
    const protocol = walk.input.uint(1);
    walk.protocol = Math.max(walk.protocol, protocol);
    if (protocol > HIGHEST_PICKLE_PROTOCOL) {
      walk.fail('pickle/bad-protocol', `names protocol ${protocol}, and the highest there is is 5`);
    }
  },
  FRAME: (walk) => walk.beginFrame(walk.input.uint(8)),
  MARK: (walk) => walk.mark(),
  POP: (walk) => walk.popValueOrMark(),
  POP_MARK: (walk) => void walk.popMark(),
  DUP: (walk) => walk.push(walk.top()),
  PUT: (walk) => {
    const slot = slotOf(walk);
    if (slot !== undefined) walk.put(slot);
  },
  BINPUT: (walk) => walk.put(walk.input.uint(1)),
  LONG_BINPUT: (walk) => walk.put(walk.input.uint(4)),
  MEMOIZE: (walk) => walk.put(walk.memo.size),
  GET: (walk) => {
    const slot = slotOf(walk);
    if (slot === undefined) walk.push(OTHER);
    else walk.get(slot);
  },
  BINGET: (walk) => walk.get(walk.input.uint(1)),
  LONG_BINGET: (walk) => walk.get(walk.input.uint(4)),
} satisfies Partial<Record<PickleOpcodeName, WalkStep>>;

const OBJECTS = {
  GLOBAL: (walk) => walk.push(importFromLines(walk)),
  STACK_GLOBAL: (walk) => {
    const name = walk.pop();
    const module = walk.pop();
    const named = typeof name === 'string' && typeof module === 'string';
    walk.push(
      named ? walk.import(module, name) : walk.suspect('unnamed-import', 'a global whose name is not written down'),
    );
  },
  INST: (walk) => {
    const callable = importFromLines(walk);
    walk.push(walkCall(walk, callable, walkTuple(walk.popMark())));
  },
  OBJ: (walk) => {
    const [callable = OTHER, ...items] = walk.popMark();
    walk.push(walkCall(walk, callable, walkTuple(items)));
  },
  REDUCE: callTop,
  NEWOBJ: callTop,
  NEWOBJ_EX: (walk) => {
    walk.pop();
    callTop(walk);
  },
  BUILD: (walk) => {
    const state = walk.pop();
    walkBuild(walk, walk.top(), state);
  },
  EXT1: (walk) => pushExtension(walk, walk.input.uint(1)),
  EXT2: (walk) => pushExtension(walk, walk.input.uint(2)),
  EXT4: (walk) => pushExtension(walk, walk.input.int32()),
  PERSID: (walk) => {
    lineOf(walk);
    walk.push(PERSISTENT);
  },
  BINPERSID: (walk) => walk.push(persistentOf(walk, walk.pop())),
} satisfies Partial<Record<PickleOpcodeName, WalkStep>>;

/** Steps by opcode; STOP has none. */
export const WALK_STEPS: readonly (WalkStep | undefined)[] = stepsByCode();

function stepsByCode(): readonly (WalkStep | undefined)[] {
  const named: Record<Exclude<PickleOpcodeName, 'STOP'>, WalkStep> = {
    ...SCALARS,
    ...CONTAINERS,
    ...MOVES,
    ...OBJECTS,
  };
  const steps = Array.from<WalkStep | undefined>({ length: 256 });
  for (const { name, code } of PICKLE_OPCODES) if (name !== 'STOP') steps[code] = named[name];
  return steps;
}

function replaceMarked(walk: WalkState): void {
  walk.popMark();
  walk.push(OTHER);
}

function fillMarked(walk: WalkState): void {
  walk.popMark();
  walkFill(walk, walk.top());
}

function callTop(walk: WalkState): void {
  const args = walk.pop();
  walk.push(walkCall(walk, walk.pop(), args));
}

/** PyTorch's old files name the class of a whole model in a persistent id, so that its source can come along. */
function persistentOf(walk: WalkState, id: WalkValue): WalkValue {
  if (!isWalk(id, 'tuple')) return PERSISTENT;
  const [kind, first, file, code] = id.items;
  if (kind === 'storage') walk.store(id);
  if (kind === 'module' && !(isEmpty(file) && isEmpty(code))) {
    walk.suspect('source-code', 'program code of a class, which PyTorch compares with its own and may write to a file');
  }
  return kind === 'module' && isWalk(first, 'import') ? first : PERSISTENT;
}

/** Whether a place for text is empty. */
function isEmpty(value: WalkValue | undefined): boolean {
  return value === undefined || value === NONE || value === '';
}

function pushExtension(walk: WalkState, code: number): void {
  walk.suspect('extension', `the registered extension ${code}`);
  walk.push(EXTENSION);
}

function importFromLines(walk: WalkState): WalkValue {
  const module = lineOf(walk);
  const name = module === undefined ? walk.linesToSkip++ : lineOf(walk);
  if (typeof name !== 'object' || module === undefined)
    return walk.suspect('unnamed-import', 'a global of endless name');
  return walk.import(nameIn(walk, module), nameIn(walk, name));
}

function nameIn(walk: WalkState, line: DataView): string {
  const name = decodeUtf8(line, 0, line.byteLength, false);
  if (name === undefined) walk.fail('pickle/bad-string', 'holds a name that is not UTF-8');
  return name ?? decodeLatin1(line, 0, line.byteLength);
}

/** The slot that a line names; undefined where it names none. */
function slotOf(walk: WalkState): number | undefined {
  const slot = decimalOf(walk);
  if (typeof slot === 'number' && slot >= 0) return slot;
  walk.fail('pickle/bad-argument', 'wants the number of a memo slot');
  return undefined;
}
