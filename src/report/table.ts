/**
 * Columns without borders.
 *
 * Own code, as the usual library costs as much start-up as reading the header of a checkpoint. Widths count
 * code points, so a name in wide characters shifts its row.
 *
 * @module
 */
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

/** Between two columns. */
const GAP = '  ';

/** The rows as aligned lines; every cell is made printable and cut where it is far too long. */
export function table(rows: readonly (readonly string[])[], options: TableOptions = {}): string[] {
  const { head, numbers = [], indent = 2 } = options;
  const cells = (head === undefined ? rows : [head, ...rows]).map((row) => row.map((cell) => shown(cell)));
  const widths: number[] = [];
  for (const row of cells)
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, widthOf(cell))));
  return cells.map((row) => {
    const padded = row.map((cell, column) => {
      const space = ' '.repeat(widths[column]! - widthOf(cell));
      return numbers.includes(column) ? space + cell : cell + space;
    });
    return `${' '.repeat(indent)}${padded.join(GAP)}`.trimEnd();
  });
}

function widthOf(text: string): number {
  return Array.from(text).length;
}
