/**
 * Writes a pickled object as a tree of JSON.
 *
 * The code reads as if it recursed: a part is asked for by `yield`, and its JSON comes back. What runs are
 * generators on a stack of our own, so that no depth of nesting overflows the engine's.
 *
 * @module
 */
import { isKind } from '../../pickle/access.js';
import type { DictValue, ObjectValue, PickleEntry, PickleValue, TaggedValue } from '../../pickle/values.js';
import { numpyArray } from './numpy-array.js';
import { ObjectBudget } from './object-budget.js';
import { LeafWriter } from './object-leaves.js';
import { persistentClass } from './persistent-values.js';
import { type Attribute, type PythonContainer, attributesOf, pythonContainer } from './python-containers.js';
import { jsonDumps } from './python-text.js';
import type { TaggedJson } from './tagged-json.js';
import { type Place, ROOT, keySegment, placeIn } from './tensor-path.js';
import { type Started, TensorWriter, type Wanted, type Writing } from './tensor-writer.js';
import type { TorchFile } from './torch-file.js';
import { presentName } from './torch-names.js';

/** A file as far as its object goes. */
export type ObjectFile = Pick<TorchFile, 'name' | 'root' | 'storages' | 'tensorOf' | 'storageOf'>;

/** Writes one object; what it found on the way is in its properties afterwards. */
export class ObjectWriter {
  /** Rows of the tensors, and numbers of the storages. */
  readonly tensors: TensorWriter;
  /** Writer of what holds no other values. */
  readonly leaves: LeafWriter;
  readonly #file: ObjectFile;
  readonly #budget: ObjectBudget;
  /** Containers that are being written, with how many were around each. */
  readonly #containers = new Map<TaggedValue, number>();

  constructor(file: ObjectFile) {
    this.#file = file;
    this.#budget = new ObjectBudget(file.name);
    this.leaves = new LeafWriter(this.#budget);
    this.tensors = new TensorWriter(file.storages, this.leaves, this.#budget);
  }

  /** JSON of the whole object. */
  write(): TaggedJson {
    const stack: Writing[] = [];
    let wanted: Wanted | undefined = [this.#file.root, ROOT];
    let result: TaggedJson = null;
    do {
      if (wanted !== undefined) {
        this.#budget.value(stack.length);
        const started = this.#start(...wanted);
        if ('json' in started) result = started.json;
        else stack.push(started.writing);
      }
      const step: IteratorResult<Wanted, TaggedJson> | undefined = stack.at(-1)?.next(result);
      wanted = step?.done === false ? step.value : undefined;
      if (step?.done !== true) continue;
      stack.pop();
      result = step.value;
    } while (stack.length > 0);
    return result;
  }

  #start(value: PickleValue, place: Place): Started {
    const tensor = this.#file.tensorOf(value);
    if (tensor !== undefined) return this.tensors.start(value as TaggedValue, tensor, place);
    const leaf = this.leaves.json(value);
    if (leaf !== undefined) return { json: leaf };
    const container = value as TaggedValue;
    const storage = this.#file.storageOf(value);
    if (storage !== undefined) return { json: { $storage: this.tensors.storages.numberOf(storage) } };
    const around = this.#containers.get(container);
    if (around !== undefined) return { json: { $cycle: this.#containers.size - around } };
    return { writing: this.#opened(container, place) };
  }

  /** Writes a container that may be met again inside itself. */
  *#opened(value: TaggedValue, place: Place): Writing {
    this.#containers.set(value, this.#containers.size);
    const json = yield* this.#container(value, place);
    this.#containers.delete(value);
    return json;
  }

  #container(value: TaggedValue, place: Place): Writing {
    switch (value.kind) {
      case 'list':
        return this.#indexed(value.items, place);
      case 'tuple':
        return tagged('$tuple', this.#indexed(value.items, place));
      case 'set':
      case 'frozenset':
        return tagged(`$${value.kind}`, this.#sorted(value.items, place));
      case 'dict':
        return tagged('$dict', this.#entries(value.entries, place));
      case 'persistent':
        return tagged('$persistent', one([value.id, placeIn(place, { part: 'id' })]));
      default:
        return this.#object(value as ObjectValue, place);
    }
  }

  #object(value: ObjectValue, place: Place): Writing {
    const container = pythonContainer(value);
    if (container !== undefined) return this.#pythonContainer(container, place);
    const array = value.kind === 'reduce' ? numpyArray(value) : undefined;
    if (array === undefined) return this.#opaque(value, place);
    return this.#objectArray(value, place, { dtype: array.dtype.text, shape: array.shape, object: true });
  }

  /** The objects in an array are not part of its JSON, but the tensors among them have rows. */
  *#objectArray(value: ObjectValue, place: Place, json: TaggedJson): Writing {
    for (const state of value.states) yield [state, placeIn(place, { attr: '__state__' })];
    return { $ndarray: json };
  }

  *#pythonContainer(container: PythonContainer, place: Place): Writing {
    const tag = `$${container.type}`;
    if ('items' in container) return { [tag]: yield* this.#sorted(container.items, place) };
    const entries = yield* this.#entries(container.entries, place);
    if (container.type === 'defaultdict') return { [tag]: entries, factory: yield [container.factory, place] };
    if (container.attributes.length === 0) return { [tag]: entries };
    return { [tag]: entries, attrs: yield* this.#attributes(container.attributes, place) };
  }

  *#opaque(value: ObjectValue, place: Place): Writing {
    const { callable } = value;
    const type = isKind(callable, 'global') ? callable : persistentClass(callable);
    const { args, kwargs, states, listItems, setItems, dictItems } = value;
    const body: Record<string, TaggedJson> = {
      class: type === undefined ? yield [callable, placeIn(place, { attr: 'callable' })] : presentName(type),
      how: isCall(value) ? 'call' : 'newobj',
    };
    const argsPlace = placeIn(place, { attr: 'args' });
    if (!isKind(args, 'tuple')) body['args'] = yield [args, argsPlace];
    else if (args.items.length > 0) body['args'] = yield* this.#indexed(args.items, argsPlace);
    if (isKind(kwargs, 'dict')) Object.assign(body, yield* this.#keywords(kwargs, place));
    else if (kwargs !== undefined) body['kwargs'] = yield [kwargs, place];
    const written: TaggedJson[] = [];
    for (const state of states) written.push(yield* this.#state(state, place));
    if (written.length === 1) body['state'] = written[0]!;
    else if (written.length > 1) body['states'] = written;
    if (listItems.length > 0) body['list'] = yield* this.#indexed(listItems, place);
    if (setItems.length > 0) body['set'] = yield* this.#sorted(setItems, place);
    if (dictItems.length > 0) body['dict'] = yield* this.#entries(dictItems, place);
    return { $object: body };
  }

  *#keywords({ entries }: DictValue, place: Place): Generator<Wanted, Record<string, TaggedJson>, TaggedJson> {
    return entries.length === 0 ? {} : { kwargs: yield* this.#entries(entries, place) };
  }

  /** In a dictionary of attributes each attribute is one step of the way. */
  *#state(state: PickleValue, place: Place): Writing {
    const attributes = attributesOf(state);
    if (attributes === undefined) return yield [state, placeIn(place, { attr: '__state__' })];
    return { $dict: yield* this.#attributes(attributes, place) };
  }

  *#attributes(attributes: readonly Attribute[], place: Place): Writing {
    const written: TaggedJson[] = [];
    for (const [name, value] of attributes) {
      const key = yield [name, place];
      written.push([key, yield [value, placeIn(place, { attr: name })]]);
    }
    return written;
  }

  *#indexed(items: readonly PickleValue[], place: Place): Writing {
    const written: TaggedJson[] = [];
    for (const [index, item] of items.entries()) written.push(yield [item, placeIn(place, index)]);
    return written;
  }

  /** The order of a set is that of addresses in memory, so its items are put in the order of their JSON. */
  *#sorted(items: readonly PickleValue[], place: Place): Writing {
    const written: { readonly json: TaggedJson; readonly text: string }[] = [];
    for (const item of items) {
      const json = yield [item, place];
      const text = jsonDumps(json);
      this.#budget.text(text.length);
      written.push({ json, text });
    }
    return written.sort((a, b) => (a.text < b.text ? -1 : 1)).map(({ json }) => json);
  }

  *#entries(entries: readonly PickleEntry[], place: Place): Writing {
    const written: TaggedJson[] = [];
    for (const [index, [key, value]] of entries.entries()) {
      const keyJson = yield [key, placeIn(place, keySegment(index))];
      this.tensors.noteKey(key, keyJson);
      written.push([keyJson, yield [value, placeIn(place, typeof key === 'string' ? key : { key })]]);
    }
    return written;
  }
}

/** INST and OBJ without arguments make an object and call no `__init__`. */
function isCall(value: ObjectValue): boolean {
  if (value.kind === 'newobj') return false;
  return value.opcode === 'REDUCE' || !isKind(value.args, 'tuple') || value.args.items.length > 0;
}

function* tagged(tag: string, writing: Writing): Writing {
  return { [tag]: yield* writing };
}

function* one(wanted: Wanted): Writing {
  return yield wanted;
}
