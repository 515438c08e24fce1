import { beforeAll, describe, expect, it } from 'vitest';

import type { BlockFormat } from '../block-format.js';
import { Q2_K } from '../blocks/q2-k.js';
import { Q3_K } from '../blocks/q3-k.js';
import { Q4_K } from '../blocks/q4-k.js';
import { Q5_K } from '../blocks/q5-k.js';
import { Q6_K } from '../blocks/q6-k.js';
import { type QuantKernels, createQuantKernels } from './quant-kernels.js';

/** ggml's number, the TypeScript, and the bytes of a block. */
const FORMATS: Readonly<Record<string, readonly [type: number, format: BlockFormat, blockBytes: number]>> = {
  ...{ Q2_K: [10, Q2_K, 84], Q3_K: [11, Q3_K, 110], Q4_K: [12, Q4_K, 144] },
  ...{ Q5_K: [13, Q5_K, 176], Q6_K: [14, Q6_K, 210] },
};

const SUPER_BLOCK = 256;
const BLOCKS = 96;
const ROW_LENGTH = 3 * SUPER_BLOCK;

type Random = () => number;

/**
 * Super-blocks whose groups differ from each other: kernels hold several groups in the lanes of a vector, so what one
 * group needs must not show in its neighbours. The test of all kernels has alike values all over a block.
 */
const KINDS: Readonly<Record<string, (block: number, random: Random) => Float32Array>> = {
  'groups of zeros between others': (_, random) =>
    groups(
      16,
      () => (random() < 0.5 ? 0 : 1),
      (of) => of * normal(random),
    ),
  'groups of one value each, of either sign': (_, random) =>
    groups(
      16,
      () => normal(random),
      (value) => value,
    ),
  'negative groups of one value each': (_, random) =>
    groups(
      32,
      () => -1 - random(),
      (value) => value,
    ),
  'groups far apart in magnitude': (_, random) =>
    groups(
      16,
      () => 10 ** (40 * random() - 30),
      (of) => of * normal(random),
    ),
  'groups with a far offset and hardly any spread': (_, random) =>
    groups(
      32,
      () => 10 * normal(random),
      (offset) => offset + 1e-6 * normal(random),
    ),
  'one value in a group': (_, random) =>
    groups(
      16,
      () => 0,
      () => (random() < 0.05 ? normal(random) : 0),
    ),
  'groups around what counts as zero': (_, random) =>
    groups(
      16,
      () => 10 ** (-14 - 2 * random()),
      (of) => of * (2 * random() - 1),
    ),
  'groups of subnormal and of normal numbers': (_, random) =>
    groups(
      16,
      () => (random() < 0.5 ? 2 ** -135 : 2 ** -10),
      (of) => of * normal(random),
    ),
  'groups with squares that overflow': (_, random) =>
    groups(
      16,
      () => (random() < 0.3 ? 2 ** 90 : 1),
      (of) => of * normal(random),
    ),
  'whole numbers, which lie half way between levels': (_, random) =>
    groups(
      16,
      () => 1 + Math.floor(4 * random()),
      (of) => of * Math.round(3 * normal(random)),
    ),
  'values of one sign': (block, random) =>
    groups(
      16,
      () => (block & 1 ? 1 : -1),
      (of) => of * random(),
    ),
};

function groups(length: number, ofGroup: () => number, ofValue: (group: number) => number): Float32Array {
  let group = 0;
  return Float32Array.from({ length: SUPER_BLOCK }, (_, i) => {
    if (i % length === 0) group = ofGroup();
    return ofValue(group);
  });
}

/** Numbers from 0 to 1, always the same for the same seed. */
function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function valuesOf(kind: string): Float32Array {
  const random = seeded(4711);
  const values = new Float32Array(BLOCKS * SUPER_BLOCK);
  for (let block = 0; block < BLOCKS; block++) values.set(KINDS[kind]!(block, random), block * SUPER_BLOCK);
  return values;
}

/** Importances as they are found, with a group of zeros, and with a zero here and there. */
function importances(): Float32Array {
  const random = seeded(815);
  return Float32Array.from({ length: ROW_LENGTH }, (_, i) => {
    return (i >= 320 && i < 352) || random() < 0.02 ? 0 : Math.exp(1.5 * normal(random));
  });
}

let kernels: QuantKernels;

beforeAll(async () => {
  kernels = (await createQuantKernels())!;
});

describe.each(Object.keys(FORMATS))('the kernel of %s, on super-blocks of unlike groups', (name) => {
  const [type, format, blockBytes] = FORMATS[name]!;

  it.each(Object.keys(KINDS))('makes what the TypeScript makes of %s', (kind) => {
    const values = valuesOf(kind);
    for (const importance of [undefined, importances()]) {
      const expected = new Uint8Array(BLOCKS * blockBytes);
      format.quantize!(values, expected, importance);
      const found = new Uint8Array(expected.length);
      const job = {
        format: type,
        source: 'float32',
        values: new Uint8Array(values.buffer),
        rowLength: ROW_LENGTH,
      } as const;
      kernels.quantize(importance === undefined ? job : { ...job, importance }, found);
      const wrong = found.findIndex((byte, index) => byte !== expected[index]);
      expect(wrong < 0 ? undefined : [Math.floor(wrong / blockBytes), wrong % blockBytes]).toBeUndefined();
    }
  });
});
