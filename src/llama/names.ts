/**
 * Whether shards hold exactly the tensors that a model has, by name.
 *
 * @module
 */
import type { ExpectedTensor } from './layout.js';
import { LlamaError } from './model.js';
import type { Shards } from './shards.js';

/** What is known beside the names that are expected. */
export interface NamesQuestion {
  /** What the tensors are parts of: `a Llama with these params`. */
  readonly what: string;
  /** Names that may be there and are no weights. */
  readonly isIgnored: (name: string) => boolean;
}

/**
 * Throws unless every shard has every expected name and no other. Costs no read.
 *
 * @throws LlamaError `llama/contradiction`, `llama/missing-tensor`, `llama/unknown-tensor`
 */
export function expectNames(
  shards: Shards,
  expected: readonly Pick<ExpectedTensor, 'name'>[],
  { what, isIgnored }: NamesQuestion,
): void {
  expectLayers(shards, expected);
  const wanted = new Set(expected.map(({ name }) => name));
  for (const shard of shards) {
    const unknown = [...shard.tensors.keys()].filter((name) => !wanted.has(name) && !isIgnored(name));
    const missing = [...wanted].filter((name) => !shard.tensors.has(name));
    if (missing.length > 0) throw nameError('llama/missing-tensor', missing, 'missing', shard.path);
    if (unknown.length > 0) throw nameError('llama/unknown-tensor', unknown, `not a part of ${what}`, shard.path);
  }
}

function expectLayers([{ tensors, path }]: Shards, expected: readonly Pick<ExpectedTensor, 'name'>[]): void {
  const [stated, found] = [layersOf(expected.map(({ name }) => name)), layersOf([...tensors.keys()])];
  if (stated === found) return;
  const message = `params.json says n_layers ${stated}, but there are tensors of ${found} layers`;
  throw new LlamaError('llama/contradiction', message, { path });
}

/** How many layers canonical names are of: one more than the largest number among them. */
export function layersOf(names: readonly string[]): number {
  const number = (name: string): number => Number(/^(?:text_model\.)?layers\.(\d+)\./.exec(name)?.[1] ?? -1);
  return names.reduce((most, name) => Math.max(most, 1 + number(name)), 0);
}

/** The error for names that are missing or unknown: the one, or how many and the first. */
export function nameError(
  code: 'llama/missing-tensor' | 'llama/unknown-tensor',
  names: readonly string[],
  what: string,
  path: string,
): LlamaError {
  const first = names[0]!;
  const message =
    names.length === 1 ? `the tensor ${first} is ${what}` : `${names.length} tensors are ${what}, first ${first}`;
  return new LlamaError(code, message, { path });
}
