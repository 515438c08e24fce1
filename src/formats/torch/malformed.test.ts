import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { CheckpointError } from '../../errors.js';
import { memorySource } from '../../source/memory.js';
import { modelFolder } from '../../testing/fixtures.js';
import { failingSource } from '../../testing/sources.js';
import { type Py, pickleOf, storageId, tensorV2, torchBytes } from '../../testing/torch-bytes.js';
import { makeWithJszip } from '../../testing/zip.js';
import { tensorByteLength } from '../tensor.js';
import { openTorchFile } from './torch-file.js';

const storage = storageId('torch.FloatStorage', '0', 6);
const data = new Uint8Array(24);

const utils = (name: string, ...args: readonly Py[]): Py => ({ call: `torch._utils.${name}`, args });
const persistent = (...id: readonly Py[]): Py => ({ persistent: id });
const FLOATS: Py = { global: 'torch.FloatStorage' };
const good = tensorV2(storage, 0, [2, 3], [3, 1]);

async function readAll(bytes: Uint8Array): Promise<void> {
  const file = await openTorchFile(memorySource(bytes, 'x.pth'));
  for (const tensor of file.tensors) {
    const length = tensorByteLength(tensor);
    if (length <= 1 << 20) await tensor.readBytes(0, length);
  }
}

const refusal = (bytes: Uint8Array): Promise<unknown> =>
  readAll(bytes).then(
    () => 'accepted',
    (error: unknown) => error,
  );

describe('tensors that make no sense are refused when the file is opened:', () => {
  it.each<[string, Py, string, RegExp]>([
    ['past the end', tensorV2(storage, 0, [7], [1]), 'torch/out-of-bounds', /element 6 .* past the end of the storage/],
    ['an offset past the end', tensorV2(storage, 6, [1], [1]), 'torch/out-of-bounds', /past the end/],
    ['strides past the end', tensorV2(storage, 0, [2, 2], [5, 1]), 'torch/out-of-bounds', /element 6/],
    ['strides of 2^52', tensorV2(storage, 0, [2, 2], [2 ** 52, 2 ** 52]), 'torch/out-of-bounds', /past the end/],
    ['strides beyond 2^53', tensorV2(storage, 0, [2], [2n ** 60n]), 'torch/bad-tensor', /past the end of any storage/],
    ['a negative stride', tensorV2(storage, 0, [2], [-1]), 'torch/bad-tensor', /-1 is no stride.*negative/],
    ['a negative size', tensorV2(storage, 0, [-2], [1]), 'torch/bad-tensor', /-2 is no size.*negative/],
    ['a very negative size', tensorV2(storage, 0, [-(2n ** 60n)], [1]), 'torch/bad-tensor', /negative/],
    ['a size that is a string', tensorV2(storage, 0, ['x'], [1]), 'torch/bad-tensor', /the string "x" is no size/],
    ['no sizes', tensorV2(storage, 0, null, [1]), 'torch/bad-tensor', /the size of a tensor is None/],
    [
      'sizes of a call',
      tensorV2(storage, 0, utils('f', [1]), [1]),
      'torch/bad-tensor',
      /the size of a tensor is a call/,
    ],
    ['an empty torch.Size', tensorV2(storage, 0, { call: 'torch.Size', args: [] }, []), 'torch/bad-tensor', /size/],
    [
      'a torch.Size of a call',
      tensorV2(storage, 0, { call: 'torch.Size', args: utils('f') }, []),
      'torch/bad-tensor',
      /size/,
    ],
    ['a negative offset', tensorV2(storage, -1, [1], [1]), 'torch/bad-tensor', /offset of a tensor is the integer -1/],
    ['no arguments', utils('_rebuild_tensor_v2'), 'torch/bad-tensor', /the storage of a tensor is nothing/],
    ['one argument', utils('_rebuild_tensor_v2', storage), 'torch/bad-tensor', /the size of a tensor is nothing/],
    [
      'three arguments',
      utils('_rebuild_tensor', storage, 0, [1]),
      'torch/bad-tensor',
      /the stride of a tensor is nothing/,
    ],
    [
      'no offset',
      { call: 'torch._utils._rebuild_tensor', args: [storage, null, [1], [1]] },
      'torch/bad-tensor',
      /offset of a tensor is None/,
    ],
    [
      'arguments of a call',
      { call: 'torch._utils._rebuild_tensor_v2', args: utils('f') },
      'torch/bad-tensor',
      /without arguments/,
    ],
    [
      'more sizes than strides',
      tensorV2(storage, 0, [2, 3], [1]),
      'torch/bad-tensor',
      /2 dimensions and strides for 1/,
    ],
    [
      '65 dimensions',
      tensorV2(storage, 0, Array<number>(65).fill(1), Array<number>(65).fill(1)),
      'torch/bad-tensor',
      /65 dimensions/,
    ],
    [
      '2^80 elements',
      tensorV2(storage, 0, [2 ** 40, 2 ** 40], [0, 0]),
      'torch/bad-tensor',
      /more elements than any file/,
    ],
    [
      'a storage that is none',
      tensorV2('storage', 0, [1], [1]),
      'torch/bad-tensor',
      /the storage of a tensor is the string/,
    ],
    [
      'a persistent id that is none',
      tensorV2({ persistent: 'x' }, 0, [1], [1]),
      'torch/bad-tensor',
      /should be a persistent id/,
    ],
    ['a short persistent id', persistent('storage', FLOATS), 'torch/bad-tensor', /not \('storage'/],
    [
      'a class that is a string',
      persistent('storage', 'torch.FloatStorage', '0', 'cpu', 6),
      'torch/bad-tensor',
      /not \('storage'/,
    ],
    ['no location', persistent('storage', FLOATS, '0', null, 6), 'torch/bad-tensor', /not \('storage'/],
    [
      'no length',
      persistent('storage', FLOATS, '0', 'cpu'),
      'torch/bad-tensor',
      /size of the storage data\/0 is nothing/,
    ],
    ['a negative length', persistent('storage', FLOATS, '0', 'cpu', -1), 'torch/bad-tensor', /is the integer -1/],
    ['a length beyond 2^53', persistent('storage', FLOATS, '0', 'cpu', 2n ** 60n), 'torch/bad-tensor', /beyond 2\^53/],
    [
      'a length of 2^50',
      persistent('storage', FLOATS, '0', 'cpu', 2 ** 50),
      'torch/short-storage',
      /should have 4503599627370496 bytes, but has 24/,
    ],
    [
      'a record that is missing',
      storageId('torch.FloatStorage', '1', 6),
      'torch/missing-storage',
      /data\/1 is missing/,
    ],
    [
      'a class that is not known',
      storageId('torch.WeirdStorage', '0', 6),
      'torch/unknown-storage',
      /torch\.WeirdStorage/,
    ],
    [
      'a class of another module',
      storageId('mylib.FloatStorage', '0', 6),
      'torch/unknown-storage',
      /mylib\.FloatStorage/,
    ],
    [
      'several elements in a byte',
      tensorV2(storageId('torch.QUInt4x2Storage', '0', 6), 0, [6], [1]),
      'torch/bad-tensor',
      /quint4x2/,
    ],
    [
      'no type',
      utils('_rebuild_tensor_v3', storage, 0, [1], [1], false, null, 'float32'),
      'torch/bad-tensor',
      /no type of PyTorch/,
    ],
    [
      'a type of another module',
      utils('_rebuild_tensor_v3', storage, 0, [1], [1], false, null, { global: 'numpy.float32' }),
      'torch/bad-tensor',
      /no type of PyTorch/,
    ],
    [
      'a parameter of nothing',
      utils('_rebuild_parameter', 1, true, null),
      'torch/bad-tensor',
      /something that is no tensor/,
    ],
    [
      'a parameter of a call',
      utils('_rebuild_parameter', utils('f'), true, null),
      'torch/bad-tensor',
      /something that is no tensor/,
    ],
    [
      'a subclass of nothing',
      { call: 'torch._tensor._rebuild_from_type_v2', args: [FLOATS, FLOATS, [], null] },
      'torch/bad-tensor',
      /makes no tensor/,
    ],
    [
      'a sparse tensor without layout',
      utils('_rebuild_sparse_tensor', null, [good, good, [2]]),
      'torch/bad-tensor',
      /layout ""/,
    ],
    [
      'a sparse tensor without size',
      utils('_rebuild_sparse_tensor', { global: 'torch.sparse_coo' }, [good, good]),
      'torch/bad-tensor',
      /sparse/,
    ],
    [
      'a sparse tensor of a list',
      utils('_rebuild_sparse_tensor', { global: 'torch.sparse_coo' }, { list: [good] }),
      'torch/bad-tensor',
      /sparse/,
    ],
    ['a nested tensor of nothing', utils('_rebuild_nested_tensor', good, good, good), 'torch/bad-tensor', /no tensor/],
  ])('%s', async (_, root, code, message) => {
    const error = await refusal(await torchBytes({ dict: [['w', root]] }, { 'data/0': data }));
    expect(error).toMatchObject({
      code,
      path: 'x.pth : archive/data.pkl',
      message: expect.stringMatching(message) as string,
    });
    expect((error as CheckpointError).offset).toBeGreaterThan(0);
  });

  it('wrapped without end', async () => {
    let wrapped = good;
    for (let depth = 0; depth < 15; depth += 1) wrapped = utils('_rebuild_parameter', wrapped, true, null);
    expect(await refusal(await torchBytes(wrapped, { 'data/0': data }))).toBe('accepted');
    wrapped = utils('_rebuild_parameter', wrapped, true, null);
    expect(await refusal(await torchBytes(wrapped, { 'data/0': data }))).toMatchObject({ code: 'torch/bad-tensor' });
  });

  it('and their files are, whose pickles are too long', async () => {
    const bytes = await torchBytes(good, { 'data/0': data });
    const open = openTorchFile(memorySource(bytes), { limits: { bytes: 10 } });
    await expect(open).rejects.toMatchObject({ code: 'torch/too-large' });
    await expect(openTorchFile(memorySource(bytes), { limits: { values: 3 } })).rejects.toMatchObject({
      code: 'pickle/limit-exceeded',
    });
  });
});

describe('archives that are no checkpoints', () => {
  it.each([
    ['a document', { 'word/document.xml': '<xml/>' }, 'torch/no-pickle', /data\.pkl/],
    ['nothing', {}, 'torch/no-pickle', /data\.pkl/],
    [
      'TorchScript',
      { 'm/data.pkl': 'x', 'm/constants.pkl': 'x', 'm/code/a.py': '' },
      'torch/torchscript',
      /TorchScript/,
    ],
    ['torch.export', { 'm/archive_format': 'pt2', 'm/data/x': '' }, 'torch/exported-program', /torch\.export/],
    ['torch.package', { 'm/.data/extern_modules': '', 'm/a.py': '' }, 'torch/package', /torch\.package/],
  ])('are named: %s', async (_, members, code, message) => {
    const bytes = await makeWithJszip(members);
    expect(await refusal(bytes)).toMatchObject({ code, message: expect.stringMatching(message) as string });
  });
});

describe('files that are no archives', () => {
  const tar = new Uint8Array(512);
  tar.set(new TextEncoder().encode('ustar'), 257);

  it.each<[string, Uint8Array, string]>([
    ['a tar', tar, 'torch/tar'],
    ['a pickle', pickleOf({ dict: [['a', 1]] }), 'torch/plain-pickle'],
    ['an empty file', new Uint8Array(0), 'source/empty'],
    ['a page', new TextEncoder().encode('<!DOCTYPE html><title>Access Denied</title>'), 'source/html-page'],
  ])('are named: %s', async (_, bytes, code) => {
    expect(await refusal(bytes)).toMatchObject({ code, path: 'x.pth' });
  });
});

describe('damage', () => {
  it('at any length of a small file is refused', async () => {
    const bytes = await torchBytes({ dict: [['w', good]] }, { 'data/0': data, byteorder: 'little' });
    expect(await refusal(bytes)).toBe('accepted');
    for (let length = 0; length < bytes.byteLength; length += 1) {
      expect(await refusal(bytes.subarray(0, length))).toBeInstanceOf(CheckpointError);
    }
  });

  it('of half a checkpoint is told with the place where it stops', async () => {
    const bytes = readFileSync(join(modelFolder('llama3.2-tiny'), 'consolidated.00.pth'));
    expect(await refusal(bytes.subarray(0, 1_400_000))).toMatchObject({
      code: 'zip/no-end-record',
      message: 'cut off: no ZIP end record in 1400000 bytes; at least 1357095 bytes are missing',
      hint: expect.stringMatching(
        /^the last complete member ends at 0x[0-9a-f]+; the download stopped there/,
      ) as string,
    });
  });

  it('of the disk at any read is told as such', async () => {
    const bytes = await torchBytes({ dict: [['w', good]] }, { 'data/0': data, byteorder: 'little' });
    const run = async (n: number): Promise<void> => {
      const file = await openTorchFile(failingSource(memorySource(bytes), n));
      await file.locate();
      await file.tensors[0]!.readRows(0, 1);
    };
    for (let n = 0; n < 7; n += 1) await expect(run(n)).rejects.toMatchObject({ code: 'source/read-failed' });
    await run(7);
  });

  it('of any kind gives a CheckpointError or a file, never anything else', async () => {
    const seed = await torchBytes(
      {
        dict: [
          ['w', good],
          ['t', tensorV2(storage, 0, [3, 2], [1, 3])],
          ['p', utils('_rebuild_parameter', good, true, null)],
        ],
      },
      { 'data/0': data, byteorder: 'little', version: '3\n' },
    );
    const pickle = pickleOf({
      dict: [
        ['w', good],
        ['m', { list: [good, 1, [2, good]] }],
      ],
    });
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.nat(2)), { minLength: 1, maxLength: 4 });
    const edited = (bytes: Uint8Array, changes: readonly (readonly [number, number, number])[]): Uint8Array => {
      const copy = [...bytes];
      for (const [place, value, kind] of changes) {
        const at = place % copy.length;
        if (kind === 0) copy[at] = value;
        else if (kind === 1) copy.splice(at, 0, value);
        else copy.splice(at, 1);
      }
      return Uint8Array.from(copy);
    };
    await fc.assert(
      fc.asyncProperty(edits, fc.boolean(), async (changes, inPickle) => {
        const bytes = inPickle ? await torchBytes(edited(pickle, changes), { 'data/0': data }) : edited(seed, changes);
        const error = await refusal(bytes);
        if (error !== 'accepted') expect(error).toBeInstanceOf(CheckpointError);
      }),
      { numRuns: 3000 },
    );
  });
});
