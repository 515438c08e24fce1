/**
 * Every answer as JSON: what `--json` prints, one object each.
 *
 * Each object has `schemaVersion` and `kind`, and what is absent is null rather than left out, so that a
 * program need not ask twice. Numbers that are not finite become null, as JSON has none.
 *
 * @see docs/schema
 * @module
 */
import type { ModelComparison, TensorComparison, VocabularyComparison } from '../check/comparison.js';
import type { ConversionResult } from '../convert/convert.js';
import { fileTypeOfId } from '../convert/file-types.js';
import { type ConversionPlan, plannedTensors } from '../convert/plan.js';
import type { SizeForecast } from '../convert/what-if.js';
import type { CheckpointError } from '../errors.js';
import type { ForwardResult } from '../forward/forward.js';
import type { ListedTensor } from '../integrity/list-tensors.js';
import type { DeepFile } from '../integrity/deep-report.js';
import type { ScanReport } from '../integrity/scan/scan-report.js';
import type { FolderReport } from '../integrity/verify-folder.js';
import type { FoundCheckpoint } from '../llama/find-checkpoints-node.js';
import type { PathInspection } from '../llama/inspect-path-node.js';
import type { ReleaseIdentity } from '../llama/identify-release.js';
import type { Inspection } from '../llama/inspect.js';
import type { ConversionFacts } from './conversion.js';
import { partJson } from './parts.js';
import { shareOfPresent } from './what-if.js';

/** What `--json` prints. */
export interface JsonReport {
  /** Changes only when a property changes its meaning or goes away. */
  readonly schemaVersion: 1;
  /** Which schema of `docs/schema` it follows. */
  readonly kind: string;
  /** The answer itself. */
  readonly [property: string]: unknown;
}

/** An answer of that kind. */
export function jsonReport(kind: string, answer: Readonly<Record<string, unknown>>): JsonReport {
  return { schemaVersion: 1, kind, ...answer };
}

/** A failure, kind `error`. */
export function errorJson(error: CheckpointError): JsonReport {
  return jsonReport('error', { error: faultOf(error) });
}

function faultOf({ code, message, path, offset, hint }: CheckpointError): Record<string, unknown> {
  return { code, message, path: path ?? null, offset: offset ?? null, hint: hint ?? null };
}

/** What lies at a path, kind `inspection`, `checkpoints` or `files`; with sizes of files of other types if asked. */
export function pathInspectionJson(found: PathInspection, whatIf?: readonly SizeForecast[]): JsonReport {
  switch (found.kind) {
    case 'one': {
      const { inspection, inside } = found;
      const sizes = whatIf?.map((forecast) => forecastOf(forecast, inspection)) ?? null;
      return jsonReport('inspection', { ...inspectionOf(inspection), inside, whatIf: sizes });
    }
    case 'several':
      return jsonReport('checkpoints', { path: found.path, checkpoints: found.checkpoints.map(checkpointOf) });
    case 'loose':
      return jsonReport('files', { path: found.path, files: found.files.map(inspectionOf) });
  }
}

function checkpointOf({ path, inspection, error }: FoundCheckpoint): Record<string, unknown> {
  return {
    path,
    inspection: inspection === undefined ? null : inspectionOf(inspection),
    error: error === undefined ? null : faultOf(error),
  };
}

function inspectionOf(inspection: Inspection): Record<string, unknown> {
  const { kind, release, identity, config, params, tokenizer, chatTemplate, fileType, ...more } = inspection;
  const { bitsPerWeight, types, groups, ...rest } = more;
  return {
    ...rest,
    modelKind: kind ?? null,
    release: release ?? null,
    identity: identity === undefined ? null : identityJson(identity),
    config: config ?? null,
    params: params ?? null,
    tokenizer: tokenizer ?? null,
    chatTemplate: chatTemplate === undefined ? null : { ...chatTemplate, ours: chatTemplate.ours ?? null },
    fileType: fileType === undefined ? null : { id: fileType, name: fileTypeOfId(fileType) ?? null },
    bitsPerWeight: bitsPerWeight ?? null,
    types: types.map((tally) => ({ ...tally, bitsPerWeight: tally.bitsPerWeight ?? null })),
    groups: groups.map((tally) => ({ ...tally, bitsPerWeight: tally.bitsPerWeight ?? null })),
  };
}

function identityJson({ variant, contextLength, ...identity }: ReleaseIdentity): Record<string, unknown> {
  return { ...identity, variant: variant ?? null, contextLength: contextLength ?? null };
}

function forecastOf(forecast: SizeForecast, inspection: Inspection): Record<string, unknown> {
  const { type, byteLength, tensorByteLength, bitsPerWeight, needsImportance, fallbacks, problem } = forecast;
  return {
    type,
    byteLength: byteLength ?? null,
    tensorByteLength: tensorByteLength ?? null,
    bitsPerWeight: bitsPerWeight ?? null,
    share: shareOfPresent(forecast, inspection) ?? null,
    ...{ needsImportance, fallbacks, problem: orNull(problem) },
  };
}

/** Tensors of files, kind `tensors`. */
export function tensorsJson(tensors: readonly ListedTensor[]): JsonReport {
  return jsonReport('tensors', { tensors });
}

/** A scan, kind `scan`. */
export function scanJson(report: ScanReport): JsonReport {
  return jsonReport('scan', { ...report });
}

/** A verified folder, kind `verification`. */
export function verificationJson({
  path,
  verdict,
  files,
  locks,
  extra,
  structure,
  scan,
  deep,
}: FolderReport): JsonReport {
  const { status, error, config, notes } = structure;
  return jsonReport('verification', {
    path,
    verdict,
    files,
    locks: locks.map((lock) => ({ ...lock, error: orNull(lock.error) })),
    extra,
    structure: { status, error: orNull(error), config: config ?? null, notes },
    scan,
    deep: deep === undefined ? null : { verdict: deep.verdict, files: deep.files.map(deepFileOf) },
  });
}

function deepFileOf({ members, error, ...file }: DeepFile): Record<string, unknown> {
  const damaged = members?.damaged.map((member) => ({ ...member, error: orNull(member.error) }));
  return { ...file, members: members === undefined ? null : { ...members, damaged }, error: orNull(error) };
}

function orNull(error: CheckpointError | undefined): Record<string, unknown> | null {
  return error === undefined ? null : faultOf(error);
}

/** A plan that was not carried out, kind `plan`. */
export function planJson(plan: ConversionPlan, output: string): JsonReport {
  const { to, dtype, byteLength, decisions, warnings } = plan;
  const files = plan.files.map((file) => ({
    name: file.name,
    byteLength: file.byteLength,
    tensors: plannedTensors({ files: [file] }).map((tensor) => ({
      name: tensor.name,
      dtype: tensor.dtype,
      shape: tensor.shape,
      from: tensor.from ?? null,
      offset: tensor.fileOffset,
      byteLength: tensor.byteLength,
    })),
  }));
  return jsonReport('plan', { output, to, dtype, byteLength, files, decisions, warnings, part: partJson(plan) });
}

/** A conversion that was carried out, kind `conversion`. */
export function conversionJson(
  { plan, loss, lossyTensors, wasThere = false }: ConversionResult,
  facts: Pick<ConversionFacts, 'output' | 'seconds' | 'peakMemory' | 'comparison'>,
): JsonReport {
  const { comparison } = facts;
  const { to, dtype, byteLength, decisions, warnings } = plan;
  return jsonReport('conversion', {
    ...{ output: facts.output, to, dtype, byteLength, decisions, warnings, loss, part: partJson(plan, wasThere) },
    lossyTensors: lossyTensors.map(({ name, loss: lost }) => ({ name, loss: lost })),
    files: plan.files.map(({ name, byteLength: size }) => ({ name, byteLength: size })),
    ...{ seconds: facts.seconds, peakMemory: facts.peakMemory },
    comparison: comparison === undefined ? null : comparisonJson(comparison),
  });
}

/** A comparison of two models, kind `comparison`. */
export function comparisonJson(comparison: ModelComparison): JsonReport {
  const { a, b, verdict, findings, config, vocabulary, tensors, logits } = comparison;
  const runs = logits.map((run) => ({ ...run, partsAt: run.partsAt ?? null }));
  return jsonReport('comparison', {
    ...{ a, b, verdict, findings, config },
    ...{ vocabulary: vocabularyComparisonJson(vocabulary), tensors: tensors.map(comparedTensorJson), logits: runs },
  });
}

/** How two vocabularies compare, as part of an answer. */
export function vocabularyComparisonJson({ outcome, differences }: VocabularyComparison): Record<string, unknown> {
  return {
    outcome,
    differences: differences.map((difference) => ({ ...difference, first: difference.first ?? null })),
  };
}

/** What became of one tensor, as part of an answer. */
export function comparedTensorJson(tensor: TensorComparison): Record<string, unknown> {
  if (!('difference' in tensor)) return { ...tensor };
  return { ...tensor, difference: tensor.difference ?? null, cause: tensor.cause ?? null };
}

/** Logits of a sequence, kind `logits`: one row for each token, made when it is asked for, as all may take gigabytes. */
export function logitsJson(result: ForwardResult, path: string, output: string | undefined): JsonReport {
  const { tokens, positions, vocabSize } = result;
  const facts = { path, output: output ?? null, tokens, positions, vocabSize };
  return jsonReport('logits', { ...facts, logits: { [Symbol.iterator]: () => rowsOf(result) } });
}

function* rowsOf({ rows, vocabSize, logits }: ForwardResult): Generator<number[]> {
  for (const row of rows.keys()) yield Array.from(logits.subarray(row * vocabSize, (row + 1) * vocabSize));
}
