/**
 * Importance matrices of both forms, sound and broken.
 *
 * @module
 */
import { describe, expect, it } from 'vitest';

import type { ByteSource } from '../../source/byte-source.js';
import { memorySource } from '../../source/memory.js';
import { EVERY_TYPE, pair, str, U32, STR, file as ggufFile, u32 } from '../../testing/gguf-bytes.js';
import {
  type DatParts,
  type ImatrixTensor,
  datFile,
  imatrixGguf,
  imatrixKeys,
  imatrixTensors,
} from '../../testing/imatrix-bytes.js';
import { countingSource, failingSource } from '../../testing/sources.js';
import type { GgufMetadataEntry } from '../gguf/plan.js';
import { readImportanceMatrix } from './read.js';

const Q = 'blk.0.attn_q.weight';
const DOWN = 'blk.0.ffn_down.weight';

const read = (bytes: Uint8Array): ReturnType<typeof readImportanceMatrix> =>
  readImportanceMatrix(memorySource(bytes, 'x.imatrix'));

const SOUND: DatParts = {
  entries: [
    { name: Q, count: 3, sums: [1, 2, 3] },
    { name: DOWN, count: 0, sums: [0.5, 0] },
  ],
  chunkCount: 7,
  dataset: 'calibration.txt',
};

describe('the bare form', () => {
  it('gives sums divided by their count in float32, and as they are where the count is 0', async () => {
    const { entries, ...rest } = await read(datFile(SOUND));
    expect(rest).toEqual({ datasets: ['calibration.txt'], chunkCount: 7, form: 'dat' });
    expect([...entries]).toEqual([
      [Q, Float32Array.of(1 / 3, 2 / 3, 1)],
      [DOWN, Float32Array.of(0.5, 0)],
    ]);
  });

  it('rounds a count beyond 2^24 to float32 before it divides', async () => {
    const count = 2 ** 24 + 1;
    const { entries } = await read(datFile({ entries: [{ name: Q, count, sums: [3, 2 ** 24] }] }));
    expect(entries.get(Q)).toEqual(Float32Array.of(3 / 2 ** 24, 1));
  });

  it('may end after its entries, or after the number of pieces of text', async () => {
    expect(await read(datFile({ entries: SOUND.entries }))).toMatchObject({ chunkCount: 0, datasets: [] });
    expect(await read(datFile({ entries: SOUND.entries, chunkCount: 7 }))).toMatchObject({
      chunkCount: 7,
      datasets: [],
    });
  });

  it('takes an empty name of the text for none, and ends one at a zero', async () => {
    expect((await read(datFile({ ...SOUND, dataset: '' }))).datasets).toEqual([]);
    expect((await read(datFile({ ...SOUND, dataset: 'a.txt\0b' }))).datasets).toEqual(['a.txt']);
  });

  it.each([640, 896, 35_615])(
    'is recognised with %i entries, whose number looks like another format',
    async (count) => {
      const entries = Array.from({ length: count }, (_, index) => ({
        name: `blk.${index}.w`,
        count: 1,
        sums: [index],
      }));
      expect((await read(datFile({ entries }))).entries.size).toBe(count);
    },
  );

  it('reads small entries together and large ones straight', async () => {
    const small = Array.from({ length: 500 }, (_, index) => ({ name: `blk.${index}.w`, count: 1, sums: [1, 2, 3] }));
    const large = Array.from({ length: 3 }, (_, index) => ({
      name: `${index}`,
      count: 1,
      sums: Array(20_000).fill(1),
    }));
    const source = countingSource(memorySource(datFile({ entries: [...small, ...large] })));
    await readImportanceMatrix(source);
    expect(source.reads.length).toBeLessThan(10);
    expect(source.reads.filter(([, length]) => length === 80_000)).toHaveLength(3);
  });

  it('is refused wherever it is cut off, save at the two ends that old files have', async () => {
    const bytes = datFile(SOUND);
    const old = [datFile({ entries: SOUND.entries }), datFile({ entries: SOUND.entries, chunkCount: 7 })];
    const allowed = old.map(({ byteLength }) => byteLength);
    for (let length = 8; length < bytes.byteLength; length++) {
      if (allowed.includes(length)) continue;
      await expect(read(bytes.subarray(0, length)), `${length} bytes`).rejects.toMatchObject({
        code: 'imatrix/truncated',
      });
    }
  });

  const first = SOUND.entries[0]!;
  const withFirst = (change: Partial<typeof first>): Uint8Array =>
    datFile({ ...SOUND, entries: [{ ...first, ...change }, SOUND.entries[1]!] });
  const NAME = 4;
  const COUNT = NAME + 4 + Q.length;
  const SUMS = COUNT + 8;
  const END = datFile({ entries: SOUND.entries }).byteLength;

  it.each<[what: string, code: string, bytes: Uint8Array, offset: number]>([
    ['no entries', 'no-entries', datFile({ ...SOUND, entryCount: 0 }), 0],
    ['fewer than no entries', 'not-imatrix', datFile({ ...SOUND, entryCount: -1 }), 0],
    ['two thousand million entries', 'not-imatrix', datFile({ ...SOUND, entryCount: 2 ** 31 - 1 }), 0],
    ['more entries than fit', 'truncated', datFile({ ...SOUND, entryCount: 60_000 }), 0],
    ['an empty name', 'bad-name', withFirst({ name: '' }), NAME],
    ['a name with a zero', 'bad-name', withFirst({ name: 'blk\0x' }), NAME],
    ['a name that is not UTF-8', 'bad-name', withFirst({ name: Uint8Array.of(0x62, 0xff) }), NAME],
    ['a name of two thousand million bytes', 'truncated', withFirst({ nameLength: 2 ** 31 - 1 }), NAME],
    ['a name of less than no bytes', 'bad-count', withFirst({ nameLength: -1 }), NAME],
    ['a name of 2000 bytes', 'too-large', withFirst({ name: 'x'.repeat(2000) }), NAME],
    ['a name twice', 'duplicate-name', withFirst({ name: DOWN }), SUMS + 12 + DOWN.length - Q.length],
    ['a count below 0', 'bad-count', withFirst({ count: -3 }), COUNT],
    ['no sums', 'no-sums', withFirst({ sums: [] }), COUNT + 4],
    ['less than no sums', 'bad-count', withFirst({ sumCount: -1 }), COUNT + 4],
    ['two thousand million sums', 'truncated', withFirst({ sumCount: 2 ** 31 - 1 }), COUNT + 4],
    ['a sum that is NaN', 'bad-value', withFirst({ sums: [1, NaN, 3] }), SUMS + 4],
    ['an infinite sum', 'bad-value', withFirst({ sums: [1, 2, Infinity] }), SUMS + 8],
    ['a sum below 0', 'bad-value', withFirst({ sums: [-1, 2, 3] }), SUMS],
    ['a number of pieces below 0', 'bad-count', datFile({ ...SOUND, chunkCount: -1 }), END],
    ["bytes after the text's name", 'trailing-data', datFile({ ...SOUND, after: [1, 2] }), END + 8 + 15],
    [
      "a text's name of a million and more bytes",
      'too-large',
      datFile({ ...SOUND, dataset: 'x'.repeat(2 ** 20 + 1) }),
      END + 4,
    ],
  ])('with %s is refused as imatrix/%s', async (_, code, bytes, offset) => {
    await expect(read(bytes)).rejects.toMatchObject({ code: `imatrix/${code}`, path: 'x.imatrix', offset });
  });

  it('passes on an error of the disk, whichever read fails, and stops when cancelled', async () => {
    const source = memorySource(datFile(SOUND));
    for (const n of [0, 1]) {
      await expect(readImportanceMatrix(failingSource(source, n))).rejects.toMatchObject({
        code: 'source/read-failed',
      });
    }
    await expect(readImportanceMatrix(source, { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
  });
});

const KEYS = imatrixKeys(['a.txt', 'b.txt'], 7);
const PAIRED = [...imatrixTensors(Q, [3], [1, 2, 3]), ...imatrixTensors('moe', [2, 0, 4], [1, 2, 9, 8, 3, 4])];

describe('the GGUF form', () => {
  it('gives the sums of each expert divided by its count, and ones where the count is 0', async () => {
    const { entries, ...rest } = await read(imatrixGguf(KEYS, PAIRED));
    expect(rest).toEqual({ datasets: ['a.txt', 'b.txt'], chunkCount: 7, form: 'gguf' });
    expect([...entries]).toEqual([
      [Q, Float32Array.of(1 / 3, 2 / 3, 1)],
      ['moe', Float32Array.of(0.5, 1, 1, 1, 0.75, 1)],
    ]);
  });

  it.each([
    [0.49999997, [1, 1]],
    [0.5, [6, 3]],
    [2.5, [2, 1]],
    [8388609, [6 / 8388609, 3 / 8388609]],
  ])('rounds a count of %d as lround does', async (count, expected) => {
    const { entries } = await read(imatrixGguf(KEYS, imatrixTensors(Q, [count], [6, 3])));
    expect(entries.get(Q)).toEqual(Float32Array.from(expected));
  });

  it('passes over other tensors, and takes one count for sums of any shape', async () => {
    const tensors: ImatrixTensor[] = [
      { name: `${Q}.counts`, shape: [1], values: [2] },
      { name: `${Q}.in_sum`, shape: [2, 2], values: [-1, -2, NaN, 0] },
      { name: `${Q}.in_sum2`, shape: [2, 2], values: [2, 4, 6, 8] },
    ];
    const { entries } = await read(imatrixGguf(KEYS, tensors));
    expect([...entries]).toEqual([[Q, Float32Array.of(1, 2, 3, 4)]]);
  });

  const without = (key: string): GgufMetadataEntry[] => KEYS.filter((entry) => entry.key !== key);
  const withKey = (entry: GgufMetadataEntry): GgufMetadataEntry[] => [...without(entry.key), entry];
  const broken = (counts: number[], sums: number[]): Uint8Array => imatrixGguf(KEYS, imatrixTensors(Q, counts, sums));

  it.each<[what: string, code: string, bytes: Uint8Array]>([
    ['no tensors', 'no-entries', imatrixGguf(KEYS, [])],
    ['sums alone', 'missing-part', imatrixGguf(KEYS, PAIRED.slice(0, 1))],
    ['counts alone', 'missing-part', imatrixGguf(KEYS, PAIRED.slice(1))],
    ['sums of half precision', 'wrong-type', imatrixGguf(KEYS, [{ ...PAIRED[0]!, dtype: 'float16' }, PAIRED[1]!])],
    ['counts of half precision', 'wrong-type', imatrixGguf(KEYS, [PAIRED[0]!, { ...PAIRED[1]!, dtype: 'float16' }])],
    ['counts that do not divide its sums', 'bad-shape', imatrixGguf(KEYS, [PAIRED[0]!, { ...PAIRED[1]!, shape: [2, 1] }])],
    ['a sum that is NaN', 'bad-value', broken([1], [1, NaN])],
    ['a sum below 0', 'bad-value', broken([1], [1, -1])],
    ['a count that is NaN', 'bad-count', broken([NaN], [1, 1])],
    ['a count below 0', 'bad-count', broken([1, -1], [1, 1])],
    ['an infinite count', 'bad-count', broken([Infinity], [1, 1])],
    ['a count beyond 64 bits', 'bad-count', broken([2 ** 63], [1, 1])],
    ['no texts', 'missing-key', imatrixGguf(without('imatrix.datasets'), PAIRED)],
    ['no number of pieces', 'missing-key', imatrixGguf(without('imatrix.chunk_count'), PAIRED)],
    ['no size of pieces', 'missing-key', imatrixGguf(without('imatrix.chunk_size'), PAIRED)],
    ['a text as a string', 'wrong-type', imatrixGguf(withKey({ key: 'imatrix.datasets', type: 'str', value: 'a' }), PAIRED)],
    ['texts as numbers', 'wrong-type', imatrixGguf(withKey({ key: 'imatrix.datasets', type: 'arr[u8]', value: [1] }), PAIRED)],
    ['a signed number of pieces', 'wrong-type', imatrixGguf(withKey({ key: 'imatrix.chunk_count', type: 'i32', value: 1 }), PAIRED)],
    ['too many pieces', 'bad-count', imatrixGguf(imatrixKeys([], 2 ** 31), PAIRED)],
    ['names of texts that take a million and more bytes', 'too-large', imatrixGguf(imatrixKeys(['x'.repeat(2 ** 20)], 1), PAIRED)],
  ])('with %s is refused as imatrix/%s', async (_, code, bytes) => {
    await expect(read(bytes)).rejects.toMatchObject({ code: `imatrix/${code}`, path: 'x.imatrix' });
  }); // prettier-ignore

  it('says where a value or a count lies', async () => {
    const bytes = broken([1, -1], [1, 1]);
    const counts = bytes.byteLength - 32;
    await expect(read(bytes)).rejects.toMatchObject({ code: 'imatrix/bad-count', offset: counts + 4 });
    await expect(read(broken([1], [1, NaN]))).rejects.toMatchObject({ offset: counts - 32 + 4 });
  });

  it('refuses more sums than are held, before it reads any', async () => {
    const bytes = imatrixGguf(KEYS, imatrixTensors(Q, [1], [1, 1]));
    const view = new DataView(bytes.buffer);
    const grown = 4 * 2 ** 28;
    // the extents follow the name and the rank, the offset of the counts follows their two extents and their type
    view.setBigUint64(endOf(bytes, '.in_sum2') + 4, 2n ** 28n + 2n, true);
    view.setBigUint64(endOf(bytes, '.counts') + 4 + 16 + 4, BigInt(grown) + 32n, true);
    const source = countingSource(sparseSource(bytes, bytes.byteLength + grown));
    await expect(readImportanceMatrix(source)).rejects.toMatchObject({ code: 'imatrix/too-large' });
    expect(Math.max(...source.reads.map(([, length]) => length))).toBeLessThan(2 ** 20);
  });

  it('is refused wherever it is cut off, by the reader of GGUF', async () => {
    const bytes = imatrixGguf(KEYS, PAIRED);
    for (let length = 4; length < bytes.byteLength - 32; length += 3) {
      await expect(read(bytes.subarray(0, length)), `${length}`).rejects.toMatchObject({ code: 'gguf/truncated' });
    }
  });
});

function endOf(bytes: Uint8Array, text: string): number {
  return Buffer.from(bytes).indexOf(text) + text.length;
}

/** A source of `size` bytes that goes on with zeros. */
function sparseSource(bytes: Uint8Array, size: number): ByteSource {
  const readInto = async (offset: number, target: Uint8Array): Promise<void> => {
    target.fill(0).set(bytes.subarray(offset, offset + target.byteLength));
  };
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    const target = new Uint8Array(length);
    await readInto(offset, target);
    return target;
  };
  return { ...memorySource(bytes, 'x.imatrix'), size, read, readInto };
}

describe('something else', () => {
  it.each<[what: string, code: string, bytes: Uint8Array]>([
    ['nothing', 'source/empty', new Uint8Array(0)],
    ['zeros', 'source/all-zero', new Uint8Array(100)],
    ['a page', 'source/html-page', new TextEncoder().encode('<!doctype html><title>Log in</title>')],
    ['a pickle', 'source/other-format', Uint8Array.of(0x80, 2, 0x7d, 0x2e, 0, 0, 0, 0, 0)],
    ['text', 'source/unrecognised', new TextEncoder().encode('blk.0.attn_q.weight 1.0\n')],
    ['noise', 'imatrix/not-imatrix', Uint8Array.of(200, 201, 202, 203, 204, 205, 206, 207)],
    ['three bytes', 'imatrix/truncated', Uint8Array.of(1, 0, 0)],
  ])('is named: %s', async (_, code, bytes) => {
    await expect(read(bytes)).rejects.toMatchObject({ code, path: 'x.imatrix' });
  });

  it('is named: the GGUF file of a model', async () => {
    const kind = pair('general.type', STR, str('model'));
    const bytes = ggufFile({ pairs: [kind, pair('llama.block_count', U32, u32(1))] });
    const message = expect.stringContaining('a GGUF file of the type model') as string;
    await expect(read(bytes)).rejects.toMatchObject({ code: 'imatrix/not-imatrix', message });
    const other = new Uint8Array(EVERY_TYPE.byteLength);
    other.set(EVERY_TYPE.header);
    await expect(read(other)).rejects.toMatchObject({ code: 'imatrix/not-imatrix' });
  });
});
