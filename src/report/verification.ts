/**
 * Whether a checkpoint is intact, for a person: the verdict, what it rests on, what to do.
 *
 * @module
 */
import type { CheckpointError } from '../errors.js';
import type { ListedFile, ListReport, NotCovered, UnlistedFile } from '../integrity/files-report.js';
import type { FolderReport, StructureReport } from '../integrity/verify-folder.js';
import { damageLines, deepLines } from './deep.js';
import { BAD, GOOD, NEITHER } from './findings.js';
import { type Line, type Style, flow, marked, shown, wrap } from './lines.js';
import { knownReleaseLines } from './known-release.js';
import { exactSize } from './numbers.js';
import { lockVerificationLines } from './lock-verification.js';
import { scanSummary } from './scan.js';
import { verificationHeadline } from './verification-headline.js';

/** The words of the verdicts. */
const VERDICTS: Readonly<Record<FolderReport['verdict'], { readonly style: Style; readonly word: string }>> = {
  intact: { style: 'good', word: 'INTACT' },
  failed: { style: 'bad', word: 'FAILED' },
  unproven: { style: 'warn', word: 'UNPROVEN' },
};

/** A report on a folder as lines. */
export function verificationLines(report: FolderReport): Line[] {
  const { files, known, lists, unlisted, notCovered } = report.files;
  const suspicious = unlisted.filter(({ condition }) => condition !== null);
  const others = unlisted.filter(({ name, condition, role }) => {
    return condition === null && role === 'other' && !report.extra.includes(name);
  });
  const width = Math.max(9, ...[...files.map(pathOf), ...suspicious.map(({ name }) => name)].map(lengthShown));
  const isExplained = (name: string): boolean =>
    [...files, ...unlisted].some((file) => file.name === name && file.condition !== null);
  const { style, word } = VERDICTS[report.verdict];
  return [
    ...flow([marked(style, word), ...verificationHeadline(report)], { hanging: 2 }),
    '',
    ...files.flatMap((file) => listedFileLines(file, width, report)),
    ...suspicious.flatMap((file) => suspiciousLines(file, width)),
    ...report.locks.flatMap((lock) => lockVerificationLines(lock, width, report.locks.length > 1)),
    ...report.extra.flatMap((name) => extraLines(name, width)),
    ...structureLines(report.structure, width, [...files, ...unlisted]),
    ...scanSummary(report.scan, width, isExplained),
    ...(report.deep === undefined ? [] : deepLines(report.deep, { width, isExplained })),
    ...lists.flatMap(listLines),
    ...(known === null ? [] : knownReleaseLines(known, width)),
    ...notCoveredLines(notCovered),
    ...(others.length === 0
      ? []
      : ['', ...wrap(`in no list: ${others.map(({ name }) => shown(name)).join(', ')}`, 2, 4)]),
  ];
}

function lengthShown(name: string): number {
  return shown(name).length;
}

/** Path of a listed file as seen from the folder. */
function pathOf({ place, name }: Pick<ListedFile, 'place' | 'name'>): string {
  return place === 'parent' ? `../${name}` : name;
}

/** Digits of a hash that are shown: enough to tell it from another at a glance; `--json` has them all. */
const HASH_DIGITS = 8;

function listedFileLines(file: ListedFile, width: number, report: FolderReport): Line[] {
  const { status, algorithm, expected, found, size, condition } = file;
  const name = shown(pathOf(file)).padEnd(width);
  const short = (hash: string | null): string => `${(hash ?? '').slice(0, HASH_DIGITS)}…`;
  if (status === 'ok') {
    return [['  ', GOOD, ` ${name}  ${algorithm} ${short(expected)}  ${exactSize(size ?? 0)}`]];
  }
  if (status === 'missing') return [['  ', BAD, ` ${name}  missing; its ${algorithm} should be ${short(expected)}`]];
  const what =
    status === 'mismatch' ? `${algorithm} ${short(expected)} expected, ${short(found)} found` : 'cannot be read';
  return [
    ['  ', BAD, ` ${name}  ${what}`],
    ...conditionLines(condition, damageOf(file, report)),
    ...howToSee(file, report),
  ];
}

/** What is wrong, where, and what to do. */
function conditionLines(condition: ListedFile['condition'], where: readonly Line[] = []): Line[] {
  if (condition === null) return [];
  return [...wrap(shown(condition.message), 6), ...where, ...wrap(condition.hint ?? '', 6)];
}

function damageOf(file: ListedFile, { deep }: FolderReport): Line[] {
  return isDamaged(file) ? (deep?.files ?? []).filter(({ name }) => name === file.name).flatMap(damageLines) : [];
}

function howToSee(file: ListedFile, { deep, locks, path }: FolderReport): Line[] {
  const isSeen = deep !== undefined || locks.some(({ status }) => status === 'changed');
  if (isSeen || !isDamaged(file)) return [];
  const command = `llama-inspect verify --deep ${shown(path)}`;
  return flow(['to see in which tensors:', command], { separator: ' ', indent: 6, hanging: 8 });
}

/** Whether the file is an archive of the right size in which something differs. */
function isDamaged({ place, condition }: ListedFile): boolean {
  return place === 'folder' && condition?.kind === 'damaged';
}

function suspiciousLines({ name, condition }: UnlistedFile, width: number): Line[] {
  return [['  ', BAD, ` ${shown(name).padEnd(width)}  in no list, and wrong to look at`], ...conditionLines(condition)];
}

function extraLines(name: string, width: number): Line[] {
  return [['  ', BAD, ` ${shown(name).padEnd(width)}  in no list`]];
}

function structureLines({ status, error, notes }: StructureReport, width: number, files: readonly Judged[]): Line[] {
  const label = 'structure'.padEnd(width);
  if (status === 'failed') {
    const known = files.find(({ name, condition }) => condition !== null && error?.path?.endsWith(`/${name}`) === true);
    if (known !== undefined) return [['  ', BAD, ` ${label}  cannot be read, because ${shown(known.name)} is wrong`]];
    return [['  ', BAD, ` ${label}  does not hold together`], ...faultLines(error)];
  }
  const [first = '', ...others] = notes;
  return [['  ', GOOD, ` ${label}  ${first}`], ...others.flatMap((note) => wrap(note, 6 + width))];
}

/** A file that something may be wrong with. */
type Judged = Pick<ListedFile, 'name' | 'condition'>;

function faultLines(error: CheckpointError | undefined): Line[] {
  if (error === undefined) return [];
  const { message, code, path, hint } = error;
  const where = path === undefined ? '' : `${shown(path)}: `;
  return [...wrap(`${where}${message}   [${code}]`, 6), ...wrap(hint ?? '', 6)];
}

function listLines({ place, name, status, problems, condition }: ListReport): Line[] {
  const path = pathOf({ place, name });
  const empty = status === 'empty' ? [['  ', NEITHER, ` ${shown(path)} lists nothing`]] : [];
  const unusable =
    condition === null ? [] : [['  ', NEITHER, ` ${shown(path)} is no list`], ...conditionLines(condition)];
  const broken = problems.flatMap(({ line, message }) => wrap(`– ${path}, line ${line}: ${shown(message)}`, 2, 6));
  return [...empty, ...unusable, ...broken];
}

const REASONS: Readonly<Record<NotCovered['reason'], string>> = {
  'no-list': 'there is no list of hashes',
  'not-listed': 'no list names them',
  'bad-line': 'the line that names them is broken',
  unreadable: 'they cannot be read',
};

function notCoveredLines(parts: readonly NotCovered[]): Line[] {
  const reasons = [...new Set(parts.map(({ reason }) => reason))];
  const lines = reasons.flatMap((reason) => {
    const names = parts.filter((part) => part.reason === reason).map((part) => shown(pathOf(part)));
    return wrap(`not proven, because ${REASONS[reason]}: ${names.join(', ')}`, 2, 4);
  });
  return lines.length === 0 ? [] : ['', ...lines];
}
