/**
 * Converting a model to a path. One of the few modules that know Node.
 *
 * @module
 */
import { readdir, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';

import { crc32InNode } from '../integrity/crc32-node.js';
import { createNodeHasher } from '../integrity/hash-node.js';
import { parseSplitName, splitPartNames } from '../formats/gguf/split-name.js';
import type { LlamaModel } from '../llama/model.js';
import type { OperationOptions, ThreadOptions } from '../options.js';
import type { ReadOptions } from '../source/byte-source.js';
import { toolVersion } from '../integrity/tool-version-node.js';
import { type ConversionResult, type RunOptions, convert as convertTo, planConversion, runPlan } from './convert.js';
import { type DirectoryOutputOptions, directoryOutput } from './directory-output.js';
import { createNodeEncoder } from './encoder-pool-node.js';
import { lockNameOfOutput, planWithLock } from './lock-plan.js';
import { lockedSource } from './lock-source-node.js';
import { type ConvertOptions, filesOfOptions } from './options.js';
import type { Output } from './output.js';
import { type Place, planFinishOf, planPartOf, removeTraces, runPart } from './parts-node.js';
import { type ConversionPart, type ConversionPlan, ConvertError, namesOfWhole } from './plan.js';
import { expectNoOtherModel, staleFiles } from './stale-files-node.js';

/** What to write, and whether files that exist are replaced. */
export interface ConvertPathOptions extends PlanPathOptions, OperationOptions, ThreadOptions, DirectoryOutputOptions {}

/** What to plan for a path. */
export interface PlanPathOptions extends ConvertOptions, ReadOptions {
  /** Whether a lock file is written beside the output: hashes of its files, fingerprints of its tensors; true when absent. */
  readonly lock?: boolean | undefined;
  /**
   * The part that is to be written, in a process or on a machine of its own: whole files with weights, dealt out by their
   * sizes. The whole conversion when absent. {@link finishParts} writes the rest when all parts are there.
   */
  readonly part?: ConversionPart | undefined;
}

/** What is left of a conversion in parts, and whether files that exist are replaced. */
export type FinishPathOptions = Omit<ConvertPathOptions, 'part'>;

/**
 * Converts a model to a folder (safetensors, Meta's layout) or a file (GGUF) at a path, or to an output of one's own.
 *
 * @throws ConvertError `convert/bad-option`, `convert/exists`, `convert/no-space`, `convert/not-writable`,
 *   `convert/write-failed`, `convert/unsupported-type`, `convert/no-tokenizer`, `convert/needs-importance`,
 *   `convert/wrong-importance`, `convert/requantize`, `convert/not-finite`, `convert/scale-overflow`,
 *   `convert/no-memory`, `convert/thread-died`, and every error of reading; then nothing is left behind
 */
export async function convert(
  model: LlamaModel,
  output: string | Output,
  options: ConvertPathOptions,
): Promise<ConversionResult> {
  if (typeof output !== 'string') {
    if (options.part !== undefined) throw new ConvertError('convert/bad-option', 'a part is written to a path only');
    return convertTo(model, output, { ...nodeFunctions(options), ...options });
  }
  return runPlanTo(await planConversionTo(model, output, options), output, options);
}

/**
 * What {@link convert} to that path would write, as data; reads no weight and writes nothing. For the lock file, files of
 * the source up to 32 MiB are hashed, and the hashes of others taken from lists beside them.
 *
 * @throws ConvertError `convert/bad-option`, `convert/exists` for a folder with a model of another layout,
 *   `convert/unsupported-type`, `convert/no-tokenizer`, `convert/needs-importance`, `convert/wrong-importance`, `convert/requantize`
 */
export async function planConversionTo(
  model: LlamaModel,
  output: string,
  options: PlanPathOptions,
): Promise<ConversionPlan> {
  const { part } = options;
  if (part !== undefined) await expectOutside(model.path, output, options.to);
  return checkedPlan(model, output, options, (bare, place) => {
    if (part !== undefined) return planPartOf(bare, part, { ...place, model, options });
    return options.lock === false ? bare : locked(bare, model, options);
  });
}

/**
 * What {@link finishParts} would write, as data: everything but weights. Reads the records of the parts, and of their files
 * what is known beforehand: sizes and headers, no weights. Writes nothing.
 *
 * @throws ConvertError `convert/part-missing`, `convert/part-mismatch`, `convert/part-damaged`, and those of
 *   {@link planConversionTo}
 */
export async function planFinishTo(
  model: LlamaModel,
  output: string,
  options: Omit<PlanPathOptions, 'part'>,
): Promise<ConversionPlan> {
  await expectOutside(model.path, output, options.to);
  return checkedPlan(model, output, options, (bare, place) => planFinishOf(bare, { ...place, model, options }));
}

/**
 * Writes what is left of a conversion whose parts were written by {@link convert} with `part`, from the same source and
 * with the same options: configuration, tokenizer, index, checklists, lock file. What then lies there is byte for byte what
 * one run writes. Records of the parts, and what runs that were killed left of the files, are removed.
 *
 * Costs a few reads for each file and the hashing of small files; no weight is hashed again, as the records have the
 * hashes: `verify` holds the files against them.
 *
 * @throws ConvertError `convert/part-missing`, `convert/part-mismatch`, `convert/part-damaged`, `convert/exists`, and
 *   those of {@link convert}; then nothing is left behind, and the parts stay
 */
export async function finishParts(
  model: LlamaModel,
  output: string,
  options: FinishPathOptions,
): Promise<ConversionResult> {
  return runPlanTo(await planFinishTo(model, output, options), output, options);
}

/** The plan that `make` makes of a bare one, when nothing speaks against writing it. */
async function checkedPlan(
  model: LlamaModel,
  output: string,
  options: PlanPathOptions,
  make: (bare: ConversionPlan, place: Place) => ConversionPlan | Promise<ConversionPlan>,
): Promise<ConversionPlan> {
  await expectApart(model.path, output, options.to);
  const place = placeOf(output, options.to);
  const plan = await make(planConversion(model, { ...options, ...place }), place);
  const read = await filesOfSource(model, filesOfOptions(options));
  await expectNotRead(read, place.folder, plan, output);
  await expectNoOtherModel(place.folder, plan);
  return plan;
}

/**
 * Carries a plan of {@link planConversionTo} out, to the same path.
 *
 * @throws ConvertError `convert/exists`, `convert/no-space`, `convert/not-writable`, `convert/write-failed`,
 *   `convert/not-finite`, `convert/scale-overflow`, `convert/no-memory`, `convert/thread-died`, and every error of
 *   reading; then nothing is left behind
 */
export async function runPlanTo(
  plan: ConversionPlan,
  output: string,
  options: RunOptions & ThreadOptions & DirectoryOutputOptions = {},
): Promise<ConversionResult> {
  const { share } = plan;
  const place = placeOf(output, plan.to);
  const { folder } = place;
  const run = { ...nodeFunctions(options), ...options };
  if (share?.part !== undefined) return runPart(plan, share, place, run);
  const result = await runPlan(plan, directoryOutput(folder, options), run);
  if (options.force === true) for (const name of await staleFiles(folder, plan)) await rm(join(folder, name));
  // an earlier lock file would now tell of other files
  const stale = lockNameOfOutput(plan.to, namesOfWhole(plan)[0] ?? '');
  if (plan.record === undefined && options.force === true) await rm(join(folder, stale), { force: true });
  if (share !== undefined) await removeTraces(folder, share);
  return result;
}

/** What was written, as those take it that open models: the path that was asked for, or of a split file its first part. */
export function writtenPath(
  { to, files, share }: Pick<ConversionPlan, 'to' | 'files' | 'share'>,
  output: string,
): string {
  if (to !== 'gguf' || share?.part !== undefined) return output;
  const parts = share?.weights ?? files;
  return parts.length > 1 || share !== undefined ? join(dirname(output), parts[0]?.name ?? '') : output;
}

async function locked(plan: ConversionPlan, model: LlamaModel, options: PlanPathOptions): Promise<ConversionPlan> {
  const source = await lockedSource(model, filesOfOptions(options), { signal: options.signal });
  return planWithLock(plan, model, { toolVersion: toolVersion(), source, options, createHasher: createNodeHasher });
}

/** What Node does faster. */
function nodeFunctions(options: ThreadOptions): Required<Pick<RunOptions, 'createEncoder' | 'createHasher' | 'crc32'>> {
  return {
    createEncoder: (pieces, hashedBytes) => createNodeEncoder(pieces, hashedBytes, options),
    createHasher: createNodeHasher,
    crc32: crc32InNode,
  };
}

/** The file that Llama 1 and 2 keep above the folder. */
const TOKENIZER = 'tokenizer.model';

/** The folder that is written into, and for GGUF the name of the file. */
function placeOf(output: string, to: ConvertOptions['to']): Place {
  return to === 'gguf' ? { folder: dirname(output), fileName: basename(output) } : { folder: output };
}

/** Refuses to write over the source while it is being read, and into folders in which it lies. */
async function expectApart(source: string, output: string, to: ConvertOptions['to']): Promise<void> {
  const from = await realPlace(source);
  const target = await realPlace(output);
  const same = from === target;
  if (!same && (to === 'gguf' || !from.startsWith(`${target}${sep}`))) return;
  const message = same ? 'this is the source itself' : `the source ${source} lies in this folder`;
  throw new ConvertError('convert/bad-option', `${message}, and a conversion never writes over what it reads`, {
    path: output,
    hint: 'choose another output',
  });
}

/**
 * Refuses parts in the folder of their source: the files of one part would be among those that the next one reads, and the
 * parts would not be of one conversion.
 */
async function expectOutside(source: string, output: string, to: ConvertOptions['to']): Promise<void> {
  if ((await realPlace(source)) !== (await realPlace(placeOf(output, to).folder))) return;
  const message = 'parts of a conversion cannot be written into the folder of their source';
  throw new ConvertError('convert/bad-option', message, { path: output, hint: 'choose another folder' });
}

/** Refuses a plan that would write over, or remove as stale, a file that is read, wherever links lead. */
async function expectNotRead(
  read: ReadonlySet<string>,
  folder: string,
  plan: ConversionPlan,
  output: string,
): Promise<void> {
  const stale = await staleFiles(folder, plan);
  for (const name of [...namesOfWhole(plan), ...stale]) {
    const target = await realpath(join(folder, name)).catch(() => undefined);
    if (target === undefined || !read.has(target)) continue;
    throw new ConvertError(
      'convert/bad-option',
      `${name} is read by this conversion, which never writes over what it reads`,
      { path: output, hint: 'choose another output' },
    );
  }
}

/**
 * Real paths of every file that reading the source may need: all files of a folder and the tokenizer above it, or a
 * GGUF file with the other parts of its split; the adapters; and those that options name.
 */
async function filesOfSource(
  { path: source, adapters = [] }: LlamaModel,
  inputs: readonly string[],
): Promise<ReadonlySet<string>> {
  const inside = await readdir(source).catch(() => undefined);
  const split = inside === undefined ? parseSplitName(basename(source)) : undefined;
  const names = inside ?? (split === undefined ? [] : splitPartNames(split).map((name) => join('..', name)));
  const paths = [
    source,
    ...inputs,
    join(source, '..', TOKENIZER),
    ...names.map((name) => join(source, name)),
    ...(await Promise.all(adapters.map(filesInside))).flat(),
  ];
  const real = await Promise.all(paths.map((path) => realpath(path).catch(() => undefined)));
  return new Set(real.filter((path) => path !== undefined));
}

async function filesInside(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).map((name) => join(folder, name));
}

/** The path with its links resolved, as far as it exists. */
async function realPlace(path: string): Promise<string> {
  const whole = resolve(path);
  const found = await realpath(whole).catch(() => undefined);
  if (found !== undefined || dirname(whole) === whole) return found ?? whole;
  return join(await realPlace(dirname(whole)), basename(whole));
}
