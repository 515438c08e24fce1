/**
 * One file, scanned: what would run if Python loaded it, and what two programs would read differently.
 *
 * A file is scanned as everything that it may be: a pickle that ends like an archive is both.
 *
 * @module
 */
import type { CheckpointError } from '../../errors.js';
import type { ByteSource, ReadOptions } from '../../source/byte-source.js';
import { SourceError } from '../../source/byte-source.js';
import { type ContentKind, HEAD_BYTES, type Identification, identifySource } from '../../source/identify.js';
import { describeMistake } from '../../source/mistake.js';
import { isTarHeader } from '../../formats/tar.js';
import { sliceSource } from '../../source/slice.js';
import { windowedSource } from '../../source/window.js';
import { walkPickle } from '../../pickle/walk.js';
import type { WalkImport } from '../../pickle/walk-values.js';
import { judgeGlobal } from '../../pickle/verdicts.js';
import { readZipDirectory } from '../../zip/directory.js';
import { ZipError } from '../../zip/zip-error.js';
import { archiveRow } from './archive-row.js';
import { asContentError } from './content-error.js';
import { Findings, WHOLE_FILE } from './findings.js';
import { PACKED, packedAs } from './other-formats.js';
import { type ScanPart, scanArchive } from './scan-archive.js';
import { scanLegacy } from './scan-legacy.js';
import { partScanner, scanNpy } from './scan-part.js';
import { scanPickles } from './scan-pickles.js';
import type { ScanError, ScannedFile, ScannedFormat, UnscannedFile } from './scan-report.js';
import { scanTar } from './scan-tar.js';

/** How a file is scanned. */
export interface ScanFileOptions extends ReadOptions {
  /** Names, `module.name`, that are no finding although no list has them. */
  readonly allow?: readonly string[] | undefined;
  /** Path to be told; the source's name when absent. */
  readonly path?: string | undefined;
  /**
   * Whether it must be something that can be scanned, so that anything else is `unreadable`; when absent, only if its
   * name promises that it holds weights or a pickle.
   */
  readonly required?: boolean | undefined;
}

/** Names of files that promise something that a scan looks into. */
export const PROMISING =
  /\.(?:pth|pt|pt2|ckpt|bin|pkl|pickle|p|joblib|dill|distcp|npy|npz|safetensors|gguf|th|t7|tar|zip)$|(?:^|\/)\.metadata$/i;

/**
 * Scans one file; reads headers, directories and pickles, and the first bytes of every member of an archive. Memory:
 * some megabytes, 32 MB where members are deflated, and at most some 200 MB for a long pickle made to need them.
 * Findings are data; only a signal's reason is thrown.
 */
export async function scanFile(file: ByteSource, options: ScanFileOptions = {}): Promise<ScannedFile | UnscannedFile> {
  const { allow = [], signal, path = file.name, required = PROMISING.test(path) } = options;
  const source = windowedSource(file);
  const findings = new Findings(file.size, new Set(allow), { signal });
  let format: ScannedFormat = 'unknown';
  let error: ScanError | null = null;
  try {
    const identification = await identifySource(source, { signal });
    const found = await scanAsAll(source, identification, findings, path, required);
    if (found === undefined) return { path, what: identification.sentence };
    format = found;
  } catch (cause) {
    error = scanErrorOf(cause);
  }
  const verdict = findings.findings.length > 0 ? 'findings' : error === null ? 'clean' : 'unreadable';
  return {
    ...{ path, size: source.size, format, verdict, error },
    ...{ findings: inOrder(findings), findingsLeftOut: findings.leftOut },
    ...{ pickles: findings.pickles, notes: findings.notes },
  };
}

/** An error as data; whatever is no error about a file is thrown again. */
export function scanErrorOf(cause: unknown): ScanError {
  const { code, message, offset, hint } = cause instanceof SourceError ? cause : asContentError(cause);
  return { code, message, offset: offset ?? null, hint: hint ?? null };
}

function inOrder({ findings }: Findings): Findings['findings'] {
  const members = new Map<string | null, number>([[null, -1]]);
  for (const { member } of findings) if (!members.has(member)) members.set(member, members.size);
  const rank = (member: string | null): number => members.get(member) ?? 0;
  return [...findings].sort((a, b) => rank(a.member) - rank(b.member) || (a.offset ?? 0) - (b.offset ?? 0));
}

/** Scans a file as what it begins like, and as an archive if it ends like one; undefined for files of no interest. */
async function scanAsAll(
  source: ByteSource,
  identification: Identification,
  findings: Findings,
  path: string,
  required: boolean,
): Promise<ScannedFormat | undefined> {
  const scanPart = partScanner(findings);
  const head = await source.read(0, Math.min(HEAD_BYTES, source.size), findings.options);
  // torch.load tries tar before pickles, and Python knows a tar archive by the checksum of its first header alone
  if (identification.kind !== 'zip' && identification.kind !== 'tar' && isTarHeader(head)) {
    if (isPromising(identification.kind)) {
      findings.add('second-format', `${identification.sentence}, and a tar archive as well`, WHOLE_FILE);
    } else return scanTar(source, WHOLE_FILE, findings, scanPart);
    await scanTar(source, WHOLE_FILE, findings, scanPart);
  }
  if (identification.kind === 'zip') return scanRow(source, findings, path, scanPart);
  const first = await scanFront(source, identification.kind, findings, scanPart);
  if (await endsAsArchive(source, findings.options)) {
    if (first !== undefined) {
      const message = `the file begins as ${identification.sentence} and ends as a ZIP archive`;
      findings.add('second-format', message, WHOLE_FILE);
    }
    const second = await scanArchive(source, WHOLE_FILE, findings, scanPart);
    return first ?? second;
  }
  if (first !== undefined) return first;
  if (await scanHeadless(source, findings, required, scanPart)) return 'pickle';
  if (!required && packedAs(head) === undefined) return undefined;
  throw mistakeOf(source, identification, head);
}

/** Whether bytes of a kind are looked into for what they are. */
function isPromising(kind: ContentKind): boolean {
  return ['torch-legacy', 'pickle', 'safetensors', 'gguf', 'npy'].includes(kind);
}

/** Scans a file whose beginning says what it is. */
async function scanFront(
  source: ByteSource,
  kind: ContentKind,
  findings: Findings,
  scanPart: ScanPart,
): Promise<ScannedFormat | undefined> {
  switch (kind) {
    case 'torch-legacy':
      await scanLegacy(source, WHOLE_FILE, findings, scanPart);
      return 'torch-legacy';
    case 'pickle':
      await scanPickles(source, WHOLE_FILE, findings, (bytes, place) => scanPart(bytes, place, 'data'));
      return 'pickle';
    case 'tar':
      await scanAsPickleToo(source, findings, scanPart);
      return scanTar(source, WHOLE_FILE, findings, scanPart);
    case 'safetensors':
    case 'gguf':
      await scanAsPickleToo(source, findings, scanPart);
      await scanTensors(source, kind, findings);
      return kind;
    case 'npy':
      await scanNpy(source, WHOLE_FILE, findings, scanPart);
      return 'npy';
    default:
      return undefined;
  }
}

/** Nothing in these can run; what counts is that every program reads the same tensors. */
async function scanTensors(source: ByteSource, kind: 'safetensors' | 'gguf', findings: Findings): Promise<void> {
  const open =
    kind === 'gguf'
      ? (await import('../../formats/gguf/read.js')).openGgufFile
      : (await import('../../formats/safetensors/read.js')).openSafetensorsFile;
  const failure = await open(source, findings.options).then(() => undefined, asContentError);
  if (failure !== undefined) findings.addError('bad-structure', failure, WHOLE_FILE);
}

/** One archive, or several one behind the other, as distributed checkpoints are. */
async function scanRow(
  source: ByteSource,
  findings: Findings,
  path: string,
  scanPart: ScanPart,
): Promise<ScannedFormat> {
  const starts = await archiveRow(source, findings.options);
  if (starts.length < 2) return scanArchive(source, WHOLE_FILE, findings, scanPart);
  const message = `${starts.length} archives stand one behind the other`;
  if (path.endsWith('.distcp')) findings.notes.push(`${message}, as in a part of a distributed checkpoint`);
  else findings.add('bytes-before', `${message}, and most programs see the last one only`, WHOLE_FILE);
  let format: ScannedFormat = 'zip';
  for (const [index, start] of starts.entries()) {
    const end = starts[index + 1] ?? source.size;
    const place = { member: `archive at 0x${start.toString(16)}`, base: start, fileBase: start, depth: 0 };
    format = await scanArchive(sliceSource(source, start, end - start), place, findings, scanPart);
  }
  return format;
}

async function endsAsArchive(source: ByteSource, options: ReadOptions): Promise<boolean> {
  try {
    await readZipDirectory(source, options);
    return true;
  } catch (cause) {
    if (cause instanceof ZipError) return false;
    throw cause;
  }
}

/**
 * Files that begin as tensors or as a tar archive and are a pickle all the same: `G` of `GGUF` is the opcode of a float,
 * and a tar archive begins with a name.
 */
async function scanAsPickleToo(source: ByteSource, findings: Findings, scanPart: ScanPart): Promise<void> {
  const walk = await walkPickle(source, { limits: findings.limits, ...findings.options });
  if (!walk.imports.some(isNotAllowed) && walk.suspicions.length === 0) return;
  findings.add('second-format', 'read as a pickle, the file imports what no checkpoint does', WHOLE_FILE);
  await scanPickles(source, WHOLE_FILE, findings, (bytes, place) => scanPart(bytes, place, 'data'));
}

function isNotAllowed(found: WalkImport): boolean {
  const { class: kind } = judgeGlobal(found);
  return kind === 'unknown' || kind === 'dangerous';
}

/** Text that begins with a `c` may look like an import; it does not call what it imports. */
function isUnlikelyText(found: WalkImport): boolean {
  return isNotAllowed(found) && (found.calls > 0 || judgeGlobal(found).class === 'dangerous');
}

/**
 * Protocols 0 and 1 have no head, and begin like any text: such a file counts as a pickle if it is one from end to end,
 * if it calls what is not allowed or names what is dangerous, or if its name promises a pickle and it imports anything.
 */
async function scanHeadless(
  source: ByteSource,
  findings: Findings,
  required: boolean,
  scanPart: ScanPart,
): Promise<boolean> {
  const walk = await walkPickle(source, { limits: findings.limits, ...findings.options });
  const isWhole = walk.stopped && walk.fault === undefined && (walk.end === source.size || walk.imports.length > 0);
  if (!isWhole && !walk.imports.some(isUnlikelyText) && !(required && walk.imports.length > 0)) return false;
  await scanPickles(source, WHOLE_FILE, findings, (bytes, place) => scanPart(bytes, place, 'data'));
  return true;
}

function mistakeOf(source: ByteSource, identification: Identification, head: Uint8Array): CheckpointError {
  const packed = packedAs(head);
  if (packed === undefined) return describeMistake(identification, 'a file of tensors or a pickle', source.name);
  return new SourceError(
    'source/other-format',
    `a file of tensors or a pickle was expected, but this is ${PACKED[packed]}`,
    { path: source.name, hint: 'unpack it and scan what comes out' },
  );
}
