/**
 * The plan of what is written when all parts of a conversion are there: configuration, tokenizer, index, lists, lock file.
 *
 * Hashes and fingerprints of the weights come from the records of the parts, so that no weight is read again.
 *
 * @module
 */
import type { LlamaModel } from '../llama/model.js';
import { type PlanLockOptions, planWithLock } from './lock-plan.js';
import type { Written } from './lock-record.js';
import { expectSameConversion } from './part-identity.js';
import type { PartRecord, RecordedFile } from './part-record.js';
import { dealtCutTensors, hasWeights, partFiles, partName } from './parts.js';
import { type ConversionIdentity, type ConversionPart, type ConversionPlan, ConvertError, type FilePiece, type PlannedFile } from './plan.js'; // prettier-ignore

/** A record of a part and where it lies. */
export interface FoundRecord {
  /** Name of its file. */
  readonly name: string;
  /** Its path, for messages. */
  readonly path: string;
  /** What it says. */
  readonly record: PartRecord;
}

/** What the plan is made of beside the whole plan. */
export interface FinishPlanParts {
  /** What is converted. */
  readonly model: LlamaModel;
  /** Which conversion the parts must be of. */
  readonly identity: ConversionIdentity;
  /** The records of the parts. */
  readonly records: readonly FoundRecord[];
  /** The output, for messages. */
  readonly output: string;
  /** What the lock file tells; undefined where there is none. */
  readonly lock: Omit<PlanLockOptions, 'written'> | undefined;
}

/**
 * What remains to be written of a conversion whose parts are there. Reads nothing.
 *
 * @throws ConvertError `convert/part-missing`, `convert/part-mismatch`, `convert/part-damaged`
 */
export async function planFinish(bare: ConversionPlan, parts: FinishPlanParts): Promise<ConversionPlan> {
  const { model, records, identity, lock } = parts;
  for (const { record, path } of records) expectSameConversion(record.identity, identity, partName(record.part), path);
  const weights = expectAllParts(bare, parts);
  const files = weights.map(({ recorded }) => recorded);
  const whole =
    lock === undefined ? bare : await planWithLock(bare, model, { ...lock, written: writtenOf(files, parts) });
  const hashes = new Map(files.flatMap(({ name, md5 }) => (md5 === null ? [] : [[name, md5] as const])));
  const left = whole.files.filter((file) => !hasWeights(file));
  const isLock = (file: PlannedFile): boolean => lock !== undefined && file === whole.files.at(-1);
  return {
    ...whole,
    files: left.map((file) => (isLock(file) ? file : withHashes(file, hashes))),
    byteLength: left.reduce((sum, { byteLength }) => sum + byteLength, 0),
    share: {
      part: undefined,
      identity,
      weights: weights.map(({ recorded: { name, byteLength }, part }) => ({ name, byteLength, part })),
      others: left.map(({ name }) => name),
      records: records.map(({ name }) => name),
    },
  };
}

/** A planned file with weights, and what the record of its part says of it. */
interface WrittenFile {
  readonly recorded: RecordedFile;
  readonly part: ConversionPart;
}

function expectAllParts(bare: ConversionPlan, parts: FinishPlanParts): WrittenFile[] {
  const { records, output, lock } = parts;
  const count = records[0]?.record.part.count;
  if (count === undefined) {
    throw new ConvertError('convert/part-missing', 'no part of this conversion is here', {
      path: output,
      hint: 'run each with --part i/n first; one that is finished already has no parts any more',
    });
  }
  const recorded = recordedFiles(records);
  const weights = partFiles(bare, count);
  const missing = weights.flatMap(({ name, part }) => (recorded.has(name) ? [] : [part.number]));
  if (lock !== undefined && missing.length === 0) missing.push(...partsOfUnread(bare, parts, count));
  if (missing.length > 0) throw missingParts(missing, count, output);
  return weights.flatMap((planned) => {
    const found = recorded.get(planned.name);
    if (found === undefined) return [];
    expectRecorded(found.file, planned, { path: found.path, isLocked: lock !== undefined });
    return [{ recorded: found.file, part: found.record.part }];
  });
}

/** The files that records tell of, by name; a file may be in several, where it was written more than once. */
function recordedFiles(records: readonly FoundRecord[]): Map<string, FoundRecord & { readonly file: RecordedFile }> {
  const files = new Map<string, FoundRecord & { readonly file: RecordedFile }>();
  for (const found of records) {
    for (const file of found.record.files) {
      const other = files.get(file.name);
      if (other !== undefined && (other.file.sha256 !== file.sha256 || other.file.md5 !== file.md5)) {
        const message = `it has another hash of ${file.name} than ${other.name}, so one of them is of another source`;
        const hint = 'remove both and run their parts again with --force';
        throw new ConvertError('convert/part-mismatch', message, { path: found.path, hint });
      }
      files.set(file.name, { ...found, file });
    }
  }
  return files;
}

/**
 * Numbers of the parts, of so many, that have not read a tensor which no file holds whole.
 *
 * @throws ConvertError `convert/part-damaged` for a tensor that stands in a file, and of which its record says nothing
 */
function partsOfUnread(
  bare: ConversionPlan,
  { model, records, output }: Pick<FinishPlanParts, 'model' | 'records' | 'output'>,
  count: number,
): number[] {
  const known = new Set(records.flatMap(({ record }) => record.tensors.map(({ name }) => name)));
  const unread = [...model.tensors.keys()].filter((name) => !known.has(name));
  if (unread.length === 0) return [];
  const dealt = dealtCutTensors(bare, model, count);
  return unread.map((name) => {
    const number = dealt.get(name);
    if (number !== undefined) return number;
    const message = `no record of a part has a fingerprint of ${name}, which is in a file that a part wrote`;
    throw new ConvertError('convert/part-damaged', message, {
      path: output,
      hint: 'run every part again with --force',
    });
  });
}

function missingParts(numbers: readonly number[], count: number, output: string): ConvertError {
  const names = [...new Set(numbers)].sort((a, b) => a - b).map((number) => `${number}/${count}`);
  const shown =
    names.length > PARTS_SHOWN ? [...names.slice(0, PARTS_SHOWN), `${names.length - PARTS_SHOWN} more`] : names;
  const message = names.length === 1 ? `part ${names[0]} is missing` : `parts ${shown.join(', ')} are missing`;
  return new ConvertError('convert/part-missing', message, {
    path: output,
    hint: `run it with --part ${names[0]}, then --finish; a network disk may show what others wrote after a minute only`,
  });
}

/** Most parts that a message names. */
const PARTS_SHOWN = 8;

function expectRecorded(
  { byteLength, sha256, md5 }: RecordedFile,
  planned: PlannedFile,
  { path, isLocked }: { readonly path: string; readonly isLocked: boolean },
): void {
  const isHashed = (sha256 !== null || !isLocked) && (md5 !== null || planned.hashed !== true);
  if (byteLength === planned.byteLength && isHashed) return;
  const message = `the record does not describe ${planned.name} of ${planned.byteLength} bytes with its hashes`;
  throw new ConvertError('convert/part-damaged', message, { path, hint: 'remove it and run its part again' });
}

/** What all parts wrote, for the lock file. */
function writtenOf(files: readonly RecordedFile[], { model, records }: FinishPlanParts): Written {
  const tensors = records.flatMap(({ record }) => record.tensors);
  return {
    files: files.flatMap(({ name, sha256 }) => (sha256 === null ? [] : [{ name, digest: { sha256 } }])),
    tensors: tensors.map((tensor) => ({ ...tensor, shape: model.tensors.get(tensor.name)?.shape ?? [] })),
  };
}

/** The file with hashes of others known that are not written together with it. */
function withHashes(file: PlannedFile, hashes: ReadonlyMap<string, string>): PlannedFile {
  const pieces = file.pieces.map((piece): FilePiece => {
    if (piece.kind !== 'late') return piece;
    return {
      ...piece,
      make: (sums) => piece.make({ ...sums, fileHashes: new Map([...hashes, ...sums.fileHashes]) }),
    };
  });
  return { ...file, pieces };
}
