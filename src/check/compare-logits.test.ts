import { describe, expect, it } from 'vitest';

import { TEXT_MODELS, expectedJson, expectedPath, readNpy } from '../testing/fixtures.js';
import { compareLogits, nmseOf } from './compare-logits.js';

interface Agreement {
  max_abs_diff: number;
  rms_diff: number;
  ref_rms: number;
  mean_kl: number;
  max_kl: number;
  top1_agree: number;
}

interface Expected {
  vocab_size: number;
  agreement: { dequantized_in_float32: Record<string, Agreement[]> };
}

describe('compareLogits', () => {
  const cases = TEXT_MODELS.flatMap((name) => ['Q8_0', 'Q4_0', 'Q4_K_M'].map((type) => [name, type] as const));

  it.each(cases)('gives the figures that NumPy gave: %s, %s', (name, type) => {
    const { vocab_size, agreement } = expectedJson<Expected>(name, 'expected.json');
    agreement.dequantized_in_float32[type]!.forEach((want, prompt) => {
      const reference = readNpy(expectedPath(name, `logits_${prompt}.npy`));
      const other = readNpy(expectedPath(name, `logits_${type}_${prompt}.npy`));
      const got = compareLogits(reference.data, other.data, vocab_size);
      expect(got.rows).toBe(reference.shape[0]);
      expect(got.maxAbs).toBeCloseTo(want.max_abs_diff, 12);
      expect(Math.sqrt(got.nmse)).toBeCloseTo(want.rms_diff / want.ref_rms, 10);
      expect(got.klMean).toBeCloseTo(want.mean_kl, 10);
      expect(got.klMax).toBeCloseTo(want.max_kl, 10);
      expect(got.top1Agreements / got.rows).toBeCloseTo(want.top1_agree, 10);
    });
  });

  it('measures the divergence of two coins', () => {
    const fair = Float32Array.of(0, 0);
    const bent = Float32Array.of(Math.log(0.25), Math.log(0.75));
    const { klMean, klMax, top1Agreements, rows } = compareLogits(fair, bent, 2);
    expect(klMean).toBeCloseTo(0.5 * Math.log(2) + 0.5 * Math.log(2 / 3), 7);
    expect(klMax).toBe(klMean);
    expect([top1Agreements, rows]).toEqual([0, 1]);
  });

  it('finds nothing between equal logits', () => {
    const logits = Float32Array.of(3, -1, 80, 0, 0, 0);
    const nothing = { rows: 2, maxAbs: 0, nmse: 0, klMean: 0, klMax: 0, top1Agreements: 2 };
    expect(compareLogits(logits, logits.slice(), 3)).toEqual(nothing);
  });
});

describe('nmseOf', () => {
  it('is relative to the first side', () => {
    expect(nmseOf(Float32Array.of(3, 4), Float32Array.of(3, 5))).toBe(1 / 25);
    expect(nmseOf(Float32Array.of(3, 5), Float32Array.of(3, 4))).toBe(1 / 34);
    expect(nmseOf(Float32Array.of(0), Float32Array.of(0))).toBe(0);
    expect(nmseOf(Float32Array.of(0), Float32Array.of(1))).toBe(Infinity);
  });
});
