/**
 * What a scan found, for a person: the answer, the evidence, and what was not looked at.
 *
 * @module
 */
import { hexOffset } from '../errors.js';
import { isHarmless } from '../integrity/scan/judge-walk.js';
import type { ScanFinding, ScanReport, ScannedFile, ScannedGlobal } from '../integrity/scan/scan-report.js';
import { BAD, GOOD, NEITHER, limited, noted } from './findings.js';
import { type Line, type Span, flow, marked, shown, textOf, wrap } from './lines.js';
import { counted, sized } from './numbers.js';

/** Findings of one file that are shown; `--json` has all of them. */
const MOST_FINDINGS = 20;

/** Files without findings that are shown. */
const MOST_CLEAN = 12;

/** A report as lines. */
export function scanLines(report: ScanReport): Line[] {
  const { files, allow, others, notes } = report;
  const bad = files.filter(({ verdict }) => verdict === 'findings');
  const unreadable = files.filter(({ verdict }) => verdict === 'unreadable');
  const clean = files.filter(({ verdict }) => verdict === 'clean');
  return [
    ...flow([headword(report), ...headline(report)], { hanging: 2 }),
    '',
    ...[...bad, ...unreadable].flatMap((file) => fileLines(file)),
    ...cleanLines(clean),
    ...(allow.length === 0 ? [] : wrap(`allowed by you: ${allow.map((name) => shown(name)).join(', ')}`, 2, 4)),
    ...[...files.flatMap((file) => file.notes), ...notes].flatMap((note) => wrap(shown(note), 2, 4)),
    ...othersLine(others.map(({ path }) => path)),
  ];
}

/** Kinds of finding that nothing but an attack makes. */
const DANGERS: ReadonlySet<string> = new Set(['dangerous-global', 'unsafe-use', 'unnamed-global', 'changed-class']);

/** The worst thing that was found, in a word. */
function headword({ verdict, files }: ScanReport): Span {
  if (verdict === 'clean') return marked('good', 'CLEAN');
  if (verdict === 'unreadable') return marked('bad', 'UNREADABLE');
  const isDangerous = files.some(({ findings }) => findings.some(({ rule }) => DANGERS.has(rule)));
  return isDangerous ? marked('bad', 'DANGEROUS') : marked('warn', 'SUSPICIOUS');
}

function headline({ files }: ScanReport): string[] {
  const findings = files.reduce((sum, file) => sum + file.findings.length + file.findingsLeftOut, 0);
  const unreadable = files.filter(({ error }) => error !== null).length;
  const pickles = files.reduce((sum, file) => sum + file.pickles.length, 0);
  return [
    ...(findings > 0 ? [`${counted(findings, 'finding')} in ${counted(files.length, 'file')}`] : []),
    ...(unreadable > 0 ? [`${counted(unreadable, 'file')} could not be looked into`] : []),
    ...(findings + unreadable === 0 ? [`${counted(files.length, 'file')}, ${counted(pickles, 'pickle')}`] : []),
    'nothing was executed',
  ];
}

function fileLines(file: ScannedFile): Line[] {
  const groups = new Map<string | null, ScanFinding[]>();
  for (const finding of file.findings.slice(0, MOST_FINDINGS)) {
    groups.set(finding.member, [...(groups.get(finding.member) ?? []), finding]);
  }
  const more = file.findings.length - MOST_FINDINGS + file.findingsLeftOut;
  const sections = [...groups].flatMap(([member, findings]) => [
    ...flow([marked('strong', shown(file.path)), ...(member === null ? [] : [`: ${shown(member)}`])], { separator: ' ', indent: 2, hanging: 4 }), // prettier-ignore
    ...findings.flatMap(findingLines),
  ]);
  return [
    ...sections,
    ...errorLines(file),
    ...(more > 0 ? [`    and ${more} more; --json has all of them`] : []),
    ...(file.pickles.length === 0 ? [] : wrap(restOf(file), 4)),
    '',
  ];
}

function findingLines({ offset, opcode, message }: ScanFinding): Line[] {
  const label = `    at ${hexOffset(offset ?? 0)}   ${opcode === null ? '' : `${opcode}   `}`;
  return flow(shown(message).split(' '), { separator: ' ', indent: label.length, hanging: 8, label });
}

function errorLines({ path, error, findings }: ScannedFile): Line[] {
  if (error === null) return [];
  const { message, code, hint } = error;
  return [
    ...(findings.length === 0 ? [['  ', BAD, ` ${shown(path)}`]] : []),
    ...wrap(`${shown(message)}   [${code}]`, 4, 6),
    ...wrap(shown(hint ?? ''), 6),
  ];
}

/** What else the pickles name: `3 other globals, all tensor machinery`. */
function restOf({ pickles }: ScannedFile): string {
  const globals = pickles.flatMap((pickle) => pickle.globals).filter(isHarmless);
  const names = new Map(globals.map((global) => [global.name, global]));
  if (names.size === 0) return `no other globals in ${counted(pickles.length, 'pickle')}`;
  return `${counted(names.size, 'other global')}, ${classesOf([...names.values()])}`;
}

/** `all tensor machinery`, or how many of each class. */
function classesOf(globals: readonly ScannedGlobal[]): string {
  const counts: (readonly [count: number, what: string])[] = [
    [globals.filter(({ allowed, class: kind }) => kind === 'tensor-machinery' && !allowed).length, 'tensor machinery'],
    [globals.filter(({ allowed, class: kind }) => kind === 'harmless' && !allowed).length, 'harmless data'],
    [globals.filter(({ allowed }) => allowed).length, 'allowed by you'],
  ];
  const present = counts.filter(([count]) => count > 0);
  if (present.length === 1) return `all ${present[0]![1]}`;
  return present.map(([count, what]) => `${count} ${what}`).join(', ');
}

/** What a scan found, as one line among those of another report, and the findings below it. */
export function scanSummary(report: ScanReport, width: number, isExplained: (name: string) => boolean): Line[] {
  const findings = report.files.flatMap(({ path, findings: found }) =>
    found.map(({ member, offset, message }) => {
      const place = member === null ? shown(path) : `${shown(path)} : ${shown(member)}`;
      return `${place} at ${hexOffset(offset ?? 0)}: ${shown(message)}`;
    }),
  );
  const unread = report.files.filter(({ path, error }) => error !== null && !isExplained(path));
  const pickles = report.files.flatMap((file) => file.pickles);
  if (report.files.length === 0) return [];
  const mark = findings.length > 0 ? BAD : report.verdict === 'clean' ? GOOD : NEITHER;
  const what =
    findings.length > 0
      ? counted(findings.length, 'finding')
      : report.verdict === 'unreadable'
        ? 'could not look into everything'
        : pickles.length === 0
          ? 'no pickle, so nothing that could run'
          : `nothing unsafe in ${counted(pickles.length, 'pickle')}`;
  return [
    ...noted(mark, 'scan', width, [what]),
    ...limited(findings),
    ...unread.flatMap(({ path, error }) =>
      wrap(`${shown(path)}: ${shown(error?.message ?? '')} [${error?.code}]`, 6, 8),
    ),
  ];
}

function cleanLines(files: readonly ScannedFile[]): Line[] {
  const width = Math.max(0, ...files.slice(0, MOST_CLEAN).map(({ path }) => shown(path).length));
  const rows = files.slice(0, MOST_CLEAN).flatMap((file) => cleanLine(file, width));
  const more = files.length - MOST_CLEAN;
  return more > 0 ? [...rows, `    and ${counted(more, 'more file')} without findings`] : rows;
}

function cleanLine({ path, format, size, pickles }: ScannedFile, width: number): Line[] {
  const names = new Map(pickles.flatMap(({ globals }) => globals).map((global) => [global.name, global]));
  const label = ` ${shown(path).padEnd(width)}   `;
  const parts = [
    FORMATS[format],
    sized(size),
    pickles.length === 0 ? 'no pickle' : counted(pickles.length, 'pickle'),
    names.size === 0 ? '' : `${counted(names.size, 'global')}, ${classesOf([...names.values()])}`,
  ];
  const [first = '', ...rest] = flow(parts, { indent: label.length + 3, hanging: 6 });
  return [['  ', GOOD, label, textOf(first).trimStart()], ...rest];
}

const FORMATS: Readonly<Record<ScannedFile['format'], string>> = {
  torch: 'PyTorch',
  'torch-legacy': 'PyTorch before 1.6',
  'torch-tar': 'PyTorch of 2016',
  torchscript: 'TorchScript',
  'torch-package': 'torch.package',
  'exported-program': 'torch.export',
  zip: 'ZIP',
  tar: 'tar',
  pickle: 'pickle',
  npy: 'NumPy',
  safetensors: 'safetensors',
  gguf: 'GGUF',
  unknown: 'unknown',
};

function othersLine(paths: readonly string[]): Line[] {
  if (paths.length === 0) return [];
  const some = paths.slice(0, MOST_CLEAN).map((path) => shown(path)).join(', '); // prettier-ignore
  const more = paths.length > MOST_CLEAN ? ` and ${paths.length - MOST_CLEAN} more` : '';
  return wrap(`neither tensors nor pickles: ${some}${more}`, 2, 4);
}
