/**
 * A labelled line with a mark, and findings below it.
 *
 * @module
 */
import { type Line, type Span, marked, shown, wrap } from './lines.js';

/** What stands before something that is right. */
export const GOOD = marked('good', '✓');

/** What stands before something that is wrong. */
export const BAD = marked('bad', '✗');

/** What stands before something of which neither can be said. */
export const NEITHER = marked('warn', '–');

/** Findings of one kind that are shown; `--json` has the rest. */
const MOST_FINDINGS = 8;

/** Names that are shown one after another. */
const MOST_NAMES = 4;

/** A label with its mark, the first note, which is short, beside it, and the others below that. */
export function noted(
  mark: Span,
  label: string,
  width: number,
  [first, ...others]: readonly [string, ...string[]],
): Line[] {
  return [['  ', mark, ` ${label.padEnd(width)}  ${first}`], ...others.flatMap((note) => wrap(note, 6 + width))];
}

/** Findings below a line, as many as a person wants to see. */
export function limited(findings: readonly string[]): Line[] {
  const more = findings.length - MOST_FINDINGS;
  return [
    ...findings.slice(0, MOST_FINDINGS).flatMap((finding) => wrap(finding, 6, 8)),
    ...(more > 0 ? [`      and ${more} more; --json has all of them`] : []),
  ];
}

/** The first of some names, which come from files. */
export function named(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  const some = names.slice(0, MOST_NAMES).map((name) => shown(name)).join(', '); // prettier-ignore
  return more > 0 ? `${some} and ${more} more` : some;
}
