import { describe, expect, it } from 'vitest';

import { CheckpointError } from '../../errors.js';
import { memorySource } from '../../source/memory.js';
import { countingSource, failingSource } from '../../testing/sources.js';
import { type Py, pickleOf, storageId, tensorV2 } from '../../testing/torch-bytes.js';
import { openTorchFile } from './torch-file.js';

/**
 * What PyTorch 2.13 wrote for `{'w': w, 't': w.t(), 'b': b, 'n': 5}` with
 * `_use_new_zipfile_serialization=False`, where w = arange(6.).reshape(2, 3) and b = bfloat16 [1.5, -2].
 */
const WRITTEN_BY_PYTORCH = [
  'gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9cQAoWBAAAABwcm90b2NvbF92ZXJzaW9ucQFN6QNYDQAAAGxpdHRsZV9lbmRpYW5xAohY',
  'CgAAAHR5cGVfc2l6ZXNxA31xBChYBQAAAHNob3J0cQVLAlgDAAAAaW50cQZLBFgEAAAAbG9uZ3EHSwR1dS6AAn1xAChYAQAAAHdx',
  'AWN0b3JjaC5fdXRpbHMKX3JlYnVpbGRfdGVuc29yX3YyCnECKChYBwAAAHN0b3JhZ2VxA2N0b3JjaApGbG9hdFN0b3JhZ2UKcQRY',
  'DgAAADk0MzIxMDEzODk4ODgwcQVYAwAAAGNwdXEGSwZOdHEHUUsASwJLA4ZxCEsDSwGGcQmJY2NvbGxlY3Rpb25zCk9yZGVyZWRE',
  'aWN0CnEKKVJxC3RxDFJxDVgBAAAAdHEOaAIoKGgDaARYDgAAADk0MzIxMDEzODk4ODgwcQ9oBksGTnRxEFFLAEsDSwKGcRFLAUsD',
  'hnESiWgKKVJxE3RxFFJxFVgBAAAAYnEWaAIoKGgDY3RvcmNoCkJGbG9hdDE2U3RvcmFnZQpxF1gOAAAAOTQzMjA5Mjg0NDA2MDhx',
  'GGgGSwJOdHEZUUsASwKFcRpLAYVxG4loCilScRx0cR1ScR5YAQAAAG5xH0sFdS6AAl1xAChYDgAAADk0MzIwOTI4NDQwNjA4cQFY',
  'DgAAADk0MzIxMDEzODk4ODgwcQJlLgIAAAAAAAAAwD8AwAYAAAAAAAAAAAAAAAAAgD8AAABAAABAQAAAgEAAAKBA',
].join('');

const real = Uint8Array.from(Buffer.from(WRITTEN_BY_PYTORCH, 'base64'));

const MAGIC = Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e);

interface Parts {
  readonly magic?: Uint8Array;
  readonly protocol?: Py;
  readonly root: Py;
  readonly keys: Py;
  readonly storages?: readonly (readonly [count: number, bytes: Uint8Array])[];
}

function legacyBytes({ magic = MAGIC, protocol = 1001, root, keys, storages = [] }: Parts): Uint8Array {
  const facts = pickleOf({ dict: [['little_endian', false]] });
  const data = storages.flatMap(([count, bytes]) => [new Uint8Array(BigUint64Array.of(BigInt(count)).buffer), bytes]);
  return Buffer.concat([magic, pickleOf(protocol), facts, pickleOf(root), pickleOf(keys), ...data]);
}

const floats = new Uint8Array(Float32Array.of(0, 1, 2, 3).buffer);
const storage = storageId('torch.FloatStorage', '7', 4);
const good: Parts = {
  root: { dict: [['w', tensorV2(storage, 0, [4], [1])]] },
  keys: { list: ['7'] },
  storages: [[4, floats]],
};

const open = (bytes: Uint8Array): ReturnType<typeof openTorchFile> => openTorchFile(memorySource(bytes, 'old.pt'));

const refusal = (bytes: Uint8Array): Promise<unknown> =>
  open(bytes).then(
    () => 'accepted',
    (error: unknown) => error,
  );

async function floatsOf(bytes: Promise<Uint8Array>): Promise<number[]> {
  return [...new Float32Array(Uint8Array.from(await bytes).buffer)];
}

describe('a file of the form before PyTorch 1.6', () => {
  it('that PyTorch wrote gives its tensors', async () => {
    await using file = await open(real);
    expect(file.archive).toBeUndefined();
    expect(file.tensors.map(({ name, dtype, shape, storage: key }) => [name, dtype, shape, key])).toEqual([
      ['w', 'float32', [2, 3], '94321013898880'],
      ['t', 'float32', [3, 2], '94321013898880'],
      ['b', 'bfloat16', [2], '94320928440608'],
    ]);
    expect(await floatsOf(file.tensors[0]!.readRows(0, 2))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await floatsOf(file.tensors[1]!.readRows(0, 3))).toEqual([0, 3, 1, 4, 2, 5]);
    expect([...(await file.tensors[2]!.readRows(0, 1))]).toEqual([0xc0, 0x3f, 0x00, 0xc0]);
    await file.locate();
    expect(file.tensors[0]!.fileOffset).toBe(real.byteLength - 24);
    expect(file.storages.map(({ className, elementCount }) => [className, elementCount])).toEqual([
      ['torch.FloatStorage', 6],
      ['torch.BFloat16Storage', 2],
    ]);
  });

  it('is refused at every length but its own, and longer ones do no harm', async () => {
    for (let length = 0; length < real.byteLength; length += 1) {
      const error = await refusal(real.subarray(0, length));
      expect(error).toBeInstanceOf(CheckpointError);
      if (length > 16) expect(error).toMatchObject({ code: 'torch/cut-off' });
    }
    expect((await open(Uint8Array.from([...real, 1, 2, 3]))).tensors).toHaveLength(3);
  });

  it('names the storage that is cut off', async () => {
    expect(await refusal(real.subarray(0, -1))).toMatchObject({
      message: 'cut off: the storage 94321013898880 should end at 0x24f, but the file has 590 bytes',
      hint: 'download this file again',
    });
  });

  it('may have pickles longer than what is read first, and storages far behind', async () => {
    const filler: Py = { list: Array.from({ length: 20_000 }, (_, index) => `value ${index}`) };
    const [w, big] = [tensorV2(storage, 0, [4], [1]), storageId('torch.ByteStorage', '8', 3_000_000)];
    const bytes = legacyBytes({
      root: {
        dict: [
          ['filler', filler],
          ['w', w],
          ['b', big],
        ],
      },
      keys: { list: ['8', '7'] },
      storages: [
        [3_000_000, new Uint8Array(3_000_000)],
        [4, floats],
      ],
    });
    const source = countingSource(memorySource(bytes));
    const file = await openTorchFile(source);
    expect(await floatsOf(file.tensors[0]!.readRows(0, 1))).toEqual([0, 1, 2, 3]);
    // the end, the beginning, growing heads, one number of elements, one tensor
    expect(source.reads.length).toBeLessThanOrEqual(8);
  });

  it('may have views of storages, as files before PyTorch 0.4 do', async () => {
    const id = (key: string, view: Py): Py => ({
      persistent: ['storage', { global: 'torch.FloatStorage' }, key, 'cpu', 4, view],
    });
    const view = id('7', ['9', 1, 2]);
    const root: Py = {
      list: [tensorV2(view, 0, [2], [1]), tensorV2(id('7', null), 0, [4], [1]), tensorV2(view, 1, [1], [1])],
    };
    const file = await open(legacyBytes({ ...good, root }));
    expect(file.tensors.map((tensor) => tensor.storage)).toEqual(['9', '7', '9']);
    expect(await floatsOf(file.tensors[0]!.readRows(0, 1))).toEqual([1, 2]);
    expect(await floatsOf(file.tensors[2]!.readRows(0, 1))).toEqual([2]);
    expect(file.tensors[0]!.fileOffset).toBe(file.tensors[1]!.fileOffset! + 4);
    const outside: readonly Py[] = [['9', 3, 2], ['9', -1, 2], ['9', 0], 'x'];
    for (const wrong of outside) {
      const error = await refusal(legacyBytes({ ...good, root: tensorV2(id('7', wrong), 0, [1], [1]) }));
      expect(error).toMatchObject({ code: wrong === outside[0] ? 'torch/out-of-bounds' : 'torch/bad-tensor' });
    }
  });

  it.each<[string, Parts, string]>([
    ['another magic number', { ...good, magic: pickleOf(5) }, 'torch/plain-pickle'],
    ['another protocol', { ...good, protocol: 1002 }, 'torch/bad-legacy'],
    ['keys that are no list', { ...good, keys: ['7'] }, 'torch/bad-legacy'],
    ['keys that are no strings', { ...good, keys: { list: [7] } }, 'torch/bad-legacy'],
    ['a key too many', { ...good, keys: { list: ['7', '8'] } }, 'torch/bad-legacy'],
    ['a key twice', { ...good, keys: { list: ['7', '7'] } }, 'torch/bad-legacy'],
    ['a key missing', { ...good, keys: { list: [] } }, 'torch/missing-storage'],
    ['another number of elements', { ...good, storages: [[5, floats]] }, 'torch/bad-legacy'],
    [
      'an unknown class',
      { ...good, root: tensorV2(storageId('torch.WeirdStorage', '7', 4), 0, [4], [1]) },
      'torch/unknown-storage',
    ],
    ['a storage without end', { ...good, root: storageId('torch.FloatStorage', '7', 2 ** 50) }, 'torch/cut-off'],
    ['a broken pickle', { ...good, root: { raw: [0x30] } }, 'pickle/stack-underflow'],
  ])('is refused with %s', async (_, parts, code) => {
    expect(await refusal(legacyBytes(parts))).toMatchObject({ code, path: 'old.pt' });
  });

  it('is looked through for storages everywhere, whatever it contains', async () => {
    const item = [...pickleOf(storage).subarray(2, -1)];
    const raw = (...opcodes: number[]): Py => ({ raw: opcodes });
    const places: readonly Py[] = [
      { list: [storage] },
      { dict: [[1, storage]] },
      { call: 'a.b', args: [storage] },
      { call: 'a.b', args: [], state: storage },
      { call: 'a.b', args: [], items: [[1, storage]] },
      raw(0x8f, 0x28, ...item, 0x90), // a set
      raw(
        ...pickleOf({ global: 'a.b' }).subarray(2, -1),
        0x29,
        ...pickleOf({ dict: [['k', storage]] }).subarray(2, -1),
        0x92,
      ),
      raw(...pickleOf({ global: 'a.b' }).subarray(2, -1), 0x29, 0x81, ...item, 0x61), // appended to an object
      raw(...pickleOf({ global: 'a.b' }).subarray(2, -1), 0x29, 0x81, 0x28, ...item, 0x90), // added to an object
    ];
    for (const root of places) {
      expect((await open(legacyBytes({ ...good, root }))).storages.map(({ key }) => key)).toEqual(['7']);
    }
  });

  it('has pickles of bounded length', async () => {
    const bytes = legacyBytes({
      ...good,
      root: { list: Array.from({ length: 9000 }, (_, index) => `value ${index}`) },
    });
    await expect(openTorchFile(memorySource(bytes), { limits: { bytes: 80_000 } })).rejects.toMatchObject({
      code: expect.stringMatching(/too-large|limit-exceeded/) as string,
    });
  });

  it('gives the error of a disk that fails at any read', async () => {
    const run = async (n: number): Promise<void> => {
      const file = await openTorchFile(failingSource(memorySource(real), n));
      await file.tensors[0]!.readRows(0, 1);
    };
    for (let n = 0; n < 5; n += 1) await expect(run(n)).rejects.toMatchObject({ code: 'source/read-failed' });
    await run(5);
  });
});
