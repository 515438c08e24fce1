import { describe, expect, it } from 'vitest';

import { byteLengthOf } from '../../dtype.js';
import { type CastLoss, noLoss } from '../cast-loss.js';
import { convertRow } from '../convert-row.js';
import { type KernelSource, createQuantKernels } from './quant-kernels.js';

const PATTERNS = Uint16Array.from({ length: 65_536 }, (_, pattern) => pattern);

/** What stands below the upper half of a float32: exact, next to a tie of either format, and everything around. */
const LOWER_HALVES = [0, 1, 0x0fff, 0x1000, 0x1001, 0x1fff, 0x2000, 0x3000, 0x7fff, 0x8000, 0x8001, 0xefff, 0xf000, 0xffff]; // prettier-ignore

const WORDS = Uint32Array.from(LOWER_HALVES.flatMap((low) => Array.from(PATTERNS, (high) => high * 65_536 + low)));

const bytesOf = (words: Uint16Array | Uint32Array): Uint8Array => new Uint8Array(words.buffer);

/** Every value of 16 bits; of float32 every upper half, which has sign, exponent and seven bits. */
const VALUES: Readonly<Record<KernelSource, Uint8Array>> = {
  ...{ float32: bytesOf(WORDS), float16: bytesOf(PATTERNS), bfloat16: bytesOf(PATTERNS) },
};

const PAIRS: [KernelSource, KernelSource][] = [
  ['bfloat16', 'float16'],
  ['bfloat16', 'float32'],
  ['float16', 'bfloat16'],
  ['float16', 'float32'],
  ['float32', 'float16'],
  ['float32', 'bfloat16'],
];

const kernels = (await createQuantKernels())!;

describe.each(PAIRS)('casting %s to %s', (source, dtype) => {
  const cast = (values: Uint8Array, by: 'kernel' | 'TypeScript'): { out: Uint8Array; loss: CastLoss } => {
    const loss = noLoss();
    const out = new Uint8Array(byteLengthOf(dtype, values.byteLength / byteLengthOf(source, 1))).fill(0xa5);
    if (by === 'kernel') kernels.cast({ source, dtype, values }, out, loss);
    else convertRow(source, dtype, values, out, loss);
    return { out, loss };
  };

  it('gives what the TypeScript gives for every pattern, and counts the same losses', () => {
    const expected = cast(VALUES[source], 'TypeScript');
    const found = cast(VALUES[source], 'kernel');
    expect(Buffer.compare(found.out, expected.out)).toBe(0);
    expect(found.loss).toEqual(expected.loss);
  });

  it('does so for any number of values, wherever they start', () => {
    const width = byteLengthOf(source, 1);
    for (let count = 0; count < 40; count++) {
      for (const first of [1, 16_256, 31_740, 65_535 - count]) {
        const bytes = VALUES[source].slice(first * width, (first + count) * width);
        const shifted = new Uint8Array(bytes.byteLength + 1);
        shifted.set(bytes, 1);
        expect(cast(shifted.subarray(1), 'kernel')).toEqual(cast(bytes, 'TypeScript'));
      }
    }
  });

  it('adds to what was lost before', () => {
    const loss = { overflowed: 1e10, flushedToZero: 2, rounded: 3 };
    const values = VALUES[source];
    const { loss: once, out } = cast(values, 'TypeScript');
    kernels.cast({ source, dtype, values }, out, loss);
    kernels.cast({ source, dtype, values }, out);
    expect(loss).toEqual({
      overflowed: 1e10 + once.overflowed,
      flushedToZero: 2 + once.flushedToZero,
      rounded: 3 + once.rounded,
    });
  });
});

it('the values meet every kind of loss', () => {
  const loss = noLoss();
  const values = VALUES.float32;
  convertRow('float32', 'float16', values, new Uint8Array(values.byteLength / 2), loss);
  expect(Math.min(loss.overflowed, loss.flushedToZero, loss.rounded)).toBeGreaterThan(10_000);
});
