/**
 * Damaged files of every kind against every reader: a CheckpointError or a right value, never anything else.
 *
 * `npm run fuzz` does the same for as long as one likes, and watches time and memory too.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { bytesOfCase, caseOf, fuzzPlan, targetOfCase } from '../testing/fuzz-case.js';
import { loadCorpus } from '../testing/fuzz-corpus.js';
import { FUZZ_TARGETS, attempt } from '../testing/fuzz-targets.js';
import { EDIT_KINDS, type Edit, LARGEST_NUMBER, applyEdits } from '../testing/mutate.js';

/** Fixed, so that a failure here is one everywhere; fast-check prints it with the case. */
const SEED = 20261124;

const corpus = await loadCorpus();
const plan = fuzzPlan(corpus);

describe('every reader', () => {
  it('meets every file of the corpus as it is with a value or a CheckpointError', async () => {
    for (const target of FUZZ_TARGETS) {
      const outcomes = new Set<string>();
      for (const { format, bytes } of corpus) {
        if (target.formats.includes(format)) outcomes.add(await attempt(target, bytes));
      }
      expect(outcomes, target.name).toContain('read');
    }
  });

  it('meets damaged files with a value or a CheckpointError', async () => {
    const number = fc.nat(LARGEST_NUMBER);
    const edit = fc.record<Edit>({ kind: fc.constantFrom(...EDIT_KINDS), at: number, length: number, value: number });
    const damage = fc.record({ index: number, edits: fc.array(edit, { minLength: 1, maxLength: 4 }) });
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(damage, async ({ index, edits }) => {
        const one = { ...caseOf(plan, SEED, index), edits };
        const outcome = await attempt(targetOfCase(plan, one), await bytesOfCase(plan, one));
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
      }),
      { numRuns: 6000, seed: SEED },
    );
    // damage that is noticed at once proves nothing about what comes later: much is read, and much refused
    expect(seen.get('read')).toBeGreaterThan(1000);
    expect(seen.size).toBeGreaterThan(50);
  });
});

describe('the damage', () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, index) => index);

  it('is the same for the same seed, and another for another', () => {
    const lines = (seed: number): string[] => [0, 1, 2].map((index) => JSON.stringify(caseOf(plan, seed, index)));
    expect(lines(7)).toEqual(lines(7));
    expect(new Set([...lines(7), ...lines(8)]).size).toBe(6);
  });

  it.each(EDIT_KINDS)('of the kind %s changes a copy and never the file, wherever it is', (kind) => {
    const before = bytes.slice();
    const results = [0, 1, 57, 99, LARGEST_NUMBER].flatMap((at) =>
      [0, 1, 2, 3].map((n) => applyEdits(bytes, [{ kind, at, length: n, value: n + 8 }], bytes)),
    );
    expect(bytes).toEqual(before);
    expect(results.some((result) => Buffer.compare(result, before) !== 0)).toBe(true);
    expect(applyEdits(new Uint8Array(0), [{ kind, at: 5, length: 5, value: 5 }], bytes)).toBeInstanceOf(Uint8Array);
  });
});

describe('a fault', () => {
  it('of another kind than a CheckpointError is not mistaken for one', async () => {
    const fail = async (): Promise<void> => {
      throw new RangeError('x');
    };
    await expect(attempt({ run: fail }, Uint8Array.of(1))).rejects.toThrow(RangeError);
    const overwrite = (bytes: Uint8Array): unknown => bytes.fill(0);
    await expect(attempt({ run: overwrite }, Uint8Array.of(1))).rejects.toThrow('was changed');
  });
});
