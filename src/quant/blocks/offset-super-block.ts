/**
 * Super-blocks of 256 values in groups, each with a scale and a minimum of its own: what Q2_K, Q4_K and Q5_K share.
 *
 * The scales and the minima of the groups are quantized themselves, against one half precision number each. After that
 * the levels are found again with what a reader will see; the levels of the search are kept only where the group's
 * scale became zero. That matters where few importances are above zero: the scale of a group may then come out
 * negative, C keeps its low bits only, and they mean something else to the reader.
 *
 * ```text
 *   value = d * scale[group] * level - dmin * minimum[group]
 * ```
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_row_q4_K_ref, quantize_row_q4_K_impl)
 * @module
 */
import { sumOfSquares, weighByImportance } from './group-weights.js';
import { readHalf, writeHalf } from './half-field.js';
import { nearestInt } from './nearest-int.js';
import { fitPositiveScale } from './positive-scale.js';
import { IMPORTANCE_SEARCH, type ScaleMinSearch, fitScaleAndOffset } from './scale-min-search.js';

/** Values of a super-block. */
export const SUPER_BLOCK = 256;

/** How a format divides a super-block. */
export interface OffsetLayout {
  /** Values of a group. */
  readonly groupLength: 16 | 32;
  /** Largest quantized scale or minimum of a group. */
  readonly scaleTop: 15 | 63;
  /** The search without importances; its `top` is the highest level. */
  readonly search: ScaleMinSearch;
  /** Fills `weights` for a group when there are no importances. */
  readonly weigh: (group: Float32Array, weights: Float32Array) => void;
  /** What the mean square of the super-block is multiplied with when there are importances. */
  readonly meanSquareFactor: 1 | 2;
  /** Whether scales and minima that are negative, as bytes 128 to 255, become `scaleTop`. */
  readonly cutScales: {
    /** Without importances. */
    readonly plain: boolean;
    /** With importances. */
    readonly weighted: boolean;
  };
  /** Writes the quantized scales and minima to the block at `at`. */
  readonly packScales: (groups: OffsetGroups, out: Uint8Array, at: number) => void;
  /** Reads the quantized scale of a group from the block at `at`. */
  readonly scaleOf: (blocks: Uint8Array, at: number, group: number) => number;
  /** Reads the quantized minimum of a group. */
  readonly minimumOf: (blocks: Uint8Array, at: number, group: number) => number;
  /** Where the two half precision numbers stand in a block. */
  readonly dAt: number;
  /** The second. */
  readonly dminAt: number;
}

/** Groups of a super-block once they are quantized. */
export interface OffsetGroups {
  /** Quantized scale of each group. */
  readonly scales: Uint8Array;
  /** Quantized minimum of each group. */
  readonly minima: Uint8Array;
  /** Level of each value. */
  readonly levels: Uint8Array;
}

/** Room for the groups of a format, to be used again for every block. */
export function offsetGroups({ groupLength }: OffsetLayout): OffsetGroups {
  const groups = SUPER_BLOCK / groupLength;
  return { scales: new Uint8Array(groups), minima: new Uint8Array(groups), levels: new Uint8Array(SUPER_BLOCK) };
}

const f = Math.fround;

/**
 * Quantizes a super-block: writes its two half precision numbers and its scales to the block at `at`, and the levels
 * to `groups`.
 * `importance` has one number for each of the 256 values.
 */
export function quantizeOffsetGroups(
  layout: OffsetLayout,
  values: Float32Array,
  importance: Float32Array | undefined,
  out: Uint8Array,
  at: number,
  groups: OffsetGroups,
): void {
  const { groupLength, search, scaleTop, cutScales, dAt, dminAt } = layout;
  if (importance === undefined) fitPlainly(layout, values, out, at, groups);
  else fitByImportance(layout, values, importance, out, at, groups);
  if (importance === undefined ? cutScales.plain : cutScales.weighted) {
    for (const bytes of [groups.scales, groups.minima])
      bytes.forEach((byte, i) => (bytes[i] = Math.min(scaleTop, byte)));
  }
  layout.packScales(groups, out, at);
  const d = readHalf(out, at + dAt);
  const dmin = readHalf(out, at + dminAt);
  for (let group = 0; group < groups.scales.length; group++) {
    const scale = f(d * layout.scaleOf(out, at, group));
    if (scale === 0) continue;
    const offset = f(dmin * layout.minimumOf(out, at, group));
    const first = group * groupLength;
    for (let i = first; i < first + groupLength; i++) {
      const level = nearestInt(f(f(values[i]! + offset) / scale));
      groups.levels[i] = Math.max(0, Math.min(search.top, level));
    }
  }
}

function fitPlainly(
  layout: OffsetLayout,
  values: Float32Array,
  out: Uint8Array,
  at: number,
  groups: OffsetGroups,
): void {
  const { groupLength, search, weigh, scaleTop, dAt, dminAt } = layout;
  const weights = new Float32Array(groupLength);
  const fits = Array.from(groups.scales, (_, group) => {
    const first = group * groupLength;
    const members = values.subarray(first, first + groupLength);
    weigh(members, weights);
    return fitScaleAndOffset(members, weights, search, groups.levels.subarray(first, first + groupLength));
  });
  const quantize = (of: (fit: (typeof fits)[number]) => number, levels: Uint8Array, byte: number): void => {
    const largest = fits.reduce((most, fit) => (of(fit) > most ? of(fit) : most), 0);
    const inverse = largest > 0 ? f(scaleTop / largest) : 0;
    // a negative number becomes a large byte, as in C
    fits.forEach((fit, group) => (levels[group] = nearestInt(f(inverse * of(fit)))));
    writeHalf(out, byte, f(largest / scaleTop));
  };
  quantize(({ scale }) => scale, groups.scales, at + dAt);
  quantize(({ offset }) => offset, groups.minima, at + dminAt);
}

function fitByImportance(
  layout: OffsetLayout,
  values: Float32Array,
  importance: Float32Array,
  out: Uint8Array,
  at: number,
  groups: OffsetGroups,
): void {
  const { groupLength, search, scaleTop, meanSquareFactor, dAt, dminAt } = layout;
  const meanSquare = f(f(meanSquareFactor * sumOfSquares(values)) / SUPER_BLOCK);
  const weights = new Float32Array(groupLength);
  const sums = new Float32Array(groups.scales.length);
  const scales = new Float32Array(groups.scales.length);
  const offsets = new Float32Array(groups.scales.length);
  for (let group = 0; group < sums.length; group++) {
    const [first, end] = [group * groupLength, (group + 1) * groupLength];
    const members = values.subarray(first, end);
    weighByImportance(members, importance.subarray(first, end), meanSquare, weights);
    for (const weight of weights) sums[group] = sums[group]! + weight;
    const levels = groups.levels.subarray(first, end);
    const found = fitScaleAndOffset(members, weights, { ...IMPORTANCE_SEARCH, top: search.top }, levels);
    scales[group] = found.scale;
    offsets[group] = found.offset;
  }
  writeHalf(out, at + dAt, fitPositiveScale(scales, sums, scaleTop, groups.scales));
  writeHalf(out, at + dminAt, fitPositiveScale(offsets, sums, scaleTop, groups.minima));
}
