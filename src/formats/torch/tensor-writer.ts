/**
 * Writes the tensors of an object as rows beside its JSON.
 *
 * @module
 */
import type { PickleValue, TaggedValue } from '../../pickle/values.js';
import type { ObjectBudget } from './object-budget.js';
import type { LeafWriter } from './object-leaves.js';
import type { TorchStorage } from './storages.js';
import type { TaggedJson } from './tagged-json.js';
import { type Place, UniqueNames, pathOf, placeIn } from './tensor-path.js';
import { type OpenRow, StorageNumbers, quantizerJson, tensorRow } from './tensor-rows.js';
import type { TensorValue } from './tensor-value.js';

/** A part that is wanted, and its place. */
export type Wanted = readonly [value: PickleValue, place: Place];

/** A value that is being written; `yield` gives the JSON of a part. */
export type Writing = Generator<Wanted, TaggedJson, TaggedJson>;

/** A value that is written, or one that has parts to be written first. */
export type Started = { readonly json: TaggedJson } | { readonly writing: Writing };

/** What a step of a way counts as text: about its size in memory. */
const SEGMENT_COST = 16;

/** Characters that a dimension counts for, with its stride: a tensor that stands at many places is told at each. */
const DIMENSION_COST = 16;

/** Writes the tensors of one object. */
export class TensorWriter {
  /** Rows of the tensors so far. */
  readonly rows: OpenRow[] = [];
  /** Numbers of the storages. */
  readonly storages: StorageNumbers;
  readonly #leaves: LeafWriter;
  readonly #budget: ObjectBudget;
  readonly #names = new UniqueNames();
  readonly #rowOf = new Map<TaggedValue, number>();
  readonly #open = new Set<TaggedValue>();
  readonly #keys = new Map<TaggedValue, TaggedJson>();

  constructor(storages: readonly TorchStorage[], leaves: LeafWriter, budget: ObjectBudget) {
    this.storages = new StorageNumbers(storages);
    this.#leaves = leaves;
    this.#budget = budget;
  }

  /** Remembers the JSON of a key, for the ways to the tensors under it. */
  noteKey(key: PickleValue, json: TaggedJson): void {
    if (typeof key === 'object' && key !== null) this.#keys.set(key, json);
  }

  /** A tensor inside of its own attributes is told by the row that is being written. */
  start(value: TaggedValue, tensor: TensorValue, place: Place): Started {
    const alias = this.#rowOf.get(value);
    if (alias !== undefined && this.#open.has(value)) return { json: { $tensor: alias } };
    const path = pathOf(place).map((segment): TaggedJson => {
      if (typeof segment !== 'object') return segment;
      return 'key' in segment ? { key: this.#keyJson(segment.key) } : { ...segment };
    });
    this.#budget.text(place.name.length + SEGMENT_COST * path.length + DIMENSION_COST * tensor.shape.length);
    const name = this.#names.take(place.name);
    const row = tensorRow(tensor, { name, path }, alias, this.storages);
    const index = this.rows.push(row) - 1;
    if (alias === undefined) this.#rowOf.set(value, index);
    const isPlain = tensor.parts.length + tensor.states.length === 0 && tensor.quantizer === undefined;
    return isPlain ? { json: { $tensor: index } } : { writing: this.#inside(value, tensor, place, row, index) };
  }

  *#inside(value: TaggedValue, tensor: TensorValue, place: Place, row: OpenRow, index: number): Writing {
    this.#open.add(value);
    const parts = new Map<string, TaggedJson>();
    for (const [part, inner] of tensor.parts) {
      const json = yield [inner, placeIn(place, { part })];
      parts.set(part, rowNumberOf(json));
    }
    if (tensor.quantizer !== undefined) {
      row.quantizer = quantizerJson(tensor.quantizer, parts, this.#isFloat(parts.get('zero_points')), (inner) =>
        this.#leaves.json(inner),
      );
    } else if (parts.size > 0) row.parts = Object.fromEntries(parts);
    const states: TaggedJson[] = [];
    for (const state of tensor.states) states.push(yield [state, placeIn(place, { attr: '__dict__' })]);
    if (states.length === 1) row.state = states[0]!;
    else if (states.length > 1) row.states = states;
    this.#open.delete(value);
    return { $tensor: index };
  }

  #isFloat(row: TaggedJson | undefined): boolean {
    return typeof row === 'number' && this.rows[row]?.dtype.startsWith('float') === true;
  }

  /** JSON of a key on the way to a tensor; one that is an object has been written just before. */
  #keyJson(key: PickleValue): TaggedJson {
    const isObject = typeof key === 'object' && key !== null;
    return (isObject ? this.#keys.get(key) : this.#leaves.json(key)) ?? null;
  }
}

function rowNumberOf(json: TaggedJson): TaggedJson {
  return typeof json === 'object' && json !== null && '$tensor' in json ? json['$tensor'] : json;
}
