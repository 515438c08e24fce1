/**
 * LoRA adapters of PEFT, merged into the weights: W + scale * B A.
 *
 * An adapter stands beside the weights of Hugging Face, whose rows of q and k are in another order than the canonical
 * ones, so the rows of B are put into Meta's order too. Merged rows are computed in float32, all adapters in their order,
 * and rounded to the type of the weights once. What would be more than that sum is refused (DoRA, biases, whole modules).
 *
 * @see https://arxiv.org/abs/2106.09685
 * @see https://github.com/huggingface/peft/blob/main/src/peft/tuners/lora/layer.py (get_delta_weight)
 * @module
 */
import { isQuantized } from '../dtype.js';
import { openSafetensorsFile } from '../formats/safetensors/read.js';
import { shownName } from '../formats/shown-name.js';
import { type Tensor, type TensorFile, rowByteLengthOf, rowCountOf, rowLengthOf } from '../formats/tensor.js';
import { decodeToFloat32, encodeFromFloat32 } from '../quant/codec.js';
import { firstNotFinite } from '../quant/not-finite.js';
import { type ByteSource, type ReadOptions, bufferFor } from '../source/byte-source.js';
import type { Folder } from '../source/folder.js';
import { readJsonText } from './hf-tokenizer.js';
import { canonicalName } from './layout.js';
import { type LoraSettings, type LoraStrength, parseLoraConfig } from './lora-config.js';
import { targetMismatch } from './lora-targets.js';
import { type Decision, LlamaError, type LlamaModel } from './model.js';
import { rotatesHalves, toMetaRowOrder } from './row-order.js';

/** The two factors of a matrix's change, and how much of their product is added. */
export interface LoraPair extends LoraStrength {
  /** Shape (rank, in). */
  readonly a: Tensor;
  /** Shape (out, rank), rows in Hugging Face's order. */
  readonly b: Tensor;
}

/** An adapter, opened: its weights are read when rows of a merged matrix are. */
export interface LoraAdapter {
  /** What a person calls its folder. */
  readonly path: string;
  /** The pairs by the canonical name of the matrix that they change. */
  readonly pairs: ReadonlyMap<string, LoraPair>;
  /** Gives its file back. */
  close(): Promise<void>;
  /** The same as `close`. */
  [Symbol.asyncDispose](): Promise<void>;
}

const CONFIG = 'adapter_config.json';

/** The file of weights, as PEFT writes it since 2023 and as it did before; the first that is there is read, as PEFT does. */
const WEIGHTS = ['adapter_model.safetensors', 'adapter_model.bin'] as const;

/**
 * Opens a folder with `adapter_config.json` and `adapter_model.safetensors`, or the `adapter_model.bin` of old PEFT; reads
 * the header of the weights.
 *
 * @throws LlamaError `llama/bad-adapter`, `llama/unsupported`
 * @throws SafetensorsError, TorchError, ZipError, PickleError, SourceError
 */
export async function openLora(folder: Folder): Promise<LoraAdapter> {
  const path = folder.name;
  const names = (await folder.list()).map(({ name }) => name);
  const weights = WEIGHTS.find((name) => names.includes(name));
  if (weights === undefined || !names.includes(CONFIG)) {
    const missing = names.includes(CONFIG) ? WEIGHTS.join(' or ') : CONFIG;
    throw new LlamaError('llama/bad-adapter', `there is no ${missing} in this folder`, {
      path,
      hint: `an adapter of PEFT was expected: ${CONFIG} and ${WEIGHTS[0]}`,
    });
  }
  const settings = parseLoraConfig(await readJsonText(folder, CONFIG), `${path}/${CONFIG}`);
  const source = await folder.open(weights);
  try {
    const file = await openWeights(source, weights);
    const close = (): Promise<void> => file.close();
    return { path, pairs: pairsOf(file, settings, path), close, [Symbol.asyncDispose]: close };
  } catch (cause) {
    await source.close();
    throw cause;
  }
}

async function openWeights(source: ByteSource, name: (typeof WEIGHTS)[number]): Promise<TensorFile> {
  if (name === 'adapter_model.safetensors') return openSafetensorsFile(source);
  return (await import('../formats/torch/torch-file.js')).openTorchFile(source);
}

const FACTOR = /^base_model\.model\.(.+)\.lora_([AB])(?:\.default)?\.weight$/;

/** The factors of a matrix as far as they are there, and its module in Hugging Face's names. */
interface Factors extends Partial<Record<'A' | 'B', Tensor>> {
  readonly module: string;
}

function factorsOf({ tensors }: TensorFile, refuse: (message: string) => never): Map<string, Factors> {
  const factors = new Map<string, Factors>();
  for (const tensor of tensors) {
    const [, module = '', letter] = FACTOR.exec(tensor.name) ?? [];
    const factor = letter as 'A' | 'B';
    const name = canonicalName(`${module}.weight`, 'hf');
    if (name === undefined || /norm|tok_embeddings/.test(name)) {
      return refuse(`${shownName(tensor.name)} is no factor of a matrix that a Llama has`);
    }
    const known = factors.get(name);
    if (known?.[factor] !== undefined) refuse(`factor ${factor} of ${module} is there twice`);
    factors.set(name, { ...known, module, [factor]: tensor });
  }
  return factors;
}

function pairsOf(file: TensorFile, settings: LoraSettings, path: string): Map<string, LoraPair> {
  const refuse = (message: string): never => {
    throw new LlamaError('llama/bad-adapter', message, { path });
  };
  const factors = factorsOf(file, refuse);
  const mismatch = targetMismatch(
    settings.targets,
    [...factors.values()].map(({ module }) => module),
  );
  if (mismatch !== undefined) refuse(mismatch);
  const pairs = new Map<string, LoraPair>();
  for (const [name, { A: a, B: b, module }] of factors) {
    if (a === undefined || b === undefined) return refuse(`${name} has one factor of two`);
    const { rank, scale } = settings.strengthOf(module);
    if (a.shape.length !== 2 || b.shape.length !== 2 || a.shape[0] !== rank || b.shape[1] !== rank) {
      refuse(`the factors of ${name} are (${a.shape.join(', ')}) and (${b.shape.join(', ')}), but the rank is ${rank}`);
    }
    pairs.set(name, { a, b, rank, scale });
  }
  if (pairs.size === 0) refuse('there are no weights in it');
  return pairs;
}

/**
 * The model with these adapters merged, in their order; lazy. Peak memory: a block of rows in float32 beside the block
 * as it lies in the file, and the factor A of one matrix. Closing it closes the model, not the adapters.
 *
 * @throws LlamaError `llama/wrong-base` where shapes differ or the model has no such matrix, `llama/unsupported` for
 *   weights that are quantized, `llama/bad-adapter` for models that are more than text
 */
export function withLora(model: LlamaModel, adapters: readonly LoraAdapter[]): LlamaModel {
  const [first] = adapters;
  if (first === undefined) return model;
  expectText(model, first);
  for (const adapter of adapters) for (const name of adapter.pairs.keys()) expectFits(model, adapter, name);
  const factors = new LatestFactor();
  const tensors = [...model.tensors].map(([name, tensor]): [string, Tensor] => {
    const changes = adapters.flatMap(({ pairs, path }): LoraChange[] => {
      const pair = pairs.get(name);
      if (pair === undefined) return [];
      const b = rotatesHalves(name, model) ? toMetaRowOrder(pair.b, model.config.headDim) : pair.b;
      return [{ ...pair, path, b }];
    });
    return [name, changes.length === 0 ? tensor : merged(tensor, changes, factors)];
  });
  const paths = adapters.map(({ path }) => path);
  return {
    ...model,
    tensors: new Map(tensors),
    adapters: [...(model.adapters ?? []), ...paths],
    decisions: [...model.decisions, ...adapters.map(decisionOf)],
  };
}

/** Names of Vision count other layers, and names of Llama 4 are others: what fits by name would be another matrix. */
function expectText({ family }: LlamaModel, { path }: LoraAdapter): void {
  if (family === undefined) return;
  const kind = family.kind === 'vision' ? 'Llama 3.2 Vision' : 'Llama 4';
  throw new LlamaError('llama/bad-adapter', `adapters are merged into text models only, and this is a ${kind}`, {
    path,
    hint: 'merge it with PEFT (merge_and_unload), and convert the result',
  });
}

function decisionOf({ path, pairs }: LoraAdapter): Decision {
  const matrices = pairs.size === 1 ? '1 matrix changes' : `${pairs.size} matrices change`;
  const strengths = [...pairs.values()].map(({ rank, scale }) => `rank ${rank}, scale ${Number(scale.toPrecision(6))}`);
  const [first, ...others] = new Set(strengths);
  const more = others.length === 0 ? '' : `, and ${others.length} other strengths`;
  return { about: 'adapter', value: path, because: `${matrices}, ${first}${more}` };
}

function expectFits(model: LlamaModel, { pairs, path }: LoraAdapter, name: string): void {
  const tensor = model.tensors.get(name);
  const hint = 'it was made for another base model';
  if (tensor === undefined) {
    const why = name === 'output.weight' && model.config.tied ? ', because its output is the embedding' : '';
    throw new LlamaError('llama/wrong-base', `the adapter changes ${name}, which the model does not have${why}`, {
      path,
      hint,
    });
  }
  if (isQuantized(tensor.dtype)) {
    const message = `${name} is ${tensor.dtype}; adapters are merged into plain weights only`;
    throw new LlamaError('llama/unsupported', message, {
      path: model.path,
      hint: 'merge it into the original model, and quantize the result',
    });
  }
  const changed = [pairs.get(name)?.b.shape[0], pairs.get(name)?.a.shape[1]];
  if (changed.join() === tensor.shape.join()) return;
  throw new LlamaError(
    'llama/wrong-base',
    `the adapter changes ${name} as a matrix of (${changed.join(', ')}), but it has (${tensor.shape.join(', ')})`,
    { path, hint },
  );
}

/** A pair with the adapter that it is of. */
interface LoraChange extends LoraPair {
  readonly path: string;
}

function merged(tensor: Tensor, changes: readonly LoraChange[], factors: LatestFactor): Tensor {
  const { name, dtype, shape } = tensor;
  const columns = rowLengthOf(shape);
  return {
    ...{ name, dtype, shape },
    rowGroup: Math.max(tensor.rowGroup ?? 1, ...changes.map(({ b }) => b.rowGroup ?? 1)),
    readRows: async (first, count, options) => {
      const own = { ...options, into: undefined };
      const values = new Float32Array(count * columns);
      decodeToFloat32(dtype, await tensor.readRows(first, count, own), values);
      const before = notFiniteCount(values);
      for (const change of changes) {
        await addProduct(values, { ...change, right: await factors.whole(change, own) }, { first, count }, own);
      }
      const bytes = bufferFor(count * rowByteLengthOf(tensor), options);
      encodeFromFloat32(dtype, values, bytes);
      // the sum of finite numbers may be too large for the type
      decodeToFloat32(dtype, bytes, values);
      if (notFiniteCount(values) > before) {
        const message = `${name} would get values that are infinite or NaN in ${dtype}, from finite ones`;
        throw new LlamaError('llama/bad-adapter', message, { path: changes.map(({ path }) => path).join(', ') });
      }
      return bytes;
    },
  };
}

/** Adds rows of scale * B A, (count, rank) times (rank, columns), to `values`, (count, columns). */
async function addProduct(
  values: Float32Array,
  { a, b, scale, path, right }: LoraChange & { readonly right: Float32Array },
  { first, count }: { readonly first: number; readonly count: number },
  options: ReadOptions,
): Promise<void> {
  const rank = rowCountOf(a.shape);
  const columns = rowLengthOf(a.shape);
  const left = new Float32Array(count * rank);
  decodeToFloat32(b.dtype, await b.readRows(first, count, options), left);
  expectFinite(left, b, path);
  const product = new Float32Array(columns);
  for (let row = 0; row < count; row++) {
    product.fill(0);
    for (let k = 0; k < rank; k++) {
      const factor = left[row * rank + k]!;
      const from = right.subarray(k * columns, (k + 1) * columns);
      for (let column = 0; column < columns; column++) product[column]! += factor * from[column]!;
    }
    const at = row * columns;
    for (let column = 0; column < columns; column++) values[at + column]! += Math.fround(scale * product[column]!);
  }
}

/** The factor that a merge read last: the blocks of a matrix come one after another, and each needs all of it. */
class LatestFactor {
  #latest: { readonly tensor: Tensor; readonly values: Promise<Float32Array> } | undefined;

  /** All of the factor A in float32; read once for blocks that follow one another. */
  whole({ a: tensor, path }: LoraChange, options: ReadOptions): Promise<Float32Array> {
    if (this.#latest?.tensor === tensor) return this.#latest.values;
    const latest = { tensor, values: readFactor(tensor, path, options) };
    this.#latest = latest;
    // what could not be read is tried again by whoever needs it next
    latest.values.catch(() => {
      if (this.#latest === latest) this.#latest = undefined;
    });
    return latest.values;
  }
}

async function readFactor(tensor: Tensor, path: string, options: ReadOptions): Promise<Float32Array> {
  const rows = rowCountOf(tensor.shape);
  const values = new Float32Array(rows * rowLengthOf(tensor.shape));
  decodeToFloat32(tensor.dtype, await tensor.readRows(0, rows, options), values);
  expectFinite(values, tensor, path);
  return values;
}

function expectFinite(values: Float32Array, { name }: Tensor, path: string): void {
  const at = firstNotFinite(values);
  if (at < 0) return;
  throw new LlamaError('llama/bad-adapter', `${name} has values that are no numbers, as ${values[at]}`, { path });
}

function notFiniteCount(values: Float32Array): number {
  let count = 0;
  for (const value of values) if (!Number.isFinite(value)) count += 1;
  return count;
}
