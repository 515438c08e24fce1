/**
 * The names that a mistyped one was probably meant to be.
 *
 * @module
 */

/** Most names that are suggested. */
const MOST = 3;

/** The candidates that are fewest changes away from the word, nearest first; at most three, none that is far off. */
export function nearestNames(word: string, candidates: readonly string[]): string[] {
  const plain = withoutMarks(word);
  const scored = candidates
    .map((name) => ({ name, changes: changesBetween(plain, withoutMarks(name)) }))
    .filter(({ name, changes }) => changes <= Math.max(1, Math.floor(name.length / 2)));
  const least = Math.min(...scored.map(({ changes }) => changes));
  return scored
    .filter(({ changes }) => changes <= least + 1)
    .sort((a, b) => a.changes - b.changes)
    .slice(0, MOST)
    .map(({ name }) => name);
}

/** Letters and digits alone: nobody remembers where the underscores go. */
function withoutMarks(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Letters to insert, remove or replace to get from one word to the other (Levenshtein's distance). */
function changesBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
