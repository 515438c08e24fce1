/**
 * Allowed names that are harmless only in the way in which picklers use them.
 *
 * A list of names cannot tell everything: NumPy's classes can be made to take numbers for addresses, an identity
 * function hands on a class under another name, and a function that calls its argument calls anything. Each rule here
 * knows how its name is written by NumPy, PyTorch or Python, and suspects every other use.
 *
 * @see https://numpy.org/doc/stable/reference/generated/numpy.dtype.__setstate__.html
 * @module
 */
import { type PythonName, python3Name } from './names.js';
import { judgeGlobal } from './verdicts.js';
import type { WalkState } from './walk-state.js';
import { LOST_TUPLE, NONE, type WalkMade, type WalkValue, isWalk } from './walk-values.js';

/** Looks at the arguments of a call, and gives what it returns where that is not simply its result. */
type Rule = (walk: WalkState, items: readonly WalkValue[], made: WalkValue) => WalkValue;

const NUMPY_CORES = ['numpy.core', 'numpy._core'];

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['numpy ndarray', suspectCall('numpy.ndarray is called, and picklers only name it')],
  ['numpy dtype', makeDtype],
  ['_io BytesIO', expectInitialBytes],
  ...NUMPY_CORES.flatMap((core): [string, Rule][] => [
    [`${core}.multiarray _reconstruct`, expectArrayClass],
    [`${core}.multiarray scalar`, expectScalar],
    [`${core}.numeric _frombuffer`, expectBytes],
  ]),
  ['torch._tensor _rebuild_from_type_v2', expectRebuilder],
  ['torch._tensor _rebuild_from_type', expectRebuilder],
  ...identityNames().map((name): [string, Rule] => [`torch.jit._pickle ${name}`, handOn]),
  ...['__newobj__', '__newobj_ex__', '_reconstructor'].map((name): [string, Rule] => [`copyreg ${name}`, makeOfClass]),
]);

function identityNames(): string[] {
  return ['build_boollist', 'build_doublelist', 'build_intlist', 'build_tensorlist', 'restore_type_tag'];
}

/** Notes a call of a value with arguments, whatever opcode makes it, and gives its result. */
export function walkCall(walk: WalkState, callable: WalkValue, args: WalkValue): WalkValue {
  const isWritten = isWalk(args, 'tuple') || args === LOST_TUPLE;
  if (!isWritten) walk.suspect('unsafe-use', 'a call with arguments that are computed');
  const made = walk.call(callable);
  if (!isWalk(callable, 'import')) return made;
  const rule = RULES.get(keyOf(callable));
  return rule === undefined ? made : rule(walk, isWalk(args, 'tuple') ? args.items : [], made);
}

/** Notes that BUILD gives an object its state. */
export function walkBuild(walk: WalkState, target: WalkValue, state: WalkValue): void {
  if (isWalk(target, 'import')) walk.suspect('changed-import', `${target.module}.${target.name}`);
  if (!isWalk(target, 'made')) return;
  const made = keyOf(target.by);
  if (made === 'numpy dtype' && !isPlainDtypeState(state, target)) {
    walk.suspect('unsafe-use', 'a numpy.dtype with fields or flags of its own');
  }
  if (made === '_io BytesIO' && !isPlainBufferState(state)) {
    walk.suspect('unsafe-use', 'an _io.BytesIO with attributes of its own, or over memory that is not its own');
  }
}

/** Containers whose own way of taking items runs nothing. */
const FILLABLE: ReadonlySet<string> = new Set([
  ...['OrderedDict', 'Counter', 'defaultdict', 'deque'].map((name) => `collections ${name}`),
  ...['dict', 'list', 'set', 'bytearray'].map((name) => `builtins ${name}`),
]);

/** Notes that items are put into an object. Classes of no list are findings already. */
export function walkFill(walk: WalkState, target: WalkValue): void {
  if (isWalk(target, 'import')) walk.suspect('changed-import', `${target.module}.${target.name}`);
  if (!isWalk(target, 'made') || FILLABLE.has(keyOf(target.by))) return;
  const { class: kind } = judgeGlobal(target.by);
  if (kind !== 'tensor-machinery' && kind !== 'harmless') return;
  walk.suspect('unsafe-use', `items that are put into ${target.by.module}.${target.by.name}`);
}

function keyOf(name: PythonName): string {
  const translated = python3Name(name);
  return `${translated.module} ${translated.name}`;
}

function suspectCall(what: string): Rule {
  return (walk, _items, made) => {
    walk.suspect('unsafe-use', what);
    return made;
  };
}

/** Functions that give back what they are given, a class too. */
function handOn(walk: WalkState, [first]: readonly WalkValue[]): WalkValue {
  return first ?? walk.suspect('unsafe-use', 'a value handed on that is not remembered');
}

/** The type by its name; that of Python objects is told apart, since its flags differ. */
function makeDtype(walk: WalkState, [type]: readonly WalkValue[], made: WalkValue): WalkValue {
  if (typeof type !== 'string') walk.suspect('unsafe-use', 'a numpy.dtype whose type is not written down');
  return typeof type === 'string' && type.includes('O') ? walk.variantOf(made) : made;
}

/** Flags of the type of Python objects, and of text; all others have none. */
const FLAGS = { objects: 63, text: 8, plain: 0 } as const;

/** (version, byte order, subtype, names, fields, size, alignment, flags …) as NumPy writes it for types without fields. */
function isPlainDtypeState(state: WalkValue, dtype: WalkMade): boolean {
  if (!isWalk(state, 'tuple')) return false;
  const [, , subtype, names, fields, size, alignment, flags] = state.items;
  if (subtype !== NONE || names !== NONE || fields !== NONE) return false;
  if (dtype.variant === true) return flags === FLAGS.objects && size === -1 && alignment === -1;
  return flags === FLAGS.plain || flags === FLAGS.text;
}

function expectArrayClass(walk: WalkState, [type]: readonly WalkValue[], made: WalkValue): WalkValue {
  if (!isWalk(type, 'import')) walk.suspect('unsafe-use', 'an array of a class that is computed');
  return made;
}

const BYTES: ReadonlySet<string> = new Set(['_codecs encode', 'builtins bytes', 'builtins bytearray']);

/** Bytes as they are written, or as protocol 2 makes them of text. */
function isBytes(value: WalkValue | undefined): boolean {
  return isWalk(value, 'made') ? BYTES.has(keyOf(value.by)) : isWalk(value, 'other');
}

function expectBytes(walk: WalkState, [buffer]: readonly WalkValue[], made: WalkValue): WalkValue {
  if (!isBytes(buffer)) walk.suspect('unsafe-use', 'an array over memory that is not its own');
  return made;
}

function expectScalar(walk: WalkState, [type, value]: readonly WalkValue[], made: WalkValue): WalkValue {
  const isPlain =
    isWalk(type, 'made') && keyOf(type.by) === 'numpy dtype' && (isBytes(value) || typeof value === 'string');
  if (!isPlain) walk.suspect('unsafe-use', 'a number of NumPy that is not made from bytes');
  return made;
}

/** Picklers call it without arguments and give it its bytes as a state; programs give them at once. */
function expectInitialBytes(walk: WalkState, items: readonly WalkValue[], made: WalkValue): WalkValue {
  if (items.length > 1 || !items.every(isBytes))
    walk.suspect('unsafe-use', 'an _io.BytesIO that is not made from bytes');
  return made;
}

/** (bytes, position, attributes) as Python writes it for a buffer without attributes. */
function isPlainBufferState(state: WalkValue): boolean {
  if (!isWalk(state, 'tuple') || state.items.length !== 3) return false;
  const [bytes, position, attributes] = state.items;
  return isBytes(bytes) && typeof position === 'number' && position >= 0 && attributes === NONE;
}

/** The function, which is called, must be one of PyTorch's that make tensors, and its arguments written down. */
function expectRebuilder(walk: WalkState, [called, , args]: readonly WalkValue[], made: WalkValue): WalkValue {
  const isRebuilder =
    isWalk(called, 'import') && called.module === 'torch._utils' && called.name.startsWith('_rebuild_');
  if (!isRebuilder || isWalk(args, 'made') || isWalk(args, 'import')) {
    walk.suspect('unsafe-use', 'a tensor that is made by another function than those for tensors');
  }
  return made;
}

/** An object of a class that is named beside it counts as made by that class. */
function makeOfClass(walk: WalkState, [type, base]: readonly WalkValue[], made: WalkValue): WalkValue {
  if (!isWalk(type, 'import')) {
    walk.suspect('unsafe-use', 'an object of a class that is computed');
    return made;
  }
  if (isWalk(base, 'made')) walk.suspect('unsafe-use', 'an object whose base is computed');
  return walkCall(walk, type, LOST_TUPLE);
}
