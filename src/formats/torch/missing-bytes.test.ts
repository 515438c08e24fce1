import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { memorySource } from '../../source/memory.js';
import { FIXTURES, modelFolder } from '../../testing/fixtures.js';
import { makeWithJszip } from '../../testing/zip.js';
import { leastMissingBytes } from './missing-bytes.js';

const WHOLE = readFileSync(join(modelFolder('llama3.2-tiny'), 'consolidated.00.pth'));
const missing = (bytes: Uint8Array): Promise<number | undefined> => leastMissingBytes(memorySource(bytes, 'x.pth'));

describe('leastMissingBytes', () => {
  it('comes close to what is missing, and is never more', async () => {
    for (const length of [10_000, 1_000_000, 2_500_000]) {
      const least = await missing(WHOLE.subarray(0, length));
      expect(least).toBeLessThanOrEqual(WHOLE.length - length);
      expect(least).toBeGreaterThan(WHOLE.length - length - 10_000);
    }
  });

  it('is not told where nothing is missing, or only the end', async () => {
    expect(await missing(WHOLE)).toBeUndefined();
    expect(await missing(WHOLE.subarray(0, WHOLE.length - 1))).toBeUndefined();
  });

  it('is not told where the pickle is cut off itself, packed, or not there', async () => {
    expect(await missing(WHOLE.subarray(0, 2000))).toBeUndefined();
    for (const length of [0, 29, 30, 40]) expect(await missing(WHOLE.subarray(0, length))).toBeUndefined();
    const deflated = await makeWithJszip({ 'a/data.pkl': 'x'.repeat(100) }, { deflate: true });
    expect(await missing(deflated)).toBeUndefined();
    expect(await missing(await makeWithJszip({ other: 'x' }))).toBeUndefined();
    expect(await missing(readFileSync(join(FIXTURES, 'zoo/format_legacy_p2.pt')))).toBeUndefined();
  });
});
