/**
 * The plan of one part of a conversion: its share of the files with weights, and its record.
 *
 * The record is the last file of the plan, so it appears together with what it tells of, or not at all.
 *
 * @module
 */
import { type CreateHasher, hashingHere } from '../integrity/hash.js';
import { type LlamaModel, expectTensor } from '../llama/model.js';
import { WriteRecord, type Written } from './lock-record.js';
import { type PartRecord, formatPartRecord, longestForm, paddedRecord } from './part-record.js';
import { dealtCutTensors, hasWeights, partFiles } from './parts.js';
import { type ConversionIdentity, type ConversionPart, type ConversionPlan, type FilePiece, type PlanShare, type PlannedFile, plannedTensors } from './plan.js'; // prettier-ignore

/** What a part's plan is made of beside the whole plan. */
export interface PartPlanParts {
  /** What is converted. */
  readonly model: LlamaModel;
  /** The part. */
  readonly part: ConversionPart;
  /** Of which conversion it is. */
  readonly identity: ConversionIdentity;
  /** Name of the lock file that the whole conversion has; undefined where it has none. */
  readonly lockName: string | undefined;
  /** Name of the part's record. */
  readonly recordName: string;
  /** Implementation of SHA-256. */
  readonly createHasher: CreateHasher;
}

/** What a part of a whole plan writes; nothing at all where there are more parts than files with weights. Reads nothing. */
export function planPart(bare: ConversionPlan, parts: PartPlanParts): ConversionPlan {
  const { model, part, identity, recordName, lockName } = parts;
  const weights = partFiles(bare, part.count);
  const own = weights.filter((file) => file.part.number === part.number);
  const cut = lockName === undefined ? [] : cutTensorsOf(bare, model, part);
  const share: PlanShare = { part, identity, weights, others: namesOfOthers(bare, lockName), records: [recordName] };
  const shared = { ...bare, warnings: [...bare.warnings, ...fewFilesWarning(bare, weights.length, part)], share };
  if (own.length + cut.length === 0) return { ...shared, files: [], byteLength: 0, record: undefined };
  const { record, file } = recorded(bare, { ...parts, own, cut });
  const files = [...own, file];
  return { ...shared, files, byteLength: files.reduce((sum, { byteLength }) => sum + byteLength, 0), record };
}

/** Names of the files without weights, the lock file last. */
function namesOfOthers({ files }: Pick<ConversionPlan, 'files'>, lockName: string | undefined): string[] {
  const names = files.filter((file) => !hasWeights(file)).map(({ name }) => name);
  return lockName === undefined ? names : [...names, lockName];
}

function cutTensorsOf(bare: ConversionPlan, model: LlamaModel, { number, count }: ConversionPart): string[] {
  return [...dealtCutTensors(bare, model, count)].filter(([, dealt]) => dealt === number).map(([name]) => name);
}

/** What a part writes beside its record. */
interface OwnShare extends PartPlanParts {
  readonly own: readonly PlannedFile[];
  readonly cut: readonly string[];
}

/** The part's record as a file of its plan, and what fills it while the others are written. */
function recorded(bare: ConversionPlan, share: OwnShare): Pick<ConversionPlan, 'record'> & { file: PlannedFile } {
  const { model, recordName: name, lockName, cut, createHasher } = share;
  const taken = lockName === undefined ? undefined : new WriteRecord(model, bare, createHasher);
  const { byteLength } = formatPartRecord(standIn(bare, share));
  let written: Written = { files: [], tensors: [] };
  const make: Extract<FilePiece, { kind: 'late' }>['make'] = ({ fileHashes }) =>
    paddedRecord(recordOf(share, written, fileHashes), byteLength);
  const file: PlannedFile = { name, byteLength, pieces: [{ kind: 'late', byteLength, make }] };
  if (taken === undefined) return { file, record: undefined };
  return {
    file,
    record: async (next, { beginHash = hashingHere(createHasher), ...readOptions }) => {
      if (next !== file) return taken.beginFile(next.name, beginHash);
      written = await taken.finishShare(cut, readOptions);
      return undefined;
    },
  };
}

function recordOf({ part, identity, own }: OwnShare, written: Written, md5: ReadonlyMap<string, string>): PartRecord {
  const files = own.map(({ name, byteLength }) => {
    const sha256 = written.files.find((file) => file.name === name)?.digest.sha256 ?? null;
    return { name, byteLength, sha256, md5: md5.get(name) ?? null };
  });
  const tensors = written.tensors.map(({ name, dtype, sha256 }) => ({ name, dtype, sha256 }));
  return { part, identity, files, tensors };
}

/** A record that is as long as the real one or longer. */
function standIn(bare: ConversionPlan, share: OwnShare): PartRecord {
  const { model, own, cut, lockName } = share;
  const sha256 = '0'.repeat(64);
  const inFiles = plannedTensors({ files: own }).flatMap(({ from }) => from ?? []);
  const names = lockName === undefined ? [] : [...new Set([...inFiles, ...cut])];
  const typeOf = new Map(plannedTensors(bare).map(({ from, dtype }) => [from, dtype]));
  const tensors = names.map((name) => {
    const { dtype, shape } = expectTensor(model, name);
    return { name, shape, sha256, dtype: longestForm(dtype, typeOf.get(name) ?? dtype) };
  });
  const files = own.map(({ name }) => ({ name, digest: { sha256 } }));
  const md5 = new Map(own.flatMap(({ name, hashed }) => (hashed === true ? [[name, '0'.repeat(32)] as const] : [])));
  return recordOf(share, { files, tensors }, md5);
}

/** The option with which there are more files, for each format. */
const MORE_FILES: Readonly<Record<ConversionPlan['to'], string>> = {
  safetensors: 'a smaller --max-shard-size',
  gguf: 'a smaller --split-max-size',
  meta: 'a larger --shards',
};

function fewFilesWarning({ to }: ConversionPlan, fileCount: number, { count }: ConversionPart): string[] {
  if (fileCount >= count) return [];
  const files = fileCount === 1 ? 'one file' : `${fileCount} files`;
  return [`the weights are in ${files}, so not all of the ${count} parts have any: ${MORE_FILES[to]} makes more`];
}
