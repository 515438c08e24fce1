/**
 * Parts of a conversion on disk: planning with what is there, and carrying a part out. One of the few modules that know
 * Node.
 *
 * Parts may run at the same time into one folder, on several machines: each writes its own names only, under temporary
 * names until all of them are complete, its record last. A part that ran before is known by its record.
 *
 * @module
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { createNodeHasher } from '../integrity/hash-node.js';
import { toolVersion } from '../integrity/tool-version-node.js';
import type { LlamaModel } from '../llama/model.js';
import { noLoss } from '../quant/cast-loss.js';
import type { ReadOptions } from '../source/byte-source.js';
import { openFileSource } from '../source/file.js';
import { type ConversionResult, type RunOptions, runPlan } from './convert.js';
import { type DirectoryOutputOptions, directoryOutput, nameOfPartial, refuseExisting } from './directory-output.js';
import { type FoundRecord, planFinish } from './finish-plan.js';
import { lockNameOfOutput } from './lock-plan.js';
import { lockedSource } from './lock-source-node.js';
import { type ConvertOptions, filesOfOptions } from './options.js';
import { conversionIdentity, expectSameConversion } from './part-identity.js';
import { planPart } from './part-plan.js';
import { isRecordName, parsePartRecord, recordNameOf } from './part-record.js';
import { expectPart, hasWeights, partName } from './parts.js';
import { type ConversionPart, type ConversionPlan, ConvertError, type PlanShare } from './plan.js';
import { namesIn } from './stale-files-node.js';
import { expectWritten } from './written-file-node.js';

/** Where a conversion is written. */
export interface Place {
  /** The folder that is written into. */
  readonly folder: string;
  /** Name of the GGUF file; undefined where the folder is the output. */
  readonly fileName?: string | undefined;
}

/** Where a conversion in parts is written, and what was asked of it. */
export interface PartsContext extends Place {
  /** What is converted. */
  readonly model: LlamaModel;
  /** Options of the conversion. */
  readonly options: ConvertOptions & ReadOptions & { readonly lock?: boolean | undefined };
}

/** Most bytes of a record: a hundred times those of the largest model. */
const MOST_RECORD_BYTES = 64 << 20;

/** The plan of a part. Reads the first row of every tensor, and hashes small files of the source. */
export async function planPartOf(
  bare: ConversionPlan,
  part: ConversionPart,
  context: PartsContext,
): Promise<ConversionPlan> {
  expectPart(part);
  const { model, fileName, options } = context;
  const { identity } = await identityOf(bare, context);
  const lockName = options.lock === false ? undefined : lockNameOfOutput(bare.to, bare.files[0]?.name ?? '');
  const recordName = recordNameOf(part, fileName);
  return planPart(bare, { model, part, identity, lockName, recordName, createHasher: createNodeHasher });
}

/** The plan of what is left when all parts are there, whose records and files are looked at. */
export async function planFinishOf(bare: ConversionPlan, context: PartsContext): Promise<ConversionPlan> {
  const { model, folder, fileName, options } = context;
  const { identity, source } = await identityOf(bare, context);
  const records = await readRecords(folder, fileName);
  const facts = { toolVersion: toolVersion(), source, options, createHasher: createNodeHasher };
  const lock = options.lock === false ? undefined : facts;
  const plan = await planFinish(bare, { model, identity, records, lock, output: folder });
  const partOf = new Map(plan.share?.weights.map(({ name, part }) => [name, part]));
  for (const file of bare.files.filter(hasWeights)) {
    const part = partOf.get(file.name);
    await expectWritten(join(folder, file.name), file, { part: part && partName(part), signal: options.signal });
  }
  return plan;
}

async function identityOf(
  bare: ConversionPlan,
  { model, options }: PartsContext,
): Promise<Pick<PlanShare, 'identity'> & { source: Awaited<ReturnType<typeof lockedSource>> }> {
  const { signal, lock = true } = options;
  const source = await lockedSource(model, filesOfOptions(options), { signal });
  const parts = { toolVersion: toolVersion(), source, options, lock, createHasher: createNodeHasher, signal };
  return { source, identity: await conversionIdentity(bare, model, parts) };
}

/**
 * Carries the plan of a part out. A part that is there already is not written again, unless `force`; what an earlier run
 * of it left unfinished is removed.
 *
 * @throws ConvertError `convert/part-mismatch`, `convert/part-damaged`, and those of any conversion
 */
export async function runPart(
  plan: ConversionPlan,
  share: PlanShare,
  place: Place,
  options: RunOptions & DirectoryOutputOptions,
): Promise<ConversionResult> {
  const { folder } = place;
  const force = options.force === true;
  if (plan.files.length === 0) return { plan, loss: noLoss(), lossyTensors: [] };
  if (!force && (await isThere(plan, share, place, options))) {
    return { plan, loss: noLoss(), lossyTensors: [], wasThere: true };
  }
  const others = share.others.map((name) => ({ name }));
  await refuseExisting(folder, others, force);
  await removePartials(folder, new Set(plan.files.map(({ name }) => name)));
  const output = directoryOutput(folder, { force });
  const commit = async (): Promise<void> => {
    // an earlier index, configuration or lock file would now speak of other weights
    if (force) for (const { name } of others) await rm(join(folder, name), { force: true });
    await output.commit();
  };
  return runPlan(plan, { ...output, commit }, options);
}

/** Whether the part's files and its record are there, of this conversion. @throws ConvertError for those of another */
async function isThere(
  { files }: ConversionPlan,
  { part, identity, records }: PlanShare,
  { folder, fileName }: Place,
  { signal }: ReadOptions,
): Promise<boolean> {
  const [own = ''] = records;
  const present = await recordsIn(folder, fileName);
  // its own record, or else that of any other part: it is early to learn that they do not fit together
  const name = present.includes(own) ? own : present[0];
  if (name === undefined) return false;
  const { record, path } = await readRecord(folder, name);
  expectSameConversion(record.identity, identity, partName(record.part), path);
  if (name !== own) return false;
  for (const file of files.filter(hasWeights)) {
    await expectWritten(join(folder, file.name), file, { part: part && partName(part), signal });
  }
  return true;
}

/** Removes records of parts and what runs that were killed left of files of the conversion; called when it is whole. */
export async function removeTraces(folder: string, { weights, others, records }: PlanShare): Promise<void> {
  for (const name of records) await rm(join(folder, name), { force: true });
  await removePartials(folder, new Set([...weights.map(({ name }) => name), ...others, ...records]));
}

/** Removes temporary files of these names. */
async function removePartials(folder: string, names: ReadonlySet<string>): Promise<void> {
  for (const temporary of await namesIn(folder)) {
    if (names.has(nameOfPartial(temporary) ?? '')) await rm(join(folder, temporary), { force: true });
  }
}

async function readRecords(folder: string, fileName: string | undefined): Promise<FoundRecord[]> {
  const found: FoundRecord[] = [];
  for (const name of await recordsIn(folder, fileName)) found.push(await readRecord(folder, name));
  return found;
}

/** Names of the records of parts that lie beside an output. */
async function recordsIn(folder: string, fileName: string | undefined): Promise<string[]> {
  return (await namesIn(folder)).filter((name) => isRecordName(name, fileName)).sort();
}

async function readRecord(folder: string, name: string): Promise<FoundRecord> {
  const path = join(folder, name);
  await using source = await openFileSource(path);
  if (source.size > MOST_RECORD_BYTES) {
    const message = `the record of a part has ${MOST_RECORD_BYTES} bytes at most, and this one ${source.size}`;
    throw new ConvertError('convert/part-damaged', message, { path, hint: 'remove it and run its part again' });
  }
  return { name, path, record: parsePartRecord(await source.read(0, source.size), path) };
}
