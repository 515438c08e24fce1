/**
 * From any run of ranks to the points of a grid that lie there or near by.
 *
 * Rounding a run of values seldom hits a point. The candidates are then the points at the two or three smallest
 * distances that occur, nearer ones first and equally near ones in the order of the grid. The quantizer takes the
 * first of the best, so this order shows in the bytes.
 *
 * ```text
 *   key: the ranks of a run, 2 or 3 bits each, the first value lowest
 * ```
 *
 * ggml computes the neighbours of every key before it starts; here a key's are found when it is first met, and kept.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (iq2xs_init_impl, iq3xs_init_impl)
 * @module
 */
import { type Grid, type GridName, gridOf } from './grids.js';

/** How many different distances the neighbours of a key may have. */
const SHELLS: Readonly<Record<GridName, number>> = { iq1_s: 3, iq2_xxs: 2, iq2_xs: 2, iq2_s: 1, iq3_xxs: 2, iq3_s: 3 };

/** What finds points of a grid. */
export interface GridLookup {
  readonly grid: Grid;
  /** The point with these ranks; -1 where none has them. */
  pointAt(key: number): number;
  /** The points near ranks that are no point. */
  neighboursOf(key: number): Uint16Array;
}

const lookups = new Map<GridName, GridLookup>();

/** The lookup of a grid; it and the neighbours found so far are kept for the next call. */
export function lookupOf(name: GridName): GridLookup {
  const lookup = lookups.get(name) ?? createLookup(gridOf(name), SHELLS[name]);
  lookups.set(name, lookup);
  return lookup;
}

function createLookup(grid: Grid, shells: number): GridLookup {
  const { size, dim, rankBits, ranks } = grid;
  const points = new Int16Array(1 << (dim * rankBits)).fill(-1);
  for (let point = 0; point < size; point++) {
    let key = 0;
    for (let i = 0; i < dim; i++) key |= ranks[point * dim + i]! << (rankBits * i);
    points[key] = point;
  }
  const neighbours = new Map<number, Uint16Array>();
  return {
    grid,
    pointAt: (key) => points[key]!,
    neighboursOf(key) {
      const known = neighbours.get(key) ?? findNeighbours(grid, shells, key);
      neighbours.set(key, known);
      return known;
    },
  };
}

function findNeighbours(grid: Grid, shells: number, key: number): Uint16Array {
  const byDistance: number[][] = [];
  for (let point = 0; point < grid.size; point++) {
    (byDistance[squaredDistance(grid, point, key)] ??= []).push(point);
  }
  const nearest = byDistance.filter((points) => points.length > 0).slice(0, shells); // `filter` skips empty places
  return Uint16Array.from(nearest.flat());
}

function squaredDistance({ dim, rankBits, ranks }: Grid, point: number, key: number): number {
  const mask = (1 << rankBits) - 1;
  let sum = 0;
  for (let i = 0; i < dim; i++) {
    const difference = ranks[point * dim + i]! - ((key >>> (rankBits * i)) & mask);
    sum += difference * difference;
  }
  return sum;
}
