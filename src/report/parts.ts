/**
 * What is said of a conversion in parts: which part it is, what is left to do, and what was finished.
 *
 * @module
 */
import type { ConversionResult } from '../convert/convert.js';
import { partName } from '../convert/parts.js';
import type { ConversionPlan, PlanShare } from '../convert/plan.js';
import type { ConversionFacts } from './conversion.js';
import { type JsonReport, comparisonJson, jsonReport } from './json.js';
import { type Line, shown, wrap } from './lines.js';
import { counted } from './numbers.js';

/** What is written, as the object of a sentence: the output, or a part of it. */
export function writtenThing({ share }: Pick<ConversionPlan, 'share'>, output: string): string {
  const part = share?.part;
  return part === undefined ? shown(output) : `${partName(part)} of ${shown(output)}`;
}

/** Whether there was nothing to write. */
export function isIdle({ plan, wasThere }: ConversionResult): boolean {
  return wasThere === true || (plan.share?.part !== undefined && plan.files.length === 0);
}

/** What was done, and of nothing why nothing was. */
export function headline(result: ConversionResult, output: string): string {
  const { plan, wasThere } = result;
  const { share } = plan;
  const thing = writtenThing(plan, output);
  if (wasThere === true) return `${thing} is there already, nothing was written`;
  if (share?.part === undefined) return `${share === undefined ? 'wrote' : 'finished'} ${thing}`;
  if (!isIdle(result)) return `wrote ${thing}`;
  return `${thing} has nothing to write: the weights are in ${counted(share.weights.length, 'file')}`;
}

/** What to do after a part. */
export function afterPart({ part }: PlanShare): Line[] {
  if (part === undefined) return [];
  const { number, count } = part;
  const parts = count === 1 ? 'then' : `when all ${count} parts are there`;
  return wrap(`${parts}: the same command with --finish, not --part ${number}/${count}`, 2, 4);
}

/** Bytes of everything that is there when a plan has been carried out: a finished output is more than what finished it. */
export function byteLengthThen({ byteLength, share }: ConversionPlan): number {
  if (share === undefined || share.part !== undefined) return byteLength;
  return share.weights.reduce((sum, file) => sum + file.byteLength, byteLength);
}

/** How many files are written, out of how many. */
export function fileCounts({ files, share }: ConversionPlan): string {
  if (share === undefined) return counted(files.length, 'file');
  const { part, weights } = share;
  if (part === undefined)
    return `${counted(files.length, 'file')} beside ${counted(weights.length, 'file')} of weights`;
  const own = weights.filter((file) => file.part.number === part.number).length;
  return `${own} of ${counted(weights.length, 'file')} of weights`;
}

/** Which part a plan is, as a property of an answer; null for a whole conversion. */
export function partJson({ share }: ConversionPlan, wasThere?: boolean): Record<string, unknown> | null {
  if (share?.part === undefined) return null;
  const { part, weights } = share;
  return { ...part, fileCount: weights.length, ...(wasThere === undefined ? {} : { wasThere }) };
}

/** What `convert --finish` wrote, kind `finish`. */
export function finishJson(
  { plan }: ConversionResult,
  facts: Pick<ConversionFacts, 'output' | 'seconds' | 'peakMemory' | 'comparison'>,
): JsonReport {
  const { comparison } = facts;
  const { to, dtype, decisions, warnings, share } = plan;
  const files = [
    ...(share?.weights ?? []).map(({ name, byteLength, part }) => ({ name, byteLength, part })),
    ...plan.files.map(({ name, byteLength }) => ({ name, byteLength, part: null })),
  ];
  return jsonReport('finish', {
    ...{ output: facts.output, to, dtype, byteLength: byteLengthThen(plan), decisions, warnings, files },
    ...{ seconds: facts.seconds, peakMemory: facts.peakMemory },
    comparison: comparison === undefined ? null : comparisonJson(comparison),
  });
}
