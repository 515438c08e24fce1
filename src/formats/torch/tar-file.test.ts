import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { CheckpointError } from '../../errors.js';
import { memorySource } from '../../source/memory.js';
import { copyOfModel, llamaInspect } from '../../testing/cli.js';
import { FIXTURES } from '../../testing/fixtures.js';
import { countingSource, failingSource } from '../../testing/sources.js';
import type { Py } from '../../testing/torch-bytes.js';
import { type TarParts, tarBytes, torchTarMembers } from '../../testing/torch-tar.js';
import { ZOO } from '../../testing/zoo.js';
import { tensorByteLength } from '../tensor.js';
import { objectAsJson } from './object-json.js';
import { type TorchFile, type TorchFileOptions, openTorchFile } from './torch-file.js';

/**
 * Made by `hand_tar` of the oracle and read by PyTorch 2.13's `torch.load`, which gave the values below: tensors 1001
 * to 1005, of storage 55 (arange(12.)), of storage 77 (float16) and of storage 57, which is three elements from the
 * third of view 56, which is six elements from the fourth of 55. Packed with gzip.
 */
const READ_BY_PYTORCH = [
  'H4sIAAAAAAACA+2WzW7TQBDH12snBdNC+HiAHnOK7Hy5vUArIUBaJSiCgy9VZDnbxsKyM/amFQek3MJj8Ch9FI58vgMTO1ZTR4Ve',
  'mgqYnzKe2dndWa2y/7XT9+kwiI5jdoNYSLfdzjxS9tjpXMRZ3uk022zXYhtgmiovwSXZ/8mMfwBWd2sYTpJYxX4cDk9lkgZxBFrv',
  'i+7uYE8YKBXKoYxGgRcB/zhtMOLfYBL470J5s2v8Sf8tp1nWv922Sf8b1L+G4RloroHetiwb+CDLKdCLXBOMgVvB2DvxgggqY543',
  'gyiSCVSLYS3YGmTx2AuP4U6RbsPdgVvFOPW90EvALDo6cG/gbi06VJx4JxK2XY4tx4GdvM5pIM/gfpbsOPAgX9QPvTSFmo/XVSh9',
  'hbdVar5ORjKRo+eBr0x42O/P4VG+iQgeH8GTutBeHhj5rvuSrrAcJaM0TtJb1f/iZV/Sf6vbJf1vRv+i0pjx3lddOD4q0B+bL8LY',
  'U2+zc2ECm4PW4MvB+tIbJa+tFe19u049o1RXK+VX6n3Xxf6V9Yp5vFRHu5j/Qxe95fxXeDFda/rK8j9/t51iXOUv/P+Xt256m/pv',
  'Otba979N+t+U/jnqXzjuQoT+ZAps9Zy/yY+HCdoceGP78tRn+DjAH9oM7RPaOdpnNHbIWA1tF806xPq9tfoLGV4uX+iPPWXnM36E',
  '3yV1sSccYYiqAq0u9rHFha6AS3p7EwRBEARBEARBEARBEARBEARBXMEvtMu8wwAoAAA=',
].join('');

const real = Uint8Array.from(gunzipSync(Buffer.from(READ_BY_PYTORCH, 'base64')));

const floats = new Uint8Array(Float32Array.of(0, 1, 2, 3, 4, 5).buffer);
const FLOATS: Py = { global: 'torch.FloatStorage' };
const TENSOR: Py = { global: 'torch.FloatTensor' };
const weights = { id: [55, 'cpu', FLOATS], count: 6, bytes: floats } as const;
const matrix = { id: [1001, 55, TENSOR], size: [2, 3], stride: [3, 1] } as const;
const named = (name: Py): Py => ({ dict: [['w', { persistent: name }]] });
const good: TarParts = { storages: [weights], tensors: [matrix], root: named('1001') };

const madeOf = (parts: Partial<TarParts>): Uint8Array => tarBytes(torchTarMembers({ ...good, ...parts }));

const open = (bytes: Uint8Array, options?: TorchFileOptions): Promise<TorchFile> =>
  openTorchFile(memorySource(bytes, 'old.pt'), options);

const refusal = (bytes: Uint8Array, options?: TorchFileOptions): Promise<unknown> =>
  open(bytes, options).then(
    () => 'accepted',
    (error: unknown) => error,
  );

const floatsOf = async (bytes: Promise<Uint8Array>): Promise<number[]> => [
  ...new Float32Array(Uint8Array.from(await bytes).buffer),
];

async function everything(bytes: Uint8Array): Promise<unknown> {
  const file = await open(bytes);
  const data = [];
  for (const tensor of file.tensors) data.push(...(await tensor.readBytes(0, tensorByteLength(tensor))));
  return { json: await objectAsJson(file), data };
}

describe('a file of 2016', () => {
  it('holds what PyTorch reads in it', async () => {
    await using file = await open(real);
    const rows = file.tensors.map(({ name, dtype, shape, stride, storage }) => [name, dtype, shape, stride, storage]);
    expect(rows).toEqual([
      ['w', 'float32', [3, 4], [4, 1], '55'],
      ['t', 'float32', [4, 3], [1, 4], '55'],
      ['again', 'float32', [3, 4], [4, 1], '55'],
      ['inner', 'float32', [2], [1], '57'],
      ['half', 'float16', [2], [1], '77'],
      ['scalar', 'float32', [], [], '55'],
    ]);
    const [w, t, , inner, half, scalar] = file.tensors;
    expect(await floatsOf(w!.readRows(1, 1))).toEqual([4, 5, 6, 7]);
    expect(await floatsOf(t!.readRows(0, 4))).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
    expect(await floatsOf(inner!.readBytes(0, 8))).toEqual([7, 8]);
    expect([...(await half!.readBytes(0, 4))]).toEqual([0x00, 0x3e, 0x00, 0xc0]);
    expect(await floatsOf(scalar!.readBytes(0, 4))).toEqual([5]);
    await file.locate();
    expect(inner!.fileOffset).toBe(w!.fileOffset! + 7 * 4);
    expect(file.archive).toBeUndefined();
  });

  it('makes a tensor once, at however many places it stands', async () => {
    const places: Py = { list: Array<Py>(1000).fill({ persistent: 1001 }) };
    await using file = await open(madeOf({ root: places }));
    expect(file.tensors).toHaveLength(1000);
    expect(new Set(file.tensors.map(({ shape }) => shape)).size).toBe(1);
  });

  it('is told as JSON: one tensor under two names, storages that the object names itself, a class', async () => {
    await using file = await open(real);
    const { root, tensors, storages, globals } = await objectAsJson(file);
    expect(root).toEqual({
      $dict: [
        ...[
          ['w', { $tensor: 0 }],
          ['t', { $tensor: 1 }],
          ['again', { $tensor: 2 }],
          ['inner', { $tensor: 3 }],
        ],
        ...[
          ['half', { $tensor: 4 }],
          ['scalar', { $tensor: 5 }],
        ],
        ...[
          ['storage', { $storage: 1 }],
          ['view', { $storage: 0 }],
        ],
        ['class', { $global: 'collections.OrderedDict' }],
        ['n', [1, { $float: '2.5' }, null]],
      ],
    });
    expect(tensors[2]).toMatchObject({ name: 'again', alias_of: 0 });
    expect(tensors.map(({ storage }) => storage)).toEqual([null, null, null, 0, 1, null]);
    expect(storages).toEqual([
      {
        ...{ id: 0, key: '57', class: 'torch.FloatStorage', location: 'cpu', numel: 12, nbytes: 12 },
        view_of: { key: '55', offset: 6, numel: 3 },
      },
      { id: 1, key: '77', class: 'torch.HalfStorage', location: 'cpu', numel: 2, nbytes: 4 },
    ]);
    expect(globals).toContain('torch.HalfTensor');
  });

  it('of the zoo is read, not refused', async () => {
    await using file = await open(readFileSync(join(ZOO, 'tar_2016.pt')));
    expect(file.tensors.map(({ name }) => name)).toEqual(['w', 'row', 'n']);
    expect(file.tensors[1]!.storedIn.viewOf).toEqual({ key: '55', elementCount: 16, offset: 4 });
  });

  it('names its tensors by integers or by their digits, and what it leaves out is not looked at', async () => {
    await using byNumber = await open(madeOf({ tensors: [{ ...matrix, upperHalf: -1 }], root: named(1001) }));
    expect(await floatsOf(byNumber.tensors[0]!.readRows(0, 2))).toEqual([0, 1, 2, 3, 4, 5]);
    const big = 2n ** 60n;
    const far = { id: [big, 55, TENSOR], size: [7], stride: [1] };
    await using byBig = await open(
      madeOf({ tensors: [matrix, { ...matrix, id: [big, 55, TENSOR] }], root: named(big) }),
    );
    expect(byBig.tensors).toHaveLength(1);
    await using without = await open(madeOf({ tensors: [far, matrix] }));
    expect(without.tensors).toHaveLength(1);
  });

  it('is read in a few pieces, whatever its storages weigh', async () => {
    const heavy = { id: [56, 'cpu', FLOATS], count: 1 << 18, bytes: new Uint8Array(1 << 20) };
    const source = countingSource(memorySource(madeOf({ storages: [heavy, weights] })));
    await using file = await openTorchFile(source);
    expect(await floatsOf(file.tensors[0]!.readRows(0, 1))).toEqual([0, 1, 2]);
    const bytes = source.reads.reduce((sum, [, length]) => sum + length, 0);
    expect(bytes).toBeLessThan(1 << 17);
  });

  it('may have pickles longer than a window, and as many tensors as it likes up to a limit', async () => {
    const views: Py = { list: Array.from({ length: 5000 }, (_, nth): Py => [2000 + nth, 55, nth % 6, 1]) };
    const tensors = Array.from({ length: 2000 }, (_, nth) => ({ ...matrix, id: [9000 + nth, 55, TENSOR] }));
    const last = { id: [1001, 6999, TENSOR], size: [1], stride: [1] };
    await using file = await open(madeOf({ views, tensors: [...tensors, last] }));
    expect(await floatsOf(file.tensors[0]!.readRows(0, 1))).toEqual([4999 % 6]);
  });
});

describe('the commands take a file of 2016:', () => {
  it.each([['tensors'], ['inspect']])('%s of one', async (command) => {
    const { code, stdout, stderr } = await llamaInspect(command, join(ZOO, 'tar_2016.pt'));
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/row +4 +float32 +16 B/);
  });

  it('verify --deep of a model in it', async () => {
    const folder = copyOfModel('llama3.2-tiny');
    const path = join(folder, 'consolidated.00.pth');
    const bytes = madeOf(await partsOf(readFileSync(path)));
    writeFileSync(path, bytes);
    const checksum = createHash('md5').update(bytes).digest('hex');
    const list = join(folder, 'checklist.chk');
    writeFileSync(list, readFileSync(list, 'utf8').replace(/^\S+/, checksum));
    const { code, stdout, stderr } = await llamaInspect('verify', '--deep', folder);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('all 20 tensors are present and have the right shapes');
    expect(stdout).toContain('21 tensors without NaN or infinity');
  });

  /** All tensors of a file, each in a storage of its own. */
  async function partsOf(bytes: Uint8Array): Promise<TarParts> {
    await using file = await open(bytes);
    const storages = [];
    for (const [nth, tensor] of file.tensors.entries()) {
      const all = await tensor.readBytes(0, tensorByteLength(tensor));
      storages.push({
        id: [nth, 'cpu', { global: tensor.storedIn.className }],
        count: tensor.storedIn.elementCount,
        bytes: all,
      });
    }
    const tensors = file.tensors.map(({ shape, stride }, nth) => ({
      ...{ id: [1000 + nth, nth, TENSOR], size: shape, stride },
    }));
    const root: Py = { dict: file.tensors.map(({ name }, nth) => [name, { persistent: String(1000 + nth) }]) };
    return { storages, tensors, root };
  }
});

describe('a file of 2016 is refused', () => {
  const storage = (changes: Partial<TarParts['storages'][number]>): Partial<TarParts> => ({
    storages: [{ ...weights, ...changes }],
  });
  const tensor = (changes: Partial<TarParts['tensors'][number]>): Partial<TarParts> => ({
    tensors: [{ ...matrix, ...changes }],
  });
  const views = (...list: readonly Py[]): Partial<TarParts> => ({ views: { list } });

  it.each<[string, Partial<TarParts>, string, RegExp]>([
    [
      'much in the pickle of a storage',
      storage({ id: [55, 'cpu', ...Array<Py>(40).fill(FLOATS)] }),
      'pickle/limit-exceeded',
      /32 values/,
    ],
    ['a number of storages that is none', { storageCount: 'x' }, 'torch/bad-legacy', /number of its storages is none/],
    ['a negative number of storages', { storageCount: -1 }, 'torch/bad-legacy', /number of its storages is none/],
    ['a million storages', { storageCount: 1e6 }, 'torch/too-large', /1000000 storages; the limit is 65536/],
    ['a storage too many', { storageCount: 2 }, 'torch/bad-legacy', /key of a storage is no integer/],
    ['storages up to the end', { storageCount: 3, views: [56, 'cpu', FLOATS] }, 'torch/cut-off', /0 are left/],
    ['a storage too few', { storageCount: 0 }, 'torch/bad-legacy', /storage views are a tuple of 3, not a list/],
    ['a storage that is a list', storage({ id: { list: [55] } }), 'torch/bad-legacy', /key of a storage is no integer/],
    ['a storage without device', storage({ id: [55, null, FLOATS] }), 'torch/bad-legacy', /not \(key, device, class\)/],
    ['a storage without class', storage({ id: [55, 'cpu'] }), 'torch/bad-legacy', /not \(key, device, class\)/],
    [
      'a class that is not known',
      storage({ id: [55, 'cpu', { global: 'torch.WeirdStorage' }] }),
      'torch/unknown-storage',
      /torch\.WeirdStorage is not known/,
    ],
    ['elements beyond the file', storage({ count: 2n ** 61n }), 'torch/cut-off', /the storage 55 should have/],
    ['a negative number of elements', storage({ count: -1 }), 'torch/cut-off', /the storage 55 should have/],
    ['a storage twice', { storages: [weights, weights] }, 'torch/bad-legacy', /storage 55 is listed twice/],
    ['views that are no list', { views: null }, 'torch/bad-legacy', /storage views are None/],
    ['a view that is no tuple', views('x'), 'torch/bad-legacy', /key of a storage is no integer/],
    ['a view without elements', views([56, 55, 1]), 'torch/bad-legacy', /view 56 is a tuple of 3 without/],
    ['a view from before the start', views([56, 55, -1, 1]), 'torch/bad-legacy', /without offset and elements/],
    ['a view of negative length', views([56, 55, 1, -1]), 'torch/bad-legacy', /without offset and elements/],
    ['a view of nothing', views([56, 99, 0, 1]), 'torch/missing-storage', /storage of the view 56 is missing/],
    ['a view of itself', views([56, 56, 0, 1]), 'torch/missing-storage', /storage of the view 56 is missing/],
    ['a view of None', views([56, null, 0, 1]), 'torch/missing-storage', /storage of the view 56 is missing/],
    ['a view past the end', views([56, 55, 4, 3]), 'torch/out-of-bounds', /to element 7 of a storage of 6/],
    ['a view past a view', views([56, 55, 2, 2], [57, 56, 1, 2]), 'torch/out-of-bounds', /element 3 of a storage of 2/],
    ['a view beyond all', views([56, 55, 2 ** 53 - 1, 2 ** 53 - 1]), 'torch/out-of-bounds', /past its end/],
    ['a view twice', views([56, 55, 0, 1], [56, 55, 0, 1]), 'torch/bad-legacy', /storage 56 is listed twice/],
    ['a view that is its storage', views([55, 55, 0, 1]), 'torch/bad-legacy', /storage 55 is listed twice/],
    ['a number of tensors that is none', { tensorCount: null }, 'torch/bad-legacy', /number of its tensors is none/],
    ['a million tensors', { tensorCount: 1e6 }, 'torch/too-large', /1000000 tensors; the limit is 65536/],
    ['a tensor too many', { tensorCount: 2 }, 'torch/cut-off', /a pickle is incomplete at the end of tensors/],
    ['a tensor that is no tuple', tensor({ id: 'x' }), 'torch/bad-legacy', /not \(key, storage, class\)/],
    ['a tensor without storage', tensor({ id: [1001, null, TENSOR] }), 'torch/bad-legacy', /\(key, storage, class\)/],
    ['a storage that is missing', tensor({ id: [1001, 99, TENSOR] }), 'torch/missing-storage', /of the tensor 1001/],
    ['a tensor twice', { tensors: [matrix, matrix] }, 'torch/bad-legacy', /1001 is the key of two things/],
    ['a tensor that is a storage', tensor({ id: [55, 55, TENSOR] }), 'torch/bad-legacy', /55 is the key of two things/],
    ['negative dimensions', tensor({ dimensions: -1 }), 'torch/bad-tensor', /1001 has -1 dimensions/],
    ['65 dimensions', tensor({ dimensions: 65 }), 'torch/bad-tensor', /1001 has 65 dimensions/],
    [
      'sizes beyond the end',
      tensor({ dimensions: 64 }),
      'torch/cut-off',
      /1001 should have 1032 bytes, but 40 are left/,
    ],
    ['a negative size', tensor({ size: [2, -3] }), 'torch/bad-tensor', /-3 is no size of a tensor: it is negative/],
    ['a size beyond all', tensor({ size: [2, 2n ** 62n] }), 'torch/bad-tensor', /past the end of any storage/],
    ['more elements than any file', tensor({ size: [2 ** 40, 2 ** 40] }), 'torch/bad-tensor', /more elements/],
    ['a negative stride', tensor({ stride: [-3, 1] }), 'torch/bad-tensor', /-3 is no stride/],
    ['a negative offset', tensor({ offset: -1 }), 'torch/bad-tensor', /storage offset of a tensor is the integer -1/],
    ['an offset past the end', tensor({ offset: 1 }), 'torch/out-of-bounds', /to element 6 .* of 24 bytes/],
    ['an offset beyond all', tensor({ offset: -(2n ** 63n) }), 'torch/bad-tensor', /storage offset of a tensor/],
    ['a name of nothing', { root: named('1002') }, 'torch/bad-legacy', /names the string "1002", which is no tensor/],
    ['an id of a later file', { root: named(['storage', FLOATS, '55', 'cpu', 6]) }, 'torch/bad-legacy', /a tuple of 5/],
    ['an object that is no pickle', { root: { raw: [0xff] } }, 'pickle/unknown-opcode', /opcode 0xff/],
    ['a storage that is no pickle', storage({ id: { raw: [0xff] } }), 'pickle/unknown-opcode', /opcode 0xff/],
    [
      'the state of a storage set',
      { root: { raw: [0x4b, 55, 0x51, 0x4e, 0x62] } },
      'pickle/wrong-type',
      /cannot set the state of a persistent object/,
    ],
  ])('with %s', async (_, parts, code, message) => {
    const error = await refusal(madeOf(parts));
    expect(error).toMatchObject({ code, path: 'old.pt', message: expect.stringMatching(message) as string });
    expect((error as CheckpointError).offset).toBeGreaterThanOrEqual(512);
  });

  const members = torchTarMembers(good);

  it.each(['storages', 'tensors'])('without the member %s', async (gone) => {
    const error = await refusal(tarBytes(members.filter(([name]) => name !== gone)));
    expect(error).toMatchObject({ code: 'torch/bad-legacy', message: expect.stringContaining(gone) as string });
  });

  it.each(['storages', 'tensors', 'pickle'])('with two members %s', async (twice) => {
    const error = await refusal(tarBytes([...members, ...members.filter(([name]) => name === twice)]));
    const message = expect.stringContaining(`two members are called ${twice}`) as string;
    expect(error).toMatchObject({ code: 'torch/bad-legacy', message });
  });

  it('where it is another tar archive', async () => {
    const other = tarBytes([['model/weights.bin', floats]]);
    const message = expect.stringContaining('a tar archive, but no checkpoint') as string;
    expect(await refusal(other)).toMatchObject({ code: 'torch/tar', path: 'old.pt', message });
  });

  it('where a header is damaged', async () => {
    const bytes = madeOf({});
    bytes[1024 + 3]! ^= 1;
    expect(await refusal(bytes)).toMatchObject({ code: 'torch/tar', offset: 1024 });
  });

  it('where its pickles are longer than is allowed', async () => {
    const pickles = { limits: { bytes: 20 } };
    expect(await refusal(madeOf({}), pickles)).toMatchObject({ code: 'pickle/limit-exceeded' });
    const short = madeOf({ storages: [], tensors: [], root: { list: Array<Py>(30).fill(null) } });
    expect(await refusal(short, pickles)).toMatchObject({ code: 'torch/too-large', offset: 1536 });
    expect(await refusal(madeOf({}), { limits: { values: 3 } })).toMatchObject({ code: 'pickle/limit-exceeded' });
  });

  it('at every length but those that leave off zeros at its end', async () => {
    const bytes = madeOf(views([56, 55, 1, 2]));
    const whole = await everything(bytes);
    const read: number[] = [];
    for (let length = 0; length < bytes.byteLength; length += 1) {
      const result = await everything(bytes.subarray(0, length)).catch((error: unknown) => error);
      if (result instanceof CheckpointError) continue;
      expect(result).toEqual(whole);
      read.push(length);
    }
    expect(bytes.subarray(read[0]).every((byte) => byte === 0)).toBe(true);
  });

  it('where a member is cut off inside the archive', async () => {
    for (const [index, [name, bytes]] of members.entries()) {
      if (name === 'sys_info') continue;
      for (let length = 0; length < bytes.byteLength; length += 1) {
        const cut = members.with(index, [name, bytes.subarray(0, length)]);
        expect([name, length, await refusal(tarBytes(cut))]).toEqual([name, length, expect.any(CheckpointError)]);
      }
    }
  });

  it('where links and extended headers make two archives of one', async () => {
    for (const name of ['a_hard.pt', 'a_pax.pt', 'a_gnul.pt', 'a_cont.pt']) {
      const bytes = readFileSync(join(FIXTURES, 'scan-attacks', name));
      expect([name, await refusal(bytes)]).toEqual([name, expect.objectContaining({ code: 'torch/bad-legacy' })]);
    }
  });

  it('where a byte is another, or read to the end', async () => {
    const sound = madeOf(views([56, 55, 1, 2]));
    for (let at = 0; at < sound.byteLength; at += 1) {
      if (sound[at] === 0) continue;
      for (const byte of [0x00, 0x2e, 0x51, 0xff]) {
        const bytes = Uint8Array.from(sound);
        bytes[at] = byte;
        const result = await everything(bytes).catch((error: unknown) => error);
        if (result instanceof Error) expect(result).toBeInstanceOf(CheckpointError);
      }
    }
  });

  it('where its reads fail, whichever', async () => {
    const source = countingSource(memorySource(madeOf({})));
    await openTorchFile(source);
    for (let nth = 0; nth < source.reads.length; nth += 1) {
      const failing = failingSource(memorySource(madeOf({})), nth);
      await expect(openTorchFile(failing)).rejects.toMatchObject({ code: 'source/read-failed' });
    }
  });
});
