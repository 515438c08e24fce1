/**
 * From a model to files: plan, then stream.
 *
 * Blocks of rows are read, turned into the output's type and written, several under way at a time and in order;
 * nothing else is held, so peak memory is a few blocks (about 1 MiB each, 8 MiB for the widest models) for each thread of
 * the encoder, whatever the size of the model.
 *
 * @module
 */
import type { DType } from '../dtype.js';
import type { LlamaModel } from '../llama/model.js';
import type { OperationOptions } from '../options.js';
import { type CastLoss, noLoss } from '../quant/cast-loss.js';
import type { ByteSink } from '../source/byte-sink.js';
import { templateWarnings, withChosenTemplates } from './chat-template.js';
import type { EncodedRows, Encoder, PlannedRows } from './encoder.js';
import { ggufFiles } from './gguf-plan.js';
import { inOrder } from './in-order.js';
import { createLocalEncoder } from './local-encoder.js';
import { familyFiles } from './family-files.js';
import { metaFiles } from './meta-plan.js';
import { type ConvertOptions, expectMergesWritten, expectOptionsFit } from './options.js';
import type { Output } from './output.js';
import {
  type ConversionPlan,
  ConvertError,
  type FileRecord,
  type LatePiece,
  type MadePiece,
  type PlannedFile,
  type PlannedKind,
  type TensorPiece,
  plannedTensors,
} from './plan.js';
import { safetensorsFiles } from './safetensors-plan.js';
import { blocksOf } from './slots.js';
import { RunningSums, type SumFunctions } from './sums.js';
import { expectTextModel } from './text-only.js';

/** What a conversion wrote. */
export interface ConversionResult {
  /** The plan that was carried out. */
  readonly plan: ConversionPlan;
  /** What casting lost, over all tensors. */
  readonly loss: CastLoss;
  /** Tensors whose values changed in casting, worst first. */
  readonly lossyTensors: readonly LossyTensor[];
  /** True where nothing was written, because the part was there already, whole and of the same conversion. */
  readonly wasThere?: boolean | undefined;
}

/** A tensor that casting changed. */
export interface LossyTensor {
  /** Name in the output. */
  readonly name: string;
  /** Type in the output. */
  readonly dtype: DType;
  /** What was lost. */
  readonly loss: CastLoss;
}

/** How a plan is carried out. */
export interface RunOptions extends OperationOptions, SumFunctions {
  /** Makes what turns rows into the output's types, given how many bytes are to be hashed too; in this thread when absent. */
  readonly createEncoder?: ((pieces: readonly TensorPiece[], hashedBytes: number) => Promise<Encoder>) | undefined;
}

/**
 * Every file, tensor and byte offset of a conversion; reads no weight.
 *
 * @throws ConvertError `convert/unsupported-model`, `convert/unsupported-type`, `convert/no-tokenizer`,
 *   `convert/bad-option`, `convert/needs-importance`, `convert/wrong-importance`, `convert/requantize`,
 *   `convert/not-expressible`
 */
export function planConversion(source: LlamaModel, options: ConvertOptions): ConversionPlan {
  expectOptionsFit(options);
  const model = withChosenTemplates(source, options);
  const { files, expectExact, ...kind } = plannedKind(model, options);
  expectMergesWritten(options, files);
  return {
    ...kind,
    to: options.to,
    files,
    byteLength: files.reduce((sum, file) => sum + file.byteLength, 0),
    decisions: model.decisions,
    warnings: [...sourceWarnings(model), ...templateWarnings(source, options), ...kind.warnings],
    beforeWriting: async (readOptions) => {
      await model.expectConsistentWeights(readOptions);
      await expectExact?.(readOptions);
    },
  };
}

function sourceWarnings({ vocabulary, hf }: LlamaModel): string[] {
  const leftOut = (hf?.leftOut ?? []).map(
    (name) => `${name} is left out: templates in a folder of their own are not read`,
  );
  return vocabulary === undefined ? ['there is no tokenizer: none is written', ...leftOut] : leftOut;
}

function plannedKind(model: LlamaModel, options: ConvertOptions): PlannedKind {
  if (model.family !== undefined && options.to === 'safetensors') return familyFiles(model, model.family, options);
  expectTextModel(model, options.to);
  switch (options.to) {
    case 'gguf':
      return ggufFiles(model, options);
    case 'safetensors':
      return safetensorsFiles(model, options);
    case 'meta':
      return metaFiles(model, options);
  }
}

/**
 * Converts a model: {@link planConversion}, then {@link runPlan}.
 *
 * @throws whatever these two throw; then nothing is left behind
 */
export async function convert(
  model: LlamaModel,
  output: Output,
  options: ConvertOptions & RunOptions,
): Promise<ConversionResult> {
  return runPlan(planConversion(model, options), output, options);
}

/**
 * Carries a plan out. Reads each source tensor once, in order; writes sequentially.
 *
 * @throws ConvertError `convert/exists`, `convert/no-space`, `convert/not-writable`, `convert/write-failed`,
 *   `convert/not-finite`, `convert/scale-overflow`, `convert/inexact`, `convert/no-memory`, `convert/thread-died`, and every error of reading the source; then nothing is left behind
 */
export async function runPlan(
  plan: ConversionPlan,
  output: Output,
  options: RunOptions = {},
): Promise<ConversionResult> {
  await plan.beforeWriting(options);
  const { createEncoder = createLocalEncoder } = options;
  const progress = { done: 0, total: plan.byteLength };
  let encoder: Encoder | undefined;
  try {
    await output.prepare(plan.files);
    encoder = await createEncoder(plannedTensors(plan), hashedBytes(plan));
    const { beginHash } = encoder;
    const sums = new RunningSums(options, beginHash);
    for (const file of plan.files) {
      const record = await plan.record?.(file, { signal: options.signal, beginHash });
      await writeFile(file, output, encoder, { ...options, progress, record, sums });
      await record?.end();
    }
    await output.commit();
  } catch (cause) {
    await output.discard();
    throw cause;
  } finally {
    await encoder?.close();
  }
  return { plan, ...countLosses(plan) };
}

/** Bytes that are hashed on their way, each once for every hash. */
function hashedBytes({ files, record }: ConversionPlan): number {
  const hashes = (file: PlannedFile): number => (record === undefined ? 0 : 2) + (file.hashed === true ? 1 : 0);
  return files.reduce((sum, file) => sum + hashes(file) * file.byteLength, 0);
}

interface WriteOptions extends OperationOptions {
  readonly progress: { done: number; readonly total: number };
  readonly record: FileRecord | undefined;
  readonly sums: RunningSums;
}

/** A part of a file as it is written: known bytes, or a block of a tensor. */
interface Part {
  readonly item: string;
  /** Where it begins in the file, as the plan says; undefined inside a tensor. */
  readonly fileOffset: number | undefined;
  readonly content: Uint8Array | LatePiece | MadePiece | PlannedRows;
}

/** A part that is about to be written: its bytes, or what makes them when their turn has come. */
interface StartedPart extends Omit<Part, 'content'> {
  /** The rows of a tensor that it is; undefined for other bytes. */
  readonly rows: PlannedRows | undefined;
  readonly bytes: Uint8Array | LatePiece | MadePiece;
  readonly release: EncodedRows['release'];
}

async function writeFile(file: PlannedFile, output: Output, encoder: Encoder, options: WriteOptions): Promise<void> {
  const { signal, progress, record, sums } = options;
  const sink = await output.create(file.name);
  await sums.begin(file);
  const start = async ({ content, ...part }: Part): Promise<StartedPart> => {
    if (!('piece' in content)) return { ...part, rows: undefined, bytes: content, release: () => {} };
    return { ...part, rows: content, ...(await encoder.encode(content, signal)) };
  };
  const take = async (bytes: Uint8Array, rows: PlannedRows | undefined): Promise<void> => {
    await Promise.all([record?.take(bytes, rows), sums.take(bytes, rows?.piece.name)]);
  };
  let hashed = Promise.resolve();
  for await (const part of inOrder(partsOf(file), start, encoder.slots)) {
    signal?.throwIfAborted();
    const { item, fileOffset, rows } = part;
    if (fileOffset !== undefined) expectPosition(sink, fileOffset, file.name);
    // what is made of sums needs all of them
    if (rows === undefined) await hashed;
    for (const bytes of chunksOf(part.bytes, sums)) {
      // hashed while the disk takes them; rows in the meantime of the next block too
      const before = hashed;
      hashed = before.then(async () => take(bytes, rows));
      hashed.catch(() => {}); // a failure is reported when it is waited for
      await Promise.all([sink.write(bytes), rows === undefined ? hashed : before]);
      progress.done += bytes.byteLength;
      options.onProgress?.({ phase: 'write', item, ...progress });
    }
    hashed.then(part.release, part.release);
  }
  await hashed;
  await sums.end(file);
  expectPosition(sink, file.byteLength, file.name);
}

function chunksOf(content: StartedPart['bytes'], sums: RunningSums): Iterable<Uint8Array> {
  if (content instanceof Uint8Array) return [content];
  return content.kind === 'late' ? [content.make(sums)] : content.chunks();
}

function* partsOf({ name, pieces }: PlannedFile): Generator<Part> {
  for (const piece of pieces) {
    if (piece.kind !== 'tensor') {
      yield { item: name, fileOffset: undefined, content: piece.kind === 'bytes' ? piece.bytes : piece };
      continue;
    }
    for (const rows of blocksOf(piece)) {
      yield { item: piece.name, fileOffset: rows.first === 0 ? piece.fileOffset : undefined, content: rows };
    }
  }
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
  for (const { name, dtype, loss } of plannedTensors(plan)) {
    if (loss === undefined) continue;
    for (const key of Object.keys(total) as (keyof CastLoss)[]) total[key] += loss[key];
    if (Object.values(loss).some((count) => count > 0)) lossy.push({ name, dtype, loss });
  }
  const weight = ({ loss }: LossyTensor): number => loss.overflowed * 1e9 + loss.flushedToZero;
  return { loss: total, lossyTensors: lossy.sort((a, b) => weight(b) - weight(a)) };
}
