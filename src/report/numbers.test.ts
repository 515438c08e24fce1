import { describe, expect, it } from 'vitest';

import { counted, duration, exactSize, extents, parameters, plain, sized, small } from './numbers.js';
import { progressText } from './progress.js';

describe('numbers as a person reads them', () => {
  it.each([
    [sized(2_471_645_608), '2.47 GB'],
    [exactSize(2_471_645_608), '2,471,645,608 bytes'],
    [exactSize(1), '1 byte'],
    [counted(999, 'shard'), '999 shards'],
    [counted(1000, 'entry', 'entries'), '1,000 entries'],
    [parameters(1_235_814_400), '1.24 B'],
    [parameters(405_853_388_800), '406 B'],
    [parameters(1.2e12), '1.2 T'],
    [parameters(689_152), '689 K'],
    [parameters(1_000_000), '1 M'],
    [parameters(12), '12'],
    [parameters(0), '0'],
    [duration(0.04), '0.04 s'],
    [duration(1.94), '1.9 s'],
    [duration(75.4), '75 s'],
    [duration(200.2), '3 min 20 s'],
    [small(0), '0'],
    [small(0.19123), '0.191'],
    [small(0.000_31), '3.1e-4'],
    [small(1e-9), '1e-9'],
    [small(-1.5), '-1.5'],
    [small(2e6), '2e6'],
    [small(Infinity), 'Infinity'],
    [plain(500_000), '500000'],
    [plain(0.000_01), '1e-5'],
    [plain(0), '0'],
    [extents([128_256, 2048]), '128256 × 2048'],
    [extents([]), 'scalar'],
  ])('%s', (found, expected) => {
    expect(found).toBe(expected);
  });
});

describe('progressText', () => {
  it('shows bytes, rate and time left in 80 columns', () => {
    const text = progressText({ phase: 'write', done: 978e6, total: 1.32e9, seconds: 1.6 });
    expect(text).toBe('  ██████████████████░░░░░░   74 %   978 MB of 1.32 GB   611 MB/s   0:01 left');
    expect(text.length).toBeLessThanOrEqual(80);
    const widest = progressText({ phase: 'hash', done: 555.5e9, total: 888.8e9, seconds: 1000 });
    expect(widest.length).toBeLessThanOrEqual(80);
  });

  it('counts steps of the forward pass', () => {
    expect(progressText({ phase: 'forward', done: 9, total: 18, seconds: 90 })).toContain(
      ' 50 %   step 9 of 18   1:30 left',
    );
  });

  it('promises nothing before the first byte, and survives work of no length', () => {
    expect(progressText({ phase: 'write', done: 0, total: 5, seconds: 0 })).toContain(
      '  0 %   0 B of 5 B   0 B/s   –:–– left',
    );
    expect(progressText({ phase: 'write', done: 0, total: 0, seconds: 1 })).toContain('100 %');
    expect(progressText({ phase: 'write', done: 9, total: 5, seconds: 1 })).toContain(
      '100 %   9 B of 5 B   9 B/s   0:00 left',
    );
  });
});
