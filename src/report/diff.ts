/**
 * What lies between two models: for a person, and as JSON.
 *
 * @module
 */
import type { TensorComparison, TensorDifference, UnequalTensor } from '../check/comparison.js';
import type { ModelDiff } from '../check/diff-models.js';
import { type JsonReport, comparedTensorJson, jsonReport, vocabularyComparisonJson } from './json.js';
import { type Line, flow, labelled, marked, shown, wrap } from './lines.js';
import { counted, extents, small } from './numbers.js';
import { table } from './table.js';

/** How much is shown. */
export interface DiffLinesOptions {
  /** Every tensor that differs, not only the first ones. */
  readonly all?: boolean | undefined;
}

/** Most changed tensors that are shown unless all are asked for. */
const CHANGED_SHOWN = 12;

/** The differences as lines, the largest first. */
export function diffLines(diff: ModelDiff, { all }: DiffLinesOptions = {}): Line[] {
  const { tensors, equal } = diff;
  const differing = tensors.filter(({ outcome }) => outcome !== 'equal');
  const verdict = equal ? marked('good', 'EQUAL') : marked('bad', 'DIFFERENT');
  const count =
    differing.length === 0
      ? `all ${counted(tensors.length, 'tensor')} equal`
      : `${differing.length} of ${counted(tensors.length, 'tensor')} differ`;
  return [
    ...flow([verdict, count], { hanging: 2 }),
    '',
    ...(differing.length === 0 ? [] : [...groupLines(diff), '', ...tensorLines(differing, all), '']),
    ...labelled([
      ['hyperparameters', configText(diff)],
      ['vocabulary', vocabularyText(diff)],
    ]),
  ];
}

function groupLines({ groups }: ModelDiff): Line[] {
  const rows = groups.map(({ group, tensorCount, changedCount, relativeRmse }) => {
    // tensors that only one model has, or of another shape, have no distance
    return [group, `${changedCount} of ${tensorCount}`, relativeRmse === 0 ? '' : share(relativeRmse)];
  });
  return table(rows, { head: ['part', 'differ', 'RMSE up to'], numbers: [1, 2] });
}

function tensorLines(differing: readonly TensorComparison[], all: boolean | undefined): Line[] {
  const changed = differing.filter(isChanged);
  const others = differing.filter((tensor) => !isChanged(tensor));
  const listed = all === true ? changed : changed.slice(0, CHANGED_SHOWN);
  const rows = listed.map(({ name, difference }) => {
    return [name, ...figures(difference)];
  });
  const more = changed.length - rows.length;
  return [
    ...others.flatMap((tensor) => wrap(`${shown(tensor.name)}: ${unpaired(tensor)}`, 2, 4)),
    ...(others.length > 0 && rows.length > 0 ? [''] : []),
    ...(rows.length === 0 ? [] : table(rows, { head: ['tensor', 'max |Δ|', 'RMSE', 'of its RMS', 'cosine'], numbers: [1, 2, 3, 4] })), // prettier-ignore
    ...listed.flatMap(notFiniteLines),
    ...(more > 0 ? [`  and ${counted(more, 'tensor')} more that changed less; --all shows them`] : []),
  ];
}

function isChanged(tensor: TensorComparison): tensor is UnequalTensor {
  return tensor.outcome === 'different' || tensor.outcome === 'rounded';
}

function figures({ maxAbs, rmse, relativeRmse, cosine }: TensorDifference): string[] {
  return [figure(maxAbs), figure(rmse), share(relativeRmse), String(Number(cosine.toPrecision(6)))];
}

/** A number; there is none where an element is NaN or infinite, or where it would be a share of nothing. */
function figure(value: number): string {
  return Number.isFinite(value) ? small(value) : '–';
}

/** A share of a whole, however small: `0.31 %`. */
function share(value: number): string {
  return Number.isFinite(value) ? `${small(100 * value)} %` : '–';
}

/** How many elements have no distance, in tensors where there are some. */
function notFiniteLines({ name, difference: { notFiniteA, notFiniteB } }: UnequalTensor): Line[] {
  if (notFiniteA + notFiniteB === 0) return [];
  return wrap(`${shown(name)}: NaN or infinity, ${notFiniteA} in the first, ${notFiniteB} in the second`, 2, 4);
}

function unpaired(tensor: TensorComparison): string {
  switch (tensor.outcome) {
    case 'only-in-a':
      return `missing in the second, ${extents(tensor.shape)} in the first`;
    case 'only-in-b':
      return `added in the second, ${extents(tensor.shape)}`;
    case 'reshaped':
      return `${extents(tensor.shape)} in the first, ${extents(tensor.shapeB)} in the second`;
    default:
      return tensor.outcome;
  }
}

function configText({ config }: ModelDiff): string {
  if (config.length === 0) return 'equal';
  return config.map(({ key, a, b }) => `${key} ${String(a)} → ${String(b)}`).join(', ');
}

function vocabularyText({ vocabulary }: ModelDiff): string {
  if (vocabulary.outcome === 'absent') return 'not compared: not both models have one';
  if (vocabulary.outcome === 'equal') return 'equal';
  return vocabulary.differences
    .map(({ aspect, count, first, a, b }) => {
      const where = first === undefined ? aspect : `${counted(count, aspect)} from ${first} on:`;
      return shown(`${where} ${a} → ${b}`);
    })
    .join(', ');
}

/** The differences, kind `diff`. */
export function diffJson({ a, b, equal, config, vocabulary, groups, tensors }: ModelDiff): JsonReport {
  return jsonReport('diff', {
    ...{ a, b, equal, config, groups },
    vocabulary: vocabularyComparisonJson(vocabulary),
    tensors: tensors.map(comparedTensorJson),
  });
}
