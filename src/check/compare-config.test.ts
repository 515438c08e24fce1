import { describe, expect, it } from 'vitest';

import { llama3Scaling } from '../llama/rope.js';
import { SMALL_CONFIG } from '../testing/synthetic-model.js';
import { compareConfigs, configFindings, haveSameShapes } from './compare-config.js';

describe('compareConfigs', () => {
  it('finds nothing between equal hyperparameters', () => {
    expect(compareConfigs(SMALL_CONFIG, { ...SMALL_CONFIG })).toEqual([]);
    const scaled = { ...SMALL_CONFIG, ropeScaling: llama3Scaling(8) };
    expect(compareConfigs(scaled, { ...scaled, ropeScaling: llama3Scaling(8) })).toEqual([]);
  });

  it('compares as float32, which GGUF stores', () => {
    const stored = { ...SMALL_CONFIG, normEps: Math.fround(1e-5) };
    expect(compareConfigs(SMALL_CONFIG, stored)).toEqual([]);
    expect(compareConfigs(SMALL_CONFIG, { ...SMALL_CONFIG, normEps: 1e-6 })).toEqual([
      { key: 'normEps', a: 1e-5, b: 1e-6 },
    ]);
  });

  it.each(['dim', 'nLayers', 'nHeads', 'nKvHeads', 'headDim', 'ffnDim', 'vocabSize'] as const)(
    'finds %s, which changes shapes',
    (key) => {
      const differences = compareConfigs(SMALL_CONFIG, { ...SMALL_CONFIG, [key]: 99 });
      expect(differences).toEqual([{ key, a: SMALL_CONFIG[key], b: 99 }]);
      expect(haveSameShapes(differences)).toBe(false);
      expect(configFindings(differences)).toEqual([
        {
          level: 'failure',
          code: 'hyperparameter',
          subject: key,
          message: `${key} is ${SMALL_CONFIG[key]} in the first, 99 in the second`,
        },
      ]);
    },
  );

  it('finds another rope factor, and a scaling that one side lacks', () => {
    const eight = { ...SMALL_CONFIG, ropeScaling: llama3Scaling(8) };
    const differences = compareConfigs(eight, { ...eight, ropeScaling: llama3Scaling(32) });
    expect(differences).toEqual([{ key: 'ropeScaling.factor', a: 8, b: 32 }]);
    expect(haveSameShapes(differences)).toBe(true);
    expect(compareConfigs(eight, SMALL_CONFIG).map(({ key, b }) => [key, b])).toEqual([
      ['ropeScaling.factor', null],
      ['ropeScaling.lowFreqFactor', null],
      ['ropeScaling.highFreqFactor', null],
      ['ropeScaling.originalContextLength', null],
    ]);
    expect(configFindings(compareConfigs(SMALL_CONFIG, eight))[0]).toMatchObject({
      level: 'failure',
      message: 'ropeScaling.factor is absent in the first, 8 in the second',
    });
  });

  it('only notes the context length and whether the output is tied', () => {
    const findings = configFindings(compareConfigs(SMALL_CONFIG, { ...SMALL_CONFIG, contextLength: 1, tied: true }));
    expect(findings.map(({ level, code }) => [level, code])).toEqual([
      ['note', 'context-length'],
      ['note', 'tied'],
    ]);
    expect(findings[1]?.message).toBe(
      'the output matrix is a tensor of its own in the first and the embedding in the second',
    );
    expect(configFindings([{ key: 'tied', a: true, b: false }])[0]?.message).toBe(
      'the output matrix is the embedding in the first and a tensor of its own in the second',
    );
  });
});
