/**
 * Columns without borders.
 *
 * @module
 */
import CliTable from 'cli-table3';

import { shown } from './lines.js';

/** How a table is set. */
export interface TableOptions {
  /** Names of the columns; none when absent. */
  readonly head?: readonly string[];
  /** Columns that hold numbers, from 0: they are aligned to the right. */
  readonly numbers?: readonly number[];
  /** Spaces before each row; 2 when absent. */
  readonly indent?: number;
}

/** Spaces between two columns. */
const GAP = 2;

const BORDERS = ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'];
const RULES = ['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'];
const NO_CHARACTERS = Object.fromEntries([...BORDERS, ...RULES].map((place) => [place, '']));

/** The rows as aligned lines; every cell is made printable and cut where it is far too long. */
export function table(rows: readonly (readonly string[])[], options: TableOptions = {}): string[] {
  const { head, numbers = [], indent = 2 } = options;
  const all = head === undefined ? rows : [head, ...rows];
  const [first] = all;
  if (first === undefined) return [];
  const grid = new CliTable({
    chars: NO_CHARACTERS,
    style: { 'padding-left': 0, 'padding-right': GAP, head: [], border: [], compact: true },
    colAligns: first.map((_, column) => (numbers.includes(column) ? 'right' : 'left')),
  });
  grid.push(...all.map((row) => row.map((cell) => shown(cell))));
  return grid
    .toString()
    .split('\n')
    .map((line) => `${' '.repeat(indent)}${line}`.trimEnd());
}
