/**
 * What the comparison of tensors means, in words.
 *
 * @module
 */
import { type DType, isQuantized } from '../dtype.js';
import type { Finding, TensorCause, TensorComparison, UnequalTensor } from './comparison.js';
import { QUANTIZATIONS } from './quantizations.js';
import { EXACT_NMSE, ROUNDINGS } from './thresholds.js';

/** One finding for each tensor that is not the same, and one for all that were only rounded. */
export function tensorFindings(comparisons: readonly TensorComparison[]): Finding[] {
  return [...comparisons.flatMap(failureOf), ...roundingsOf(comparisons)];
}

/** Largest NMSE that the logits may have with weights rounded as these were. */
export function logitsLimit(comparisons: readonly TensorComparison[]): number {
  const types = comparisons.flatMap((comparison) => (comparison.outcome === 'rounded' ? comparison.roundedTo : []));
  const limits = types.map((dtype) => (ROUNDINGS[dtype] ?? QUANTIZATIONS[dtype])?.logitsNmse ?? 0);
  return Math.max(EXACT_NMSE, ...limits);
}

function failureOf(comparison: TensorComparison): Finding[] {
  const { name: subject } = comparison;
  switch (comparison.outcome) {
    case 'equal':
    case 'rounded':
      return [];
    case 'only-in-a':
      return [{ level: 'failure', code: 'missing-tensor', subject, message: 'the second model does not have it' }];
    case 'only-in-b':
      return [{ level: 'failure', code: 'extra-tensor', subject, message: 'the first model does not have it' }];
    case 'reshaped': {
      const { shape, shapeB } = comparison;
      const message = `its shape is [${shape.join(', ')}] in the first model, [${shapeB.join(', ')}] in the second`;
      return [{ level: 'failure', code: 'tensor-shape', subject, message }];
    }
    case 'different':
      return [differenceFinding(comparison)];
  }
}

function differenceFinding({ name, cause, difference, dtypeA, dtypeB, shape }: UnequalTensor): Finding {
  const finding = { level: 'failure', subject: name } as const;
  if (cause !== undefined) return { ...finding, code: cause.kind, message: causeMessage(cause) };
  const unknown = typesWithoutLimits(dtypeA, dtypeB);
  const apart = `largest difference ${shortened(difference.maxAbs)} at [${difference.maxAbsAt.join(', ')}], cosine ${shortened(difference.cosine)}`;
  if (unknown.length > 0) {
    const message = `it is not equal, and no limit is known for ${[...new Set(unknown)].join(' and ')}: ${apart}`;
    return { ...finding, code: 'no-threshold', message };
  }
  const beyond = dtypeA === dtypeB ? '' : ` by more than ${changeBetween(dtypeA, dtypeB)}`;
  const elements = shape.reduce((product, extent) => product * extent, 1);
  return {
    ...finding,
    code: 'weights',
    message: `${difference.outliers} of ${elements} weights differ${beyond}: ${apart}`,
  };
}

/** Types for which it is not known how far off they may be: where one is quantized, the other does not matter. */
function typesWithoutLimits(dtypeA: DType, dtypeB: DType): DType[] {
  const quantized = [dtypeA, dtypeB].filter(isQuantized);
  if (quantized.length > 0) return quantized.filter((dtype) => QUANTIZATIONS[dtype] === undefined);
  return [dtypeA, dtypeB].filter((dtype) => ROUNDINGS[dtype] === undefined);
}

function causeMessage(cause: TensorCause): string {
  switch (cause.kind) {
    case 'row-order':
      return cause.order === 'hf-order'
        ? 'its rows lie in the order of Hugging Face: the q/k permutation was not undone, or was applied twice'
        : "its rows were taken for Hugging Face's although they lay in Meta's order: the q/k permutation was left out";
    case 'rows-moved':
      return cause.count === 2
        ? `rows ${cause.row} and ${cause.from} stand in each other's place`
        : `${cause.count} rows stand in another order: row ${cause.row} of the second model is row ${cause.from} of the first`;
    case 'one-weight':
      return `one weight differs: [${cause.index.join(', ')}] is ${cause.a} in the first model, ${cause.b} in the second`;
  }
}

function roundingsOf(comparisons: readonly TensorComparison[]): Finding[] {
  const groups = new Map<string, { readonly subject: string; count: number }>();
  for (const comparison of comparisons) {
    if (comparison.outcome !== 'rounded') continue;
    const { dtypeA, dtypeB } = comparison;
    const change = changeBetween(dtypeA, dtypeB);
    const quantized = [dtypeA, dtypeB].filter(isQuantized);
    const subject = [...new Set(quantized.length > 0 ? quantized : [dtypeA, dtypeB])].join(' and ');
    const group = groups.get(change) ?? { subject, count: 0 };
    groups.set(change, group);
    group.count++;
  }
  return [...groups].map(([change, { subject, count }]) => ({
    ...{ level: 'rounding', code: 'rounded', subject },
    message: `${count} ${count === 1 ? 'tensor differs' : 'tensors differ'} by nothing but ${change}`,
  }));
}

function shortened(value: number): string {
  return value.toPrecision(3);
}

/** What lies between two types, in words. */
function changeBetween(dtypeA: DType, dtypeB: DType): string {
  const quantized = [dtypeA, dtypeB].filter(isQuantized);
  if (quantized.length === 0) return `rounding between ${dtypeA} and ${dtypeB}`;
  return `quantizing to ${[...new Set(quantized)].join(' and ')}`;
}
