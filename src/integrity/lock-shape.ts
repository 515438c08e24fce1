/**
 * Whether the predicate of a lock file is built as we write it; properties that are not known may be there.
 *
 * @see docs/schema/lock.schema.json
 * @module
 */
import { isDType } from '../dtype.js';
import { type JsonObject, isJsonObject } from '../llama/json-object.js';

/** Whether it is a SHA-256 in lower-case hexadecimal. */
export function isSha256(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

/** What is wrong with the predicate of a lock file; undefined when nothing is. */
export function faultOfPredicate(value: unknown): string | undefined {
  const { tool, command, options, source, model } = isJsonObject(value) ? value : {};
  const isCommand = command === 'convert' || command === 'lock';
  if (!isJsonObject(tool) || !areStrings(tool['name'], tool['version']) || !isCommand) {
    return 'its predicate has no tool, command and model as we write them';
  }
  if (!isJsonObject(options)) return 'its predicate has no options';
  if (source !== null && !isSource(source)) return 'its predicate has a source that is none';
  return model === null ? undefined : faultOfModel(model);
}

function faultOfModel(model: unknown): string | undefined {
  const what = 'its predicate has a model with';
  if (!isJsonObject(model)) return 'its predicate has no model';
  const { layout, fingerprint, parts, hyperparameters, vocabulary, tensors } = model;
  if (!isLayout(layout)) return `${what}out a layout`;
  if (!isSha256(fingerprint)) return `${what}out a fingerprint`;
  if (!isJsonObject(parts) || !isSha256(parts['tensors']) || !isSha256(parts['hyperparameters'])) {
    return `${what}out the hashes of its parts`;
  }
  if (!(parts['vocabulary'] === null || isSha256(parts['vocabulary']))) return `${what}out the hash of its vocabulary`;
  if (!isFlat(hyperparameters)) return `${what}out hyperparameters`;
  if (vocabulary !== null && !isFlat(vocabulary)) return `${what} a vocabulary that is none`;
  if (!Array.isArray(tensors)) return `${what}out tensors`;
  if (!tensors.every(isTensor)) return `${what} a tensor without name, dtype, shape or hash`;
  const names = new Set(tensors.map(({ name }) => name));
  return names.size === tensors.length ? undefined : `${what} two tensors of one name`;
}

function areStrings(...values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === 'string');
}

function isLayout(value: unknown): boolean {
  return value === 'meta' || value === 'hf' || value === 'gguf';
}

/** How deep objects of facts are nested, at most: the rope scaling among the hyperparameters. Hashing them goes as deep. */
const DEEPEST_FACTS = 4;

/** Whether it is an object of facts, not nested deeper than ours are. */
function isFlat(value: unknown): value is JsonObject {
  return isJsonObject(value) && !isDeeperThan(value, DEEPEST_FACTS);
}

function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((part) => isDeeperThan(part, depth - 1));
}

function isTensor(value: unknown): value is { readonly name: string } {
  if (!isJsonObject(value)) return false;
  const { name, dtype, shape, sha256 } = value;
  const isShape = Array.isArray(shape) && shape.every(isCount);
  return typeof name === 'string' && typeof dtype === 'string' && isDType(dtype) && isShape && isSha256(sha256);
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isSource(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const { name, layout, files, inputs = [], adapters = [] } = value;
  const isAdapter = (adapter: unknown): boolean =>
    isJsonObject(adapter) && typeof adapter['name'] === 'string' && areSourceFiles(adapter['files']);
  const areAdapters = Array.isArray(adapters) && adapters.every(isAdapter);
  return typeof name === 'string' && isLayout(layout) && areSourceFiles(files) && areSourceFiles(inputs) && areAdapters;
}

function areSourceFiles(value: unknown): boolean {
  return Array.isArray(value) && value.every(isSourceFile);
}

function isSourceFile(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const { name, size, digest, statedBy } = value;
  const isStated = statedBy === null || typeof statedBy === 'string';
  return typeof name === 'string' && isCount(size) && (digest === null || isJsonObject(digest)) && isStated;
}
