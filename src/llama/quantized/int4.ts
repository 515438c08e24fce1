/**
 * SpinQuant and QLoRA checkpoints (Llama 3.2 1B and 3B): four-bit matrices with scales beside them.
 *
 * ```text
 * layers.0.attention.wq.weight            int8, one value of -8..7 in each byte    (out, in)
 * layers.0.attention.wq.scales            float32, one for `in / columns` weights  (out, columns)
 * layers.0.attention.wq.zeros             likewise; absent means 0
 * layers.0.attention.wq.adaptor.A.weight  QLoRA: bfloat16                          (rank, in)
 * layers.0.attention.wq.adaptor.B.weight                                           (out, rank)
 * tok_embeddings.weight, output.weight    int8 with eight bits                     (vocab, dim)
 * tok_embeddings.scales, output.scales    float32, one for each row                (vocab, 1) or (vocab)
 * ```
 *
 * Two traps. `params.json` states a group size, but the shapes of the scales decide. And with SpinQuant the input of
 * `feed_forward.w2` goes through a Hadamard transform of which no tensor tells: without it the model answers nonsense.
 *
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama3/quantization/loader.py
 * @see https://github.com/meta-llama/llama-stack (hadamard_utils.py)
 * @module
 */
import type { StoredTensor } from '../../formats/tensor.js';
import type { MetaCheckpoint, MetaShard } from '../meta-checkpoint.js';
import { type Decision, LlamaError } from '../model.js';
import type { LoraArgs, QuantizationArgs } from '../params.js';
import type { ShardTensor } from '../shards.js';
import { type Adaptor, type QuantizedMatrix, dequantized, storedByteLength } from './dequantize.js';
import { isHadamardLength } from './hadamard.js';
import { expectFloats, expectMatrix, expectOneOfShapes, shownShape } from './scales.js';
import type { PlainShards, StoredWeight } from './weights.js';

/** The only scheme of Meta's releases. */
const SCHEME = 'int4_weight_int8_dynamic_activation';

/** What stands beside a weight, by the ending that replaces `.weight`. */
const PARTS = ['.scales', '.zeros', '.adaptor.A.weight', '.adaptor.B.weight'] as const;

/** Matrices whose input goes through the transform with SpinQuant. */
const TRANSFORMED = /^layers\.\d+\.feed_forward\.w2$/;

/** The shard with all weights scaled, adaptors merged and the transform folded in. @throws LlamaError as `plainShards` */
export function int4Shards({ shards, params, path }: MetaCheckpoint): PlainShards {
  if (shards.length > 1) {
    const message = `int4 weights in ${shards.length} shards are not known; the releases have one`;
    throw new LlamaError('llama/unsupported', message, { path });
  }
  const args = expectScheme(params.quantization_args, path);
  const reader = new Int4Reader(shards[0], args, params.lora_args);
  const tensors = new Map<string, ShardTensor>();
  const stored = new Map<string, StoredWeight>();
  for (const [name, tensor] of shards[0].tensors) {
    if (stemOfPart(name) !== undefined) continue;
    const matrix = reader.matrixOf(name, tensor);
    tensors.set(name, matrix === undefined ? tensor : dequantized(matrix));
    if (matrix !== undefined) {
      stored.set(name, { dtype: tensor.storedDtype, byteLength: storedByteLength(matrix) });
    }
  }
  reader.expectNothingLeft();
  if (stored.size === 0) {
    const message = 'params.json has quantization_args, but no weight is int8 with scales beside it';
    throw new LlamaError('llama/contradiction', message, { path });
  }
  const name = args.spinquant ? 'SpinQuant int4' : params.lora_args === undefined ? 'int4' : 'QLoRA int4';
  return {
    shards: [{ path: shards[0].path, tensors }],
    quantization: { ...{ name, whole: true, stored }, decisions: decisions(name, args, params.lora_args, reader) },
  };
}

function expectScheme(args: QuantizationArgs | undefined, path: string): QuantizationArgs {
  if (args?.scheme === SCHEME) return args;
  if (args?.scheme !== undefined) {
    const message = `params.json has the quantization scheme ${args.scheme}; ${SCHEME} is the one that is known`;
    throw new LlamaError('llama/unsupported', message, { path });
  }
  const missing = args === undefined ? 'quantization_args' : 'no scheme in quantization_args';
  throw new LlamaError(
    'llama/bad-params',
    `the weights are quantized, but params.json has ${args === undefined ? `no ${missing}` : missing}, which tell how`,
    { path, hint: 'without it nobody can know whether the model was rotated (SpinQuant); download it again' },
  );
}

function decisions(
  name: string,
  args: QuantizationArgs,
  lora: LoraArgs | undefined,
  { groupSize }: Int4Reader,
): Decision[] {
  const folded = args.spinquant ? ['the Hadamard transform before w2 is folded into it'] : [];
  const merged = lora === undefined ? [] : [`adaptors of rank ${lora.rank} are merged, times ${lora.scale}`];
  const because = [`params.json says ${SCHEME}`, ...folded, ...merged].join('; ');
  const quantization = { about: 'quantization', value: name, because };
  if (groupSize === undefined) return [quantization];
  const stated = args.group_size;
  const contrary = stated === undefined || stated === groupSize ? '' : `, though params.json says ${stated}`;
  return [quantization, { about: 'group size', value: String(groupSize), because: `the scales have it${contrary}` }];
}

/** The matrix that a part belongs to; undefined for tensors that are no part of another. */
function stemOfPart(name: string): string | undefined {
  const part = PARTS.find((ending) => name.endsWith(ending));
  return part && name.slice(0, -part.length);
}

/** Puts the parts of each matrix together. */
class Int4Reader {
  /** Weights that share a scale in the matrices of the blocks; undefined before the first. */
  groupSize: number | undefined;
  readonly #path: string;
  readonly #tensors: ReadonlyMap<string, StoredTensor>;
  readonly #args: QuantizationArgs;
  readonly #lora: LoraArgs | undefined;
  readonly #unused: Map<string, string>;

  constructor({ path, tensors }: MetaShard, args: QuantizationArgs, lora: LoraArgs | undefined) {
    this.#path = path;
    this.#tensors = tensors;
    this.#args = args;
    this.#lora = lora;
    this.#unused = new Map(
      [...tensors.keys()].flatMap((name): [string, string][] => {
        const stem = stemOfPart(name);
        return stem === undefined ? [] : [[name, stem]];
      }),
    );
  }

  /** The matrix of that name with all its parts; undefined for tensors that are not quantized. */
  matrixOf(name: string, weight: StoredTensor): QuantizedMatrix | undefined {
    if (weight.dtype !== 'int8') return undefined;
    const [rows, columns] = expectMatrix(weight, this.#path);
    const stem = name.slice(0, name.lastIndexOf('.'));
    const scales = this.#expectPart(stem, '.scales', name);
    const zeros = this.#part(stem, '.zeros');
    if (stem.startsWith('layers.')) this.#expectGroups(scales, name, rows, columns);
    else expectOneOfShapes(scales, [[rows, 1], [rows]], `one for each row of ${name}`, this.#path);
    if (zeros !== undefined) expectOneOfShapes(zeros, [scales.shape], scales.name, this.#path);
    const adaptor = this.#adaptor(stem, name, rows, columns);
    const transformed = this.#args.spinquant && TRANSFORMED.test(stem);
    if (transformed) this.#expectTransformable(name, columns);
    return { weight, scales, zeros, adaptor, transformed };
  }

  /** Throws for scales and adaptors that stand beside no int8 weights. */
  expectNothingLeft(): void {
    const [left] = this.#unused;
    if (left === undefined) return;
    const [first, stem] = left;
    const weight = this.#tensors.get(`${stem}.weight`);
    const found = weight === undefined ? 'is missing' : `is ${weight.storedDtype}, not int8`;
    throw new LlamaError(
      weight === undefined ? 'llama/missing-tensor' : 'llama/wrong-dtype',
      `there is a tensor ${first}, but ${stem}.weight ${found}`,
      { path: this.#path },
    );
  }

  #part(stem: string, part: (typeof PARTS)[number]): StoredTensor | undefined {
    const name = `${stem}${part}`;
    const tensor = this.#tensors.get(name);
    if (tensor === undefined) return undefined;
    this.#unused.delete(name);
    expectFloats(tensor, this.#path);
    return tensor;
  }

  #expectPart(stem: string, part: (typeof PARTS)[number], weight: string): StoredTensor {
    const tensor = this.#part(stem, part);
    if (tensor !== undefined) return tensor;
    const message = `the tensor ${stem}${part} is missing, without which ${weight} cannot be read`;
    throw new LlamaError('llama/missing-tensor', message, { path: this.#path });
  }

  #expectGroups(scales: StoredTensor, name: string, rows: number, columns: number): void {
    if (this.groupSize === undefined) {
      const groups = scales.shape[1] ?? 0;
      if (scales.shape.length !== 2 || scales.shape[0] !== rows || groups === 0 || columns % groups !== 0) {
        const want = `${rows} rows, and a number of columns that divides ${columns}, as ${name} has ${shownShape([rows, columns])}`;
        const message = `${scales.name} has shape ${shownShape(scales.shape)}; it should have ${want}`;
        throw new LlamaError('llama/wrong-shape', message, { path: this.#path });
      }
      this.groupSize = columns / groups;
    }
    const because = `a group size of ${this.groupSize} as in the other matrices`;
    expectOneOfShapes(scales, [[rows, columns / this.groupSize]], because, this.#path);
  }

  #adaptor(stem: string, weight: string, rows: number, columns: number): Adaptor | undefined {
    const present = PARTS.slice(2).some((part) => this.#tensors.has(`${stem}${part}`));
    const lora = this.#lora;
    if (lora === undefined) {
      if (!present) return undefined;
      const message = `${stem} has an adaptor, but params.json has no lora_args, which tell its factor`;
      throw new LlamaError('llama/bad-params', message, { path: this.#path });
    }
    if (!present && !stem.startsWith('layers.')) return undefined; // Meta adapts the blocks only
    const a = this.#expectPart(stem, '.adaptor.A.weight', weight);
    const b = this.#expectPart(stem, '.adaptor.B.weight', weight);
    const because = `rank ${lora.rank} in params.json`;
    expectOneOfShapes(a, [[lora.rank, columns]], because, this.#path);
    expectOneOfShapes(b, [[rows, lora.rank]], because, this.#path);
    return { a, b, scale: lora.scale };
  }

  #expectTransformable(name: string, columns: number): void {
    if (isHadamardLength(columns)) return;
    const message = `${name} has ${columns} columns, but the Hadamard transform of SpinQuant needs a power of two`;
    throw new LlamaError('llama/unsupported', message, { path: this.#path });
  }
}
