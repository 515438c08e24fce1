/**
 * Where in a pickled object its tensors are.
 *
 * A checkpoint may be a flat dictionary, a dictionary of dictionaries, an optimizer's lists, or a whole
 * module; tensors are found wherever they are and named by the way to them. The object may share parts,
 * contain itself, and written out have a trillion elements, so parts without tensors are entered once, and
 * nothing here recurses.
 *
 * @module
 */
import type { ObjectValue, PickleEntry, PickleValue, TaggedValue } from '../../pickle/values.js';
import type { RebuildContext } from './geometry.js';
import { type Attribute, type PythonContainer, attributesOf, pythonContainer } from './python-containers.js';
import { rebuildTensor } from './rebuild.js';
import { isStorage } from './storages.js';
import type { TensorValue } from './tensor-value.js';
import { type PathSegment, type Place, ROOT, keySegment, placeIn } from './tensor-path.js';
import { TorchError } from './torch-error.js';

/** Values that are looked at in a short pickle; a state dict of 10,000 tensors has 10,001. */
const LEAST_VISITS = 1 << 18;

/** Values that are looked at in the longest one. */
const MOST_VISITS = 1 << 22;

/** Levels of nesting; Python's own pickler gives up near 1,000. */
const DEEPEST = 2000;

/** A tensor and the way to it. */
export interface FoundTensor {
  /** The way to it. */
  readonly place: Place;
  /** What the pickle says about it. */
  readonly value: TensorValue;
}

/**
 * All tensors in an object, in reading order, one for each place at which one stands. Storages that stand
 * in it without a tensor are checked too.
 *
 * @param root - the object
 * @param context - what its tensors are made of
 * @param storedBytes - bytes that its pickle takes in the file: a long one may have more parts
 * @throws TorchError `torch/too-large` and those of the tensors and storages
 */
export function findTensors(root: PickleValue, context: RebuildContext, storedBytes: number): FoundTensor[] {
  return new Walk(context, Math.max(LEAST_VISITS, Math.min(MOST_VISITS, storedBytes))).run(root);
}

/** A value and the segment that leads to it; none where it stands in its container's own place. */
type Child = readonly [segment: PathSegment | undefined, value: PickleValue];

/** A container that is being walked. */
interface Frame {
  readonly container: TaggedValue;
  readonly place: Place;
  readonly children: Iterator<Child, undefined>;
  /** Tensors found before it was entered. */
  readonly foundBefore: number;
  /** Whether a part of it was left out because it contains itself. */
  isCyclic: boolean;
}

class Walk {
  private readonly found: FoundTensor[] = [];
  private readonly frames: Frame[] = [];
  private readonly open = new Set<TaggedValue>();
  private readonly barren = new Set<TaggedValue>();
  private visits = 0;

  constructor(
    private readonly context: RebuildContext,
    private readonly mostVisits: number,
  ) {}

  run(root: PickleValue): FoundTensor[] {
    this.visit(root, ROOT);
    for (let frame = this.frames.at(-1); frame !== undefined; frame = this.frames.at(-1)) {
      const next = frame.children.next();
      if (next.done === true) {
        this.leave(frame);
        continue;
      }
      const [segment, value] = next.value;
      this.visit(value, segment === undefined ? frame.place : placeIn(frame.place, segment));
    }
    return this.found;
  }

  private visit(value: PickleValue, place: Place): void {
    if (value === null || typeof value !== 'object' || this.barren.has(value)) return;
    if (this.open.has(value)) {
      for (const frame of this.frames) frame.isCyclic = true;
      return;
    }
    this.visits += 1;
    if (this.visits > this.mostVisits || this.frames.length > DEEPEST) {
      throw new TorchError(
        'torch/too-large',
        this.visits > this.mostVisits
          ? `the pickled object has more than ${this.mostVisits} parts`
          : `the pickled object is nested more than ${DEEPEST} levels deep`,
        { path: this.context.path },
      );
    }
    if (isStorage(value)) this.context.storages.resolve(value);
    const tensor = value.kind === 'reduce' ? rebuildTensor(value, this.context) : undefined;
    const foundBefore = this.found.length;
    if (tensor !== undefined) this.found.push({ place, value: tensor });
    const children = tensor === undefined ? childrenOf(value) : childrenOfTensor(tensor);
    if (children === undefined) return;
    this.open.add(value);
    this.frames.push({ container: value, place, children, foundBefore, isCyclic: false });
  }

  private leave(frame: Frame): void {
    this.frames.pop();
    this.open.delete(frame.container);
    if (this.found.length === frame.foundBefore && !frame.isCyclic) this.barren.add(frame.container);
  }
}

/** The values inside a value; undefined where there can be none. */
function childrenOf(value: TaggedValue): Iterator<Child, undefined> | undefined {
  switch (value.kind) {
    case 'list':
    case 'tuple':
      return indexed(value.items);
    case 'set':
    case 'frozenset':
      return inPlace(value.items);
    case 'dict':
      return keyed(value.entries);
    case 'reduce':
    case 'newobj':
      return childrenOfObject(value);
    default:
      return undefined;
  }
}

function* indexed(items: readonly PickleValue[]): Generator<Child, undefined> {
  for (const [index, item] of items.entries()) yield [index, item];
}

function* inPlace(items: readonly PickleValue[]): Generator<Child, undefined> {
  for (const item of items) yield [undefined, item];
}

/** A key may hold tensors too: they are hashed by what they are, not by what they hold. */
function* keyed(entries: readonly PickleEntry[]): Generator<Child, undefined> {
  for (const [index, [key, item]] of entries.entries()) {
    if (typeof key === 'object') yield [keySegment(index), key];
    yield [typeof key === 'string' ? key : { key }, item];
  }
}

/** A container is its items; anything else is its arguments, its attributes and its items. */
function* childrenOfObject(value: ObjectValue): Generator<Child, undefined> {
  const container = pythonContainer(value);
  if (container !== undefined) {
    yield* childrenOfContainer(container);
    return;
  }
  yield [{ attr: 'callable' }, value.callable];
  yield [{ attr: 'args' }, value.args];
  if (value.kwargs !== undefined) yield [undefined, value.kwargs];
  for (const state of value.states) yield* attributes(state);
  yield* indexed(value.listItems);
  yield* inPlace(value.setItems);
  yield* keyed(value.dictItems);
}

function* childrenOfContainer(container: PythonContainer): Generator<Child, undefined> {
  if ('items' in container) {
    yield* inPlace(container.items);
    return;
  }
  yield* keyed(container.entries);
  if (container.type === 'defaultdict') yield [undefined, container.factory];
  else yield* named(container.attributes);
}

function* named(attributes: readonly Attribute[]): Generator<Child, undefined> {
  for (const [name, item] of attributes) yield [{ attr: name }, item];
}

/** In a dictionary of attributes each attribute is one step of the way. */
function* attributes(state: PickleValue): Generator<Child, undefined> {
  const entries = attributesOf(state);
  if (entries === undefined) yield [{ attr: '__state__' }, state];
  else yield* named(entries);
}

function childrenOfTensor({ parts, states }: TensorValue): Iterator<Child, undefined> | undefined {
  if (parts.length + states.length === 0) return undefined;
  const children: Child[] = [
    ...parts.map(([part, value]) => [{ part }, value] as const),
    ...states.map((state) => [{ attr: '__dict__' }, state] as const),
  ];
  return children.values();
}
