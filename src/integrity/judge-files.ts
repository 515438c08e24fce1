/**
 * From findings about files to a verdict.
 *
 * Absence of evidence is no success: a missing, empty or broken list gives `unproven`, not `intact`.
 *
 * @module
 */
import type { FileRole, FilesReport, FilesVerdict, NotCovered } from './files-report.js';

/** Name of the tokenizer in Meta's layout. */
export const TOKENIZER = 'tokenizer.model';

/** What stands in place of a list's name for files that the registry of releases knows. */
export const REGISTRY = 'registry of releases';

/** What a file is for, by its name. */
export function roleOf(name: string): FileRole {
  if (name === 'params.json' || name === TOKENIZER) return 'checkpoint';
  if (/^(?:consolidated\.\d+\.pth|fp8_scales_\d+\.pt)$/.test(name)) return 'checkpoint';
  return isWeights(name) ? 'weights' : 'other';
}

/** What was found, before it is judged. */
export type Findings = Pick<FilesReport, 'lists' | 'known' | 'files' | 'unlisted'>;

/**
 * The whole report: the findings, what they do not cover, and the verdict.
 *
 * @param findings - what was found
 * @param tokenizerAbove - whether the tokenizer lies only in the parent and no list names it
 */
export function judge(findings: Findings, tokenizerAbove: boolean, weights?: string): FilesReport {
  const listFound = findings.files.some(({ list }) => list !== REGISTRY);
  const notCovered = uncoveredParts(findings, tokenizerAbove, listFound ? 'not-listed' : 'no-list');
  const verdict = verdictOn(findings, tokenizerAbove, weights);
  return { verdict, listFound, ...findings, notCovered };
}

function uncoveredParts(
  { lists, files, unlisted }: Findings,
  tokenizerAbove: boolean,
  reason: 'no-list' | 'not-listed',
): NotCovered[] {
  const parts: NotCovered[] = lists.flatMap(({ place, problems }) =>
    problems.flatMap(({ name }) => (name === undefined ? [] : [{ place, name, reason: 'bad-line' as const }])),
  );
  const isNew = ({ name }: { name: string }): boolean => parts.every((part) => part.name !== name);
  for (const { place, name, status } of files) {
    if (status === 'unreadable') parts.push({ place, name, reason: 'unreadable' });
  }
  for (const file of unlisted) {
    if (file.role !== 'other' && isNew(file)) parts.push({ place: 'folder', name: file.name, reason });
  }
  if (tokenizerAbove) parts.push({ place: 'parent', name: TOKENIZER, reason });
  return parts;
}

function verdictOn(
  { lists, known, files, unlisted }: Findings,
  tokenizerAbove: boolean,
  weights: string | undefined,
): FilesVerdict {
  const wrong =
    files.some(({ status }) => status !== 'ok') ||
    unlisted.some(({ condition }) => condition !== null) ||
    (known?.sizes ?? []).some(({ expected, found }) => expected !== found) ||
    lists.some(({ problems }) => problems.some(({ fault }) => fault === 'outside-folder'));
  if (wrong) return 'failed';
  const partial =
    tokenizerAbove ||
    !files.some(({ name }) => isWeights(name, weights)) ||
    unlisted.some(({ role }) => role === 'checkpoint') ||
    lists.some(({ status, problems }) => status === 'unusable' || problems.length > 0);
  return partial ? 'unproven' : 'intact';
}

/** Whether a file of that name holds weights, in any layout; `given` is one that does, whatever it is called. */
export function isWeights(name: string, given?: string): boolean {
  return name === given || /\.(?:pth|pt|ckpt|bin|safetensors|gguf)$/i.test(name);
}
