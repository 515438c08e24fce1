/**
 * Elements that do not fit a way in which one tensor may have come from another.
 *
 * @module
 */

/** Elements that do not fit. */
export interface Misfits {
  /** How many. */
  count: number;
  /** Index of the first, and its values. */
  first: { readonly at: number; readonly a: number; readonly b: number } | undefined;
  /** First rows that hold any, at most {@link MOST_MISFIT_ROWS}. */
  readonly rows: number[];
}

/** Rows with misfits that are remembered: two rows in each other's place are told from more by the third. */
const MOST_MISFIT_ROWS = 3;

/** None so far. */
export function noMisfits(): Misfits {
  return { count: 0, first: undefined, rows: [] };
}

/** Adds elements of a row that do not fit, `found` the first of them. */
export function addMisfits(misfits: Misfits, found: NonNullable<Misfits['first']>, row: number, count = 1): void {
  misfits.first ??= found;
  misfits.count += count;
  if (misfits.rows.length < MOST_MISFIT_ROWS && misfits.rows.at(-1) !== row) misfits.rows.push(row);
}

/** Adds the misfits of the next rows, whose places and rows are counted from the first of these. */
export function joinMisfits(misfits: Misfits, more: Misfits, start: number, firstRow: number): void {
  if (more.first !== undefined) misfits.first ??= { ...more.first, at: start + more.first.at };
  misfits.count += more.count;
  for (const row of more.rows) if (misfits.rows.length < MOST_MISFIT_ROWS) misfits.rows.push(firstRow + row);
}
