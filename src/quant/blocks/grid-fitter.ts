/**
 * Fits a scale and points of a grid to a group of 16 or 32 values: the heart of the IQ2 and IQ3 quantizers.
 *
 * A grid holds magnitudes, as ranks; ggml computes with the odd numbers 2 * rank + 1, which stand in about the
 * ratios of the real levels. A scale is tried, every run of values is taken to the point that is best under it,
 * the scale that is best for these points follows by least squares; the trial with the least error wins. Last,
 * runs that hit no point exactly are placed once more, with the scale that was found.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_row_iq3_s_impl and its siblings)
 * @module
 */
import { evenSigns } from './grid-points.js';
import { type GridLookup, lookupOf } from './grid-lookup.js';
import type { GridName } from './grids.js';
import { nearestInt } from './nearest-int.js';

/** What differs between the formats. */
export interface FitRules {
  readonly grid: GridName;
  readonly groupElements: number;
  /** Whether the minus signs of 8 values are even in number, as the eighth is not stored. */
  readonly evenSigns: boolean;
  /** A group whose largest magnitude is below this counts as zeros. */
  readonly smallestMagnitude: number;
  /** Trials to either side of the first guess. */
  readonly tries: number;
  /** By how much the odd number that the largest magnitude becomes differs from trial to trial. */
  readonly step: number;
  /** Which runs are placed again: those that missed the grid, all if one missed it, or all. */
  readonly placeAgain: 'missed' | 'all if one missed' | 'all';
  /** The first guess, from the magnitudes and weights; without it, their largest becomes the top level. */
  readonly guess?: (magnitudes: Float32Array, weights: Float32Array) => number;
}

/** No error among finite numbers is larger. */
const LARGEST_FLOAT32 = 3.4028234663852886e38;

/** Fits groups one after another; what it found of the last one stands in its arrays. */
export class GridFitter {
  /** How much each value counts, to be filled before each fit. */
  readonly weights: Float32Array;
  /** The signs of the values, a byte for 8 of them; only seven bits where they are even. */
  readonly signs: Uint8Array;
  /** The points, one for each run of as many values as the grid has dimensions. */
  readonly points: Uint16Array;

  readonly #rules: FitRules;
  readonly #lookup: GridLookup;
  readonly #odd: Float32Array; // (points of the grid, dimensions): 2 * rank + 1
  readonly #topRank: number;
  readonly #magnitudes: Float32Array;
  readonly #rootWeights: Float32Array;
  readonly #trialPoints: Uint16Array;
  #missed: boolean[];

  constructor(rules: FitRules) {
    const { groupElements, grid } = rules;
    this.#rules = rules;
    this.#lookup = lookupOf(grid);
    const { dim, ranks } = this.#lookup.grid;
    this.#odd = Float32Array.from(ranks, (rank) => 2 * rank + 1);
    this.#topRank = Math.max(...ranks);
    this.weights = new Float32Array(groupElements);
    this.signs = new Uint8Array(groupElements / 8);
    this.points = new Uint16Array(groupElements / dim);
    this.#magnitudes = new Float32Array(groupElements);
    this.#rootWeights = new Float32Array(groupElements);
    this.#trialPoints = new Uint16Array(this.points.length);
    this.#missed = [];
  }

  /** Fits a group and returns its scale, never negative; undefined for a group of zeros, which has no points and signs. */
  fit(group: Float32Array): number | undefined {
    const { smallestMagnitude, guess } = this.#rules;
    this.weights.forEach((weight, i) => (this.#rootWeights[i] = Math.sqrt(weight)));
    this.#takeSigns(group);
    this.points.fill(0);
    const top = 2 * this.#topRank + 1;
    const largest = this.#magnitudes.reduce((most, value) => (most > value ? most : value));
    if (largest < smallestMagnitude) return undefined;
    const guessed = guess?.(this.#magnitudes, this.weights);
    // ggml's guess is for levels up to 3, whose top it takes back to a magnitude before going on
    const reach = guessed === undefined ? largest : Math.fround(guessed * (this.#topRank + 1));
    if (guessed !== undefined && reach <= 0) return undefined;
    const tried = this.#tryScales(reach, guessed ?? Math.fround(largest / top));
    const scale = this.#placeAgain(tried);
    if (scale >= 0) return scale;
    // as ggml: it should not happen, but the format has no sign for a scale
    const mask = this.#rules.evenSigns ? 0x7f : 0xff;
    this.signs.forEach((signs, i) => (this.signs[i] = ~signs & mask));
    return -scale;
  }

  #takeSigns(group: Float32Array): void {
    for (let first = 0; first < group.length; first += 8) {
      let signs = 0;
      for (let i = 0; i < 8; i++) {
        const value = group[first + i]!;
        if (!(value >= 0)) signs |= 1 << i;
        this.#magnitudes[first + i] = value >= 0 ? value : -value;
      }
      if (this.#rules.evenSigns) signs = this.#evenOut(group, first, signs);
      this.signs[first >>> 3] = signs;
    }
  }

  /** Turns the sign that costs least where the minus signs are odd in number; the seven signs that are stored. */
  #evenOut(group: Float32Array, first: number, signs: number): number {
    if (evenSigns(signs) === signs) return signs & 0x7f;
    let cheapest = 0;
    let cost = Infinity;
    for (let i = 0; i < 8; i++) {
      const value = group[first + i]!;
      const own = Math.fround(Math.fround(this.weights[first + i]! * value) * value);
      if (own < cost || i === 0) {
        cost = own;
        cheapest = i;
      }
    }
    this.#magnitudes[first + cheapest] = -this.#magnitudes[first + cheapest]!;
    return (signs ^ (1 << cheapest)) & 0x7f;
  }

  /** Leaves the points of the best trial in `points`; returns its scale. */
  #tryScales(reach: number, firstGuess: number): number {
    const { tries, step, placeAgain } = this.#rules;
    const top = 2 * this.#topRank + 1;
    const trial = this.#trialPoints;
    let scale = firstGuess;
    let best = 0;
    this.#missed = Array.from(this.points, () => placeAgain !== 'missed');
    for (let attempt = -tries; attempt <= tries; attempt++) {
      const inverse = Math.fround(Math.fround(top + Math.fround(attempt * step)) / reach);
      const trialScale = Math.fround(1 / inverse);
      const missed = Array.from(trial, (_, run) => this.#place(trial, run, inverse, trialScale));
      const { valueLevel, levelLevel } = this.#sums(trial);
      if (levelLevel > 0 && Math.fround(valueLevel * valueLevel) > Math.fround(best * levelLevel)) {
        scale = Math.fround(valueLevel / levelLevel);
        best = Math.fround(scale * valueLevel);
        this.points.set(trial);
        this.#missed = missed;
      }
    }
    return scale;
  }

  /** Places runs once more with the scale that was found; returns the scale that is best then. */
  #placeAgain(scale: number): number {
    const { placeAgain } = this.#rules;
    if (!(scale > 0) || (placeAgain !== 'all' && !this.#missed.includes(true))) return scale;
    const inverse = Math.fround(1 / scale);
    for (let run = 0; run < this.points.length; run++) {
      if (placeAgain !== 'missed' || this.#missed[run]!) this.#place(this.points, run, inverse, scale);
    }
    const { valueLevel, levelLevel } = this.#sums(this.points);
    return levelLevel > 0 ? Math.fround(valueLevel / levelLevel) : scale;
  }

  /** Finds the point of a run under a scale; returns whether rounding the run missed the grid. */
  #place(points: Uint16Array, run: number, inverse: number, scale: number): boolean {
    const { dim, rankBits } = this.#lookup.grid;
    let key = 0;
    for (let i = 0; i < dim; i++) {
      const odd = Math.fround(inverse * this.#magnitudes[run * dim + i]!);
      const rank = nearestInt(Math.fround(0.5 * Math.fround(odd - 1)));
      key |= Math.max(0, Math.min(this.#topRank, rank)) << (rankBits * i);
    }
    const point = this.#lookup.pointAt(key);
    points[run] = point >= 0 ? point : this.#bestOf(this.#lookup.neighboursOf(key), run * dim, scale);
    return point < 0;
  }

  /** The first of the points with the least weighted square error; the first of all where no error is a number. */
  #bestOf(candidates: Uint16Array, first: number, scale: number): number {
    const { dim } = this.#lookup.grid;
    const odd = this.#odd;
    const magnitudes = this.#magnitudes;
    const weights = this.#rootWeights;
    let best = candidates[0]!;
    let least = LARGEST_FLOAT32;
    for (const point of candidates) {
      let error = 0;
      for (let i = 0; i < dim; i++) {
        const difference = Math.fround(Math.fround(scale * odd[point * dim + i]!) - magnitudes[first + i]!);
        error = Math.fround(error + Math.fround(Math.fround(weights[first + i]! * difference) * difference));
      }
      if (error < least) {
        least = error;
        best = point;
      }
    }
    return best;
  }

  /** The sums of least squares: of weight * value * level, and of weight * level^2. */
  #sums(points: Uint16Array): { valueLevel: number; levelLevel: number } {
    const { dim } = this.#lookup.grid;
    let valueLevel = 0;
    let levelLevel = 0;
    for (let i = 0; i < this.weights.length; i++) {
      const weight = this.weights[i]!;
      const odd = this.#odd[points[Math.floor(i / dim)]! * dim + (i % dim)]!;
      valueLevel = Math.fround(valueLevel + Math.fround(Math.fround(weight * this.#magnitudes[i]!) * odd));
      levelLevel = Math.fround(levelLevel + Math.fround(Math.fround(weight * odd) * odd));
    }
    return { valueLevel, levelLevel };
  }
}
