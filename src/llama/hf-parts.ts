/**
 * What the readers of Hugging Face's layouts have in common: a model without its files, and the names in them.
 *
 * @module
 */
import type { StoredTensor, Tensor } from '../formats/tensor.js';
import type { ReadOptions } from '../source/byte-source.js';
import { type JsonObject, isJsonObject } from './json-object.js';
import type { ModelFamily } from './family.js';
import { type LlamaConfig, LlamaError } from './model.js';
import { nameError } from './names.js';

/** What `config.json` and the headers of the weights tell. */
export interface HfParts {
  /** Hyperparameters. */
  readonly config: LlamaConfig;
  /** What it is beyond a text Llama. */
  readonly family?: ModelFamily | undefined;
  /** Tensors under canonical names; lazy. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Throws where the weights contradict each other. */
  readonly expectConsistentWeights: (options?: ReadOptions) => Promise<void>;
}

/** A `config.json`, the tensors beside it, and where they are. */
export interface HfFiles {
  /** What the file says. */
  readonly json: JsonObject;
  /** What a person calls the file. */
  readonly configPath: string;
  /** Every tensor of the folder. */
  readonly stored: readonly StoredTensor[];
  /** What a person calls the folder. */
  readonly path: string;
}

/** A tensor that must be there. */
export interface HfExpected {
  /** Name at Hugging Face. */
  readonly name: string;
  /** Extents there. */
  readonly shape: readonly number[];
}

/** A part of a `config.json`. @throws LlamaError `llama/bad-config` */
export function sectionOf(json: JsonObject, key: string, path: string): JsonObject {
  const value = json[key];
  if (isJsonObject(value)) return value;
  throw new LlamaError('llama/bad-config', `${key} must be an object, found ${JSON.stringify(value)}`, { path });
}

/**
 * Throws where a file states more of something than there are tensors: names are made for each of them.
 *
 * @throws LlamaError `llama/missing-tensor`
 */
export function expectCountable(counts: readonly number[], { stored, path }: HfFiles): void {
  const count = Math.max(...counts);
  if (count <= stored.length) return;
  const message = `config.json states ${count} layers, but there are only ${stored.length} tensors`;
  throw new LlamaError('llama/missing-tensor', message, { path });
}

/**
 * The tensors by name, each of the right extents, and no other.
 *
 * @throws LlamaError `llama/bad-index`, `llama/contradiction`, `llama/missing-tensor`, `llama/unknown-tensor`,
 *   `llama/wrong-shape`
 */
export function expectHfTensors(
  { stored, path }: HfFiles,
  expected: readonly HfExpected[],
  what: string,
): (name: string) => StoredTensor {
  const found = new Map<string, StoredTensor>();
  for (const tensor of stored) {
    const name = savedName(tensor.name);
    if (found.has(name)) {
      throw new LlamaError('llama/bad-index', `the tensor ${tensor.name} lies in two files`, { path });
    }
    found.set(name, tensor);
  }
  expectNames([...found.keys()], expected, what, path);
  for (const { name, shape } of expected) {
    const tensor = found.get(name);
    if (tensor === undefined || tensor.shape.join() === shape.join()) continue;
    const message = `${tensor.name} has shape (${tensor.shape.join(', ')}); config.json asks for (${shape.join(', ')})`;
    throw new LlamaError('llama/wrong-shape', message, { path });
  }
  return (name) => {
    const tensor = found.get(name);
    if (tensor !== undefined) return tensor;
    throw new LlamaError('llama/missing-tensor', `the tensor ${name} is missing`, { path });
  };
}

function expectNames(found: readonly string[], expected: readonly HfExpected[], what: string, path: string): void {
  const names = expected.map(({ name }) => name);
  const [stated, layers] = [layersOf(names), layersOf(found)];
  if (stated !== layers) {
    const message = `config.json states ${stated} layers, but there are tensors of ${layers}`;
    throw new LlamaError('llama/contradiction', message, { path });
  }
  const [wanted, present] = [new Set(names), new Set(found)];
  const missing = names.filter((name) => !present.has(name));
  if (missing.length > 0) throw nameError('llama/missing-tensor', missing, 'missing', path);
  const unknown = found.filter((name) => !wanted.has(name));
  if (unknown.length > 0) throw nameError('llama/unknown-tensor', unknown, `not a part of ${what}`, path);
}

/** How many layers of text the names are of. */
function layersOf(names: readonly string[]): number {
  return names.reduce((most, name) => {
    const number = /^language_model\.model\.layers\.(\d+)\./.exec(name)?.[1];
    return Math.max(most, 1 + Number(number ?? -1));
  }, 0);
}

/** Beginnings of names as some versions of transformers save them, and as the releases are published. */
const PREFIXES: readonly (readonly [saved: string, published: string])[] = [
  ['model.language_model.', 'language_model.model.'],
  ['model.vision_model.', 'vision_model.'],
  ['model.multi_modal_projector.', 'multi_modal_projector.'],
  ['model.', 'language_model.model.'],
  ['lm_head.', 'language_model.lm_head.'],
];

/** The name as the releases are published, from that of any version of transformers; models of text alone have no prefix. */
function savedName(name: string): string {
  const prefix = PREFIXES.find(([saved]) => name.startsWith(saved));
  return prefix === undefined ? name : prefix[1] + name.slice(prefix[0].length);
}
