/**
 * From a model to files: plan, then stream.
 *
 * Every block of rows is read while the one before it is written; nothing else is held, so peak memory
 * is a few blocks (about 1 MiB each, 8 MiB for the widest models) whatever the size of the model.
 *
 * @module
 */
import { rowBlocks } from '../formats/tensor.js';
import type { LlamaModel } from '../llama/model.js';
import type { OperationOptions } from '../options.js';
import { type CastLoss, noLoss } from '../quant/cast-loss.js';
import type { ByteSink } from '../source/byte-sink.js';
import { ggufFile } from './gguf-plan.js';
import { type ConvertOptions, outputDtype } from './options.js';
import type { Output } from './output.js';
import { type ConversionPlan, ConvertError, type PlannedFile, plannedTensors } from './plan.js';
import { safetensorsFiles } from './safetensors-plan.js';

/** What a conversion wrote. */
export interface ConversionResult {
  /** The plan that was carried out. */
  readonly plan: ConversionPlan;
  /** What casting lost, over all tensors. */
  readonly loss: CastLoss;
  /** Tensors whose values changed in casting, worst first. */
  readonly lossyTensors: readonly LossyTensor[];
}

/** A tensor that casting changed. */
export interface LossyTensor {
  /** Name in the output. */
  readonly name: string;
  /** What was lost. */
  readonly loss: CastLoss;
}

/**
 * Every file, tensor and byte offset of a conversion; reads no weight.
 *
 * @throws ConvertError `convert/unsupported-type`, `convert/no-tokenizer`
 */
export function planConversion(model: LlamaModel, options: ConvertOptions): ConversionPlan {
  const dtype = outputDtype(model, options);
  const files = options.to === 'gguf' ? [ggufFile(model, dtype, options)] : safetensorsFiles(model, dtype, options);
  return {
    to: options.to,
    dtype,
    files,
    byteLength: files.reduce((sum, file) => sum + file.byteLength, 0),
    decisions: model.decisions,
    warnings: model.vocabulary === undefined ? ['there is no tokenizer: none is written'] : [],
    beforeWriting: (readOptions) => model.expectConsistentWeights(readOptions),
  };
}

/**
 * Converts a model: {@link planConversion}, then {@link runPlan}.
 *
 * @throws whatever these two throw; then nothing is left behind
 */
export async function convert(
  model: LlamaModel,
  output: Output,
  options: ConvertOptions & OperationOptions,
): Promise<ConversionResult> {
  return runPlan(planConversion(model, options), output, options);
}

/**
 * Carries a plan out. Reads each source tensor once, in order; writes sequentially.
 *
 * @throws ConvertError `convert/exists`, `convert/no-space`, `convert/not-writable`, `convert/write-failed`,
 *   and every error of reading the source; then nothing is left behind
 */
export async function runPlan(
  plan: ConversionPlan,
  output: Output,
  options: OperationOptions = {},
): Promise<ConversionResult> {
  await plan.beforeWriting(options);
  const progress = { done: 0, total: plan.byteLength };
  try {
    await output.prepare(plan.files);
    for (const file of plan.files) await writeFile(file, output, options, progress);
    await output.commit();
  } catch (cause) {
    await output.discard();
    throw cause;
  }
  return { plan, ...countLosses(plan) };
}

async function writeFile(
  file: PlannedFile,
  output: Output,
  options: OperationOptions,
  progress: { done: number; readonly total: number },
): Promise<void> {
  const sink = await output.create(file.name);
  const write = async (bytes: Uint8Array, item: string): Promise<void> => {
    options.signal?.throwIfAborted();
    await sink.write(bytes);
    progress.done += bytes.byteLength;
    options.onProgress?.({ phase: 'write', item, ...progress });
  };
  for (const piece of file.pieces) {
    if (piece.kind === 'bytes') {
      await write(piece.bytes, file.name);
      continue;
    }
    expectPosition(sink, piece.fileOffset, file.name);
    for await (const block of rowBlocks(piece.tensor, { signal: options.signal })) await write(block.bytes, piece.name);
  }
  expectPosition(sink, file.byteLength, file.name);
}

/** A plan that does not describe what is written must never reach the disk under its final name. */
function expectPosition(sink: ByteSink, expected: number, path: string): void {
  if (sink.position === expected) return;
  throw new ConvertError(
    'convert/wrong-length',
    `${sink.position} bytes were written where the plan says ${expected}`,
    { path },
  );
}

function countLosses(plan: ConversionPlan): Pick<ConversionResult, 'loss' | 'lossyTensors'> {
  const total = noLoss();
  const lossy: LossyTensor[] = [];
  for (const { name, loss } of plannedTensors(plan)) {
    if (loss === undefined) continue;
    for (const key of Object.keys(total) as (keyof CastLoss)[]) total[key] += loss[key];
    if (Object.values(loss).some((count) => count > 0)) lossy.push({ name, loss });
  }
  const weight = ({ loss }: LossyTensor): number => loss.overflowed * 1e9 + loss.flushedToZero;
  return { loss: total, lossyTensors: lossy.sort((a, b) => weight(b) - weight(a)) };
}
