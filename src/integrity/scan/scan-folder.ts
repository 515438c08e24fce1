/**
 * All files of a folder, scanned, and the verdict on the whole.
 *
 * @module
 */
import type { OperationOptions } from '../../options.js';
import { SourceError } from '../../source/byte-source.js';
import { type Folder, type FolderEntry, listBelow } from '../../source/folder.js';
import { type SourceInput, sourceOf } from '../../source/input.js';
import { PROMISING, scanErrorOf, scanFile } from './scan-file.js';
import type { ScanReport, ScannedFile, UnscannedFile } from './scan-report.js';

/** How to scan. */
export interface ScanOptions extends OperationOptions {
  /** Names, `module.name`, that are no finding although no list has them; they are told in the report. */
  readonly allow?: readonly string[] | undefined;
}

/**
 * Scans one file: every pickle in it, and everything that two programs would read differently. Reads headers,
 * directories and pickles, and the first bytes of every member of an archive. Owns the source from here on.
 *
 * @throws the signal's reason when aborted; findings and faults of the file are data
 */
export async function scanSource(input: SourceInput, options: ScanOptions = {}): Promise<ScanReport> {
  const { allow = [], signal } = options;
  await using source = sourceOf(input);
  const file = await scanFile(source, { allow, signal, required: true });
  return scanReport(source.name, [file], allow);
}

/**
 * Scans every file of a folder, and of those below but hidden ones, that can hold a pickle or tensors, one after another, with the cost of
 * {@link scanSource} each.
 *
 * @throws SourceError when the folder itself cannot be read; the signal's reason when aborted
 */
export async function scanFolder(folder: Folder, options: ScanOptions = {}): Promise<ScanReport> {
  return scanFiles(folder, await listBelow(folder), [], options);
}

/** Scans some files of a folder, whose names may have several parts. */
export async function scanFiles(
  folder: Folder,
  entries: readonly FolderEntry[],
  notes: readonly string[],
  { allow = [], signal, onProgress }: ScanOptions,
): Promise<ScanReport> {
  const scanned: (ScannedFile | UnscannedFile)[] = [];
  for (const [index, { name, size }] of entries.entries()) {
    onProgress?.({ phase: 'scan', item: name, done: index, total: entries.length });
    scanned.push(await scanEntry(folder, name, size, { allow, signal }));
  }
  return scanReport(folder.name, scanned, allow, notes);
}

async function scanEntry(
  folder: Folder,
  name: string,
  size: number,
  { allow, signal }: ScanOptions,
): Promise<ScannedFile | UnscannedFile> {
  try {
    await using source = await folder.open(name);
    return await scanFile(source, { allow, signal, path: name });
  } catch (cause) {
    if (!(cause instanceof SourceError)) throw cause;
    if (!PROMISING.test(name)) return { path: name, what: `unreadable: ${cause.message}` };
    const nothing = { findings: [], findingsLeftOut: 0, pickles: [], notes: [] };
    return { path: name, size, format: 'unknown', verdict: 'unreadable', error: scanErrorOf(cause), ...nothing };
  }
}

/** The report on some files. */
export function scanReport(
  path: string,
  scanned: readonly (ScannedFile | UnscannedFile)[],
  allow: readonly string[],
  notes: readonly string[] = [],
): ScanReport {
  const files = scanned.filter((file) => 'verdict' in file);
  const others = scanned.filter((file) => 'what' in file);
  const has = (verdict: ScannedFile['verdict']): boolean => files.some((file) => file.verdict === verdict);
  const verdict = has('findings') ? 'findings' : has('unreadable') || files.length === 0 ? 'unreadable' : 'clean';
  const code = others.filter(({ path: other }) => /\.py$/i.test(other)).map(({ path: other }) => other);
  return {
    ...{ path, verdict, allow, files, others },
    notes: [
      ...(files.length === 0 ? ['no file here holds tensors or a pickle'] : []),
      ...(code.length === 0
        ? []
        : [`Python code beside the weights is not looked at, and runs if something imports it: ${code.join(', ')}`]),
      ...notes,
    ],
  };
}
