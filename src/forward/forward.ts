/**
 * The reference forward pass of a Llama: from token ids to logits, in the paper's order.
 *
 * Everything is float32, weights stream by in blocks of rows, and nothing is kept
 * between passes: this is the measure that conversions are held against, not a way to chat.
 *
 * @see https://arxiv.org/abs/2302.13971
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama3/model.py
 * @module
 */
import { type LlamaModel, expectTensor } from '../llama/model.js';
import type { OperationOptions } from '../options.js';
import { firstNotFinite } from '../quant/not-finite.js';
import { attend } from './attention.js';
import { ForwardError } from './errors.js';
import type { Kernels } from './kernels.js';
import { type Rotation, addTo, rmsNorm, rotate, rotationOf, swiglu } from './operations.js';
import { type Batch, type Sequence, expectBatch } from './request.js';
import { createKernels } from './wasm-kernels.js';
import { expectShapes, linear, readRows, readVector } from './weights.js';

/** How a forward pass is run. */
export interface StageOptions extends OperationOptions {
  /** Computes the matrix products; default: in this thread, in WebAssembly where the machine can. Not closed here. */
  readonly kernels?: Kernels | undefined;
}

/** How one sequence is run, and which of its results are wanted. */
export interface ForwardOptions extends StageOptions {
  /** Position of each token for the rotary embedding; default 0, 1, 2, … */
  readonly positions?: readonly number[] | undefined;
  /** Indices of the tokens whose logits are wanted; default all, in order. */
  readonly rows?: readonly number[] | undefined;
  /** Sees the hidden states (tokens, dim) after each layer; the buffer changes afterwards, so copy what is kept. */
  readonly onLayer?: ((layer: number, hidden: Float32Array) => void) | undefined;
}

/** Logits of a sequence. */
export interface ForwardResult {
  /** Token ids as given. */
  readonly tokens: readonly number[];
  /** Position of each token. */
  readonly positions: readonly number[];
  /** Indices of the tokens that the rows of `logits` belong to. */
  readonly rows: readonly number[];
  /** Columns of `logits`. */
  readonly vocabSize: number;
  /** Unnormalised log probabilities of the next token; shape (rows, vocabSize). */
  readonly logits: Float32Array;
}

/** A point between two steps of the pass, at which two models can be compared. */
export interface Stage {
  /** What has just been computed: `tok_embeddings`, `layers.3`, at last `output`. */
  readonly name: string;
  /** Index of the layer; undefined before the first and after the last. */
  readonly layer: number | undefined;
  /** Hidden states (tokens, dim), or logits (rows, vocabSize) at `output`. Valid until the next stage is asked for. */
  readonly values: Float32Array;
}

/** What every step of one pass needs. */
interface Pass {
  readonly model: LlamaModel;
  readonly batch: Batch;
  readonly kernels: Kernels;
  readonly rotation: Rotation;
  readonly signal: AbortSignal | undefined;
}

/**
 * Logits of a sequence of tokens. Reads every weight once; needs the activations and a few blocks of about a
 * megabyte. A billion parameters and 32 tokens take some three seconds of one thread.
 *
 * @throws ForwardError for requests out of range, wrong shapes, `forward/unsupported-model` and `forward/not-finite`;
 *   LlamaError `llama/missing-tensor`; the errors of the tensors' files
 */
export async function forward(
  model: LlamaModel,
  tokens: readonly number[],
  options: ForwardOptions = {},
): Promise<ForwardResult> {
  const { positions, rows, onLayer } = options;
  const batch = expectBatch([{ tokens, positions, rows }], model.config);
  await model.expectConsistentWeights({ signal: options.signal });
  let logits: Float32Array = new Float32Array(0);
  for await (const stage of runStages(model, batch, options)) {
    if (stage.layer !== undefined) onLayer?.(stage.layer, stage.values);
    logits = stage.values;
  }
  return { tokens, positions: batch.positions, rows: batch.rows, vocabSize: model.config.vocabSize, logits };
}

/**
 * The same pass over several sequences at once, stopping after each stage. Pulling two models' stages in turn
 * finds the first layer where they part without keeping any layer's hidden states.
 *
 * @throws the errors of {@link forward}
 */
export function forwardStages(
  model: LlamaModel,
  sequences: readonly Sequence[],
  options: StageOptions = {},
): AsyncGenerator<Stage, void, undefined> {
  return runStages(model, expectBatch(sequences, model.config), options);
}

async function* runStages(
  model: LlamaModel,
  batch: Batch,
  options: StageOptions,
): AsyncGenerator<Stage, void, undefined> {
  const { config } = model;
  const { signal } = options;
  expectRunnable(model);
  expectShapes(model);
  const kernels = options.kernels ?? (await createKernels());
  const pass: Pass = { model, batch, kernels, signal, rotation: rotationOf(batch.positions, config) };
  const report = (item: string, done: number): void =>
    options.onProgress?.({ phase: 'forward', item, done, total: config.nLayers + 2 });

  const hidden = await readRows(expectTensor(model, 'tok_embeddings.weight'), batch.tokens, pass); // (tokens, dim)
  report('tok_embeddings', 1);
  yield { name: 'tok_embeddings', layer: undefined, values: expectFinite(hidden, 'tok_embeddings', pass) };

  for (let layer = 0; layer < config.nLayers; layer++) {
    const name = `layers.${layer}`;
    await attentionBlock(pass, name, hidden);
    await feedForwardBlock(pass, name, hidden);
    report(name, layer + 2);
    yield { name, layer, values: expectFinite(hidden, name, pass) };
  }

  const wanted = takeRows(hidden, batch.rows, config.dim); // (rows, dim)
  const normed = rmsNorm(wanted, await readVector(model, 'norm.weight', pass), config.normEps);
  const [logits] = await linear(pass, [config.tied ? 'tok_embeddings' : 'output'], normed); // (rows, vocab)
  report('output', config.nLayers + 2);
  yield { name: 'output', layer: undefined, values: expectFinite(logits, 'output', pass) };
}

/** Adds what attention has to say to `hidden` (tokens, dim), in place. */
async function attentionBlock(pass: Pass, layer: string, hidden: Float32Array): Promise<void> {
  const { config } = pass.model;
  const { length } = pass.batch.tokens;
  const weight = await readVector(pass.model, `${layer}.attention_norm.weight`, pass); // (dim,)
  const normed = rmsNorm(hidden, weight, config.normEps); // (tokens, dim)
  const names = [`${layer}.attention.wq`, `${layer}.attention.wk`, `${layer}.attention.wv`] as const;
  const [queries, keys, values] = await linear(pass, names, normed); // (tokens, heads * headDim) each
  rotate(queries, pass.rotation, length, config.headDim);
  rotate(keys, pass.rotation, length, config.headDim);
  const mixed = attend({ queries, keys, values }, pass.batch.spans, config); // (tokens, nHeads * headDim)
  const [change] = await linear(pass, [`${layer}.attention.wo`], mixed); // (tokens, dim)
  addTo(hidden, change);
}

/** Adds what the feed-forward block has to say to `hidden` (tokens, dim), in place. */
async function feedForwardBlock(pass: Pass, layer: string, hidden: Float32Array): Promise<void> {
  const weight = await readVector(pass.model, `${layer}.ffn_norm.weight`, pass); // (dim,)
  const normed = rmsNorm(hidden, weight, pass.model.config.normEps); // (tokens, dim)
  const names = [`${layer}.feed_forward.w1`, `${layer}.feed_forward.w3`] as const;
  const [gate, up] = await linear(pass, names, normed); // (tokens, ffnDim) each
  swiglu(gate, up);
  const [change] = await linear(pass, [`${layer}.feed_forward.w2`], gate); // (tokens, dim)
  addTo(hidden, change);
}

/** Throws for a Llama 4: its experts, and layers without rotary embedding, are not computed here. */
function expectRunnable({ family, path }: LlamaModel): void {
  if (family?.kind !== 'llama4') return;
  throw new ForwardError('forward/unsupported-model', 'this is a Llama 4 model, whose experts cannot be run here', {
    path,
  });
}

function takeRows(matrix: Float32Array, rows: readonly number[], width: number): Float32Array {
  const taken = new Float32Array(rows.length * width);
  rows.forEach((row, i) => taken.set(matrix.subarray(row * width, (row + 1) * width), i * width));
  return taken;
}

function expectFinite(values: Float32Array, stage: string, { model, batch }: Pass): Float32Array {
  const bad = firstNotFinite(values);
  if (bad < 0) return values;
  const tokens = stage === 'output' ? batch.rows.length : batch.tokens.length;
  const row = Math.floor(bad / (values.length / tokens));
  throw new ForwardError(
    'forward/not-finite',
    `after ${stage} the value ${bad % (values.length / tokens)} of row ${row} is ${values[bad]}, not a finite number`,
    { path: model.path, hint: 'a weight is damaged or too large; compare the tensors of this layer' },
  );
}
