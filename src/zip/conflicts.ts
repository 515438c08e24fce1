/**
 * Members that contradict each other.
 *
 * The directory may list a name twice, or two that differ in case only, or two members that share bytes; then one
 * program shows one content and another program another. The least a member can take is its header, its name and its
 * data, which is what is compared here without reading a local header; extra fields come on top and
 * are checked when the data are located.
 *
 * @module
 */
import { hexOffset } from '../errors.js';
import type { MutableEntry } from './entry.js';
import { LENGTHS } from './records.js';
import { ZipError } from './zip-error.js';

/** Conflicts that are collected; an archive made to have millions of them should not cost more. */
const MOST_CONFLICTS = 64;

/**
 * Finds names that occur twice, whatever their case: PyTorch looks names up without regard to the case of letters, so
 * of `data.pkl` and `Data.pkl` it may open either, and nobody can tell which.
 */
export function findDuplicates(entries: readonly MutableEntry[], path: string): ZipError[] {
  const folded = entries.map(({ name }) => name.toLowerCase());
  if (new Set(folded).size === entries.length) return [];
  const seen = new Map<string, string>();
  const conflicts: ZipError[] = [];
  for (const [index, entry] of entries.entries()) {
    const first = seen.get(folded[index]!);
    if (first === undefined) {
      seen.set(folded[index]!, entry.name);
    } else if (conflicts.length < MOST_CONFLICTS) {
      const message =
        first === entry.name
          ? `two members are called ${JSON.stringify(entry.name)}`
          : `${JSON.stringify(first)} and ${JSON.stringify(entry.name)} are one name to programs that ignore case, as PyTorch does`;
      conflicts.push(new ZipError('zip/duplicate-name', message, { path, offset: entry.directoryOffset }));
    }
  }
  return conflicts;
}

/** Finds members that overlap, and sets each entry's `limit`. */
export function findOverlaps(entries: readonly MutableEntry[], directoryOffset: number, path: string): ZipError[] {
  const conflicts: ZipError[] = [];
  const inOrder = isInOrder(entries) ? entries : [...entries].sort((a, b) => a.localHeaderOffset - b.localHeaderOffset);
  inOrder.forEach((entry, index) => {
    entry.limit = inOrder[index + 1]?.localHeaderOffset ?? directoryOffset;
    if (leastEnd(entry) <= entry.limit || conflicts.length >= MOST_CONFLICTS) return;
    const next = inOrder[index + 1];
    const what = next === undefined ? 'the directory' : JSON.stringify(next.name);
    conflicts.push(
      new ZipError(
        'zip/overlap',
        `${JSON.stringify(entry.name)} reaches to ${hexOffset(leastEnd(entry))} at least, ` +
          `but ${what} begins at ${hexOffset(entry.limit)}`,
        { path, offset: entry.localHeaderOffset < directoryOffset ? entry.localHeaderOffset : entry.directoryOffset },
      ),
    );
  });
  return conflicts;
}

function leastEnd(entry: MutableEntry): number {
  return entry.localHeaderOffset + LENGTHS.localHeader + entry.nameLength + entry.compressedSize;
}

function isInOrder(entries: readonly MutableEntry[]): boolean {
  return entries.every(
    (entry, index) => index === 0 || entries[index - 1]!.localHeaderOffset <= entry.localHeaderOffset,
  );
}
