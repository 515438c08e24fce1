import { describe, expect, it } from 'vitest';

import type { Finding, LogitsRun, ModelComparison, TensorComparison, TensorDifference } from '../check/comparison.js';
import type { DType } from '../dtype.js';
import { SMALL_CONFIG } from '../testing/synthetic-model.js';
import { comparisonLines } from './comparison.js';
import { renderLines } from './lines.js';

const TYPES = { dtypeA: 'bfloat16', dtypeB: 'bfloat16', shape: [4, 4] } as const;
const EQUAL: TensorComparison = {
  ...{ outcome: 'equal', name: 'norm.weight', roundedTo: [], difference: undefined, cause: undefined },
  ...TYPES,
};
const DIFFERENCE: TensorDifference = {
  ...{
    differing: 1,
    outliers: 0,
    maxAbs: 0.1,
    maxAbsAt: [0],
    notFiniteA: 0,
    notFiniteB: 0,
    rmse: 0.1,
    relativeRmse: 0.004,
    cosine: 0.999,
  },
};
const RUN: LogitsRun = {
  ...{ tokensFrom: 'built-in', placement: 'near', tokens: [1, 2], positions: [0, 1], rows: 2, maxAbs: 0.19 },
  ...{ nmse: 3.1e-4, klMean: 1e-4, klMax: 4e-4, top1Agreements: 1, agreement: 'very-good', nmseLimit: 1e-3 },
  ...{ stages: [], partsAt: undefined },
};

function comparison(more: Partial<ModelComparison>): ModelComparison {
  const model = { layout: 'meta', path: 'a', name: 'a', config: SMALL_CONFIG } as const;
  return {
    a: model,
    b: { ...model, layout: 'gguf' },
    ...{ verdict: 'same', findings: [], config: [], tensors: [EQUAL], logits: [RUN] },
    vocabulary: { outcome: 'equal', differences: [] },
    ...more,
  };
}

const text = (more: Partial<ModelComparison>): string => renderLines(comparisonLines(comparison(more)));

describe('comparisonLines', () => {
  it('says that models are the same, and on what this rests', () => {
    const far = { ...RUN, placement: 'far', positions: [0, 120_000] } as const;
    const given = { ...far, tokensFrom: 'given' } as const;
    expect(text({ logits: [RUN, far, given] })).toBe(`SAME MODEL   every weight equal · KL 4e-4 · top-1 3 of 6

  hyperparameters       equal
  vocabulary            equal
  tensors               1 bit-equal
  logits                max |Δ| 0.19 · NMSE 3.1e-4 (limit 0.001)
  far positions         max |Δ| 0.19 · NMSE 3.1e-4 (limit 0.001)
                        to position 120000
  far positions, given  max |Δ| 0.19 · NMSE 3.1e-4 (limit 0.001)
                        to position 120000
`);
  });

  it('names the type that weights were rounded to', () => {
    const rounded: TensorComparison = {
      ...{ outcome: 'rounded', name: 'a', roundedTo: ['float16'], difference: DIFFERENCE, cause: undefined },
      ...TYPES,
    };
    const finding: Finding = { level: 'rounding', code: 'rounded', subject: 'float16', message: '2 tensors' };
    const shown = text({ verdict: 'same-within-type', tensors: [EQUAL, rounded, rounded], findings: [finding] });
    expect(shown).toMatch(/^SAME MODEL within float16 {3}worst tensor RMSE 0\.4 % · KL 4e-4 · top-1 1 of 2\n/);
    expect(shown).toContain('  tensors          1 bit-equal · 2 within rounding\n');
  });

  it('names the types of a quantized file in capitals, that of most tensors first', () => {
    const rounded = (dtypeB: DType): TensorComparison => ({
      ...{ outcome: 'rounded', name: 'a', roundedTo: [dtypeB], difference: DIFFERENCE, cause: undefined },
      ...{ ...TYPES, dtypeB },
    });
    const tensors = [rounded('q6_k'), rounded('q4_k'), EQUAL, rounded('q4_k')];
    expect(text({ verdict: 'same-within-type', tensors })).toMatch(
      /^SAME MODEL within Q4_K, Q6_K {3}worst tensor RMSE /,
    );
  });

  it('puts the first difference before the evidence, and what the others are', () => {
    const failure = (code: Finding['code'], subject: string, message: string): Finding => {
      return { level: 'failure', code, subject, message };
    };
    const findings = [
      failure('hyperparameter', 'dim', 'dim is 64 in the first, 32 in the second'),
      failure('row-order', 'layers.0.attention.wq.weight', 'its rows lie in the order of Hugging Face'),
      failure('missing-tensor', 'norm.weight', 'the second model does not have it'),
      { level: 'note', code: 'tied', subject: 'tied', message: 'the output is tied' } as const,
    ];
    const tensors: TensorComparison[] = [
      { outcome: 'only-in-a', name: 'norm.weight', shape: [4] },
      { outcome: 'only-in-b', name: 'other', shape: [4] },
      { outcome: 'reshaped', name: 'x', shape: [4], shapeB: [5] },
      { outcome: 'different', name: 'y', roundedTo: [], difference: DIFFERENCE, cause: undefined, ...TYPES },
    ];
    const config = [
      { key: 'dim', a: 64, b: 32 },
      { key: 'tied', a: true, b: false },
    ];
    expect(text({ verdict: 'different', findings, tensors, config, logits: [] })).toBe(`DIFFERENT   3 differences

  first difference: dim is 64 in the first, 32 in the second
  layers.0.attention.wq.weight: its rows lie in the order of Hugging Face
  norm.weight: the second model does not have it

  hyperparameters  different: dim
  vocabulary       equal
  tensors          1 different · 1 of another shape · 1 only in the first
                   1 only in the second
  note: the output is tied
`);
  });

  it('does not write out hundreds of differences', () => {
    const findings = Array.from({ length: 300 }, (_, index): Finding => {
      return { level: 'failure', code: 'weights', subject: `layers.${index}.w`, message: 'differs' };
    });
    const shown = text({ verdict: 'different', findings });
    expect(shown).toContain('DIFFERENT   300 differences');
    expect(shown).toContain('  layers.7.w: differs\n  and 292 more; --json has all of them\n');
  });

  it('knows what to do about the rope factor of Meta’s folders only', () => {
    const config = [{ key: 'ropeScaling.factor', a: 8, b: 32 }];
    const partsAt = 'layers.0';
    expect(text({ verdict: 'different', config, logits: [{ ...RUN, partsAt }] })).toContain(
      "Meta's folders do not state the rope factor; if 32 is right: --rope-factor 32\n",
    );
    const swapped = comparison({ verdict: 'different', config });
    expect(renderLines(comparisonLines({ ...swapped, a: swapped.b, b: swapped.a }))).toContain('if 8 is right');
    expect(renderLines(comparisonLines({ ...swapped, a: swapped.b }))).not.toContain('is right');
  });

  it('says at which stage the models part', () => {
    const partsAt = 'layers.0';
    expect(text({ logits: [{ ...RUN, partsAt }] })).toContain(
      '(limit 0.001)\n                   first apart after layers.0\n',
    );
  });
});
