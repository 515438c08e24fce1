import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { memorySource } from '../../source/memory.js';
import { type Py, pickleOf, storageId, tensorV2, torchBytes } from '../../testing/torch-bytes.js';
import { makeWithJszip } from '../../testing/zip.js';
import { type TorchFile, openTorchFile } from './torch-file.js';

const storage = (key = '0', elements = 6): Py => storageId('torch.FloatStorage', key, elements);
const floats = Float32Array.of(0, 1, 2, 3, 4, 5);
const F = new Uint8Array(floats.buffer);
const tensor = (shape: readonly number[] = [2, 3], stride: readonly number[] = [3, 1], offset = 0): Py =>
  tensorV2(storage(), offset, shape, stride);

async function open(
  root: Py,
  records: Readonly<Record<string, Uint8Array | string>> = { 'data/0': F },
): Promise<TorchFile> {
  return openTorchFile(memorySource(await torchBytes(root, records), 'x.pth'));
}

async function valuesOf(file: TorchFile, name: string): Promise<number[]> {
  const found = file.tensors.find((each) => each.name === name)!;
  const rows = found.shape.slice(0, -1).reduce((product, extent) => product * extent, 1);
  const bytes = await found.readRows(0, rows);
  return [...new Float32Array(Uint8Array.from(bytes).buffer)];
}

const call = (name: string, ...args: readonly Py[]): Py => ({ call: name, args });
const utils = (name: string, ...args: readonly Py[]): Py => call(`torch._utils.${name}`, ...args);
const names = (file: TorchFile): string[] => file.tensors.map(({ name }) => name);

describe('names', () => {
  it('are the way to the tensor, joined by dots', async () => {
    const file = await open({
      dict: [
        ['a', tensor()],
        [
          'model',
          {
            dict: [
              ['b', tensor()],
              ['list', { list: [1, tensor()] }],
            ],
          },
        ],
        [7, tensor()],
        [-1, [tensor()]],
        [true, tensor()],
        [false, tensor()],
        [null, tensor()],
        [{ float: 2.5 }, tensor()],
        [['x', 1], tensor()],
        [2n ** 70n, tensor()],
        ['__proto__', tensor()],
      ],
    });
    expect(names(file)).toEqual([
      ...['a', 'model.b', 'model.list.1', '7', '-1.0', 'True', 'False', 'None', '2.5', '<a tuple of 2>'],
      ...['1180591620717411303424', '__proto__'],
    ]);
    expect(file.tensors[1]!.path).toEqual(['model', 'b']);
    expect(file.tensors[3]!.path).toEqual([{ key: 7 }]);
    expect(file.tensors[4]!.path).toEqual([{ key: -1 }, 0]);
  });

  it('are made unique where two ways give one name', async () => {
    const file = await open({
      dict: [
        ['a.b', tensor()],
        ['a', { dict: [['b', tensor()]] }],
        ['a.b#2', tensor()],
        ['1', tensor()],
        [1, tensor()],
      ],
    });
    expect(names(file)).toEqual(['a.b', 'a.b#2', 'a.b#2#2', '1', '1#2']);
  });

  it('are empty for a tensor that is the object itself', async () => {
    const file = await open(tensor());
    expect(file.tensors[0]).toMatchObject({ name: '', path: [], shape: [2, 3] });
    expect(names(await open({ dict: [['', { dict: [['a', tensor()]] }]] }))).toEqual(['.a']);
  });

  it('follow dictionaries and objects of all kinds', async () => {
    const file = await open({
      dict: [
        [
          'ordered',
          {
            call: 'collections.OrderedDict',
            args: [],
            items: [['w', tensor()]],
            state: { dict: [['_metadata', tensor()]] },
          },
        ],
        ['python2', call('collections.OrderedDict', { list: [['w', tensor()], { list: ['v', tensor()] }, 3] })],
        [
          'object',
          { call: 'mylib.Thing', args: [5, tensor()], state: { dict: [['w', tensor()]] }, items: [['k', tensor()]] },
        ],
        ['slots', { call: 'mylib.Slots', args: [], state: [null, { dict: [['s', tensor()]] }] }],
        ['odd', { call: 'mylib.Odd', args: [], state: { dict: [[1, tensor()]] } }],
        ['set', { call: 'builtins.set', args: [{ list: [tensor()] }] }],
        [
          'new',
          {
            raw: [
              ...pickleOf({ global: 'mylib.New' }).subarray(2, -1),
              ...pickleOf([]).subarray(2, -1),
              0x81,
              ...pickleOf({ dict: [['w', tensor()]] }).subarray(2, -1),
              0x62,
            ],
          },
        ],
      ],
    });
    expect(names(file)).toEqual([
      ...['ordered.w', 'ordered._metadata', 'python2.w', 'python2.v'],
      ...['object.args.1', 'object.w', 'object.k', 'slots.__state__.1.s', 'odd.__state__.1', 'set', 'new.w'],
    ]);
  });

  it('go through sets, keyword arguments and appended items of protocol 4', async () => {
    const item = [...pickleOf(tensor()).subarray(2, -1)];
    const object = [...pickleOf({ global: 'mylib.New' }).subarray(2, -1), 0x29];
    const root: Py = {
      list: [
        { raw: [0x8f, 0x28, ...item, 0x90] }, // a set
        { raw: [0x28, ...item, 0x91] }, // a frozenset
        { raw: [...object, ...pickleOf({ dict: [['w', tensor()]] }).subarray(2, -1), 0x92] }, // NEWOBJ_EX
        { raw: [...object, 0x81, ...item, 0x61] }, // APPEND to an object
        { raw: [...object, 0x81, 0x28, ...item, 0x90] }, // ADDITEMS to an object
      ],
    };
    expect(names(await open(root))).toEqual(['0', '1', '2.w', '3.0', '4']);
  });
});

describe('tensors', () => {
  it('may be views of any strides', async () => {
    const file = await open({
      dict: [
        ['plain', tensor()],
        ['transposed', tensor([3, 2], [1, 3])],
        ['expanded', tensor([2, 3], [0, 1], 3)],
        ['step', tensor([2], [4], 1)],
        ['scalar', tensor([], [], 5)],
        ['empty', tensor([0, 3], [3, 1], 99)],
        ['size', tensorV2(storage(), 0, call('torch.Size', [6]), { list: [1] })],
        ['odd stride', tensor([1, 6], [999, 1])],
      ],
    });
    expect(await valuesOf(file, 'plain')).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await valuesOf(file, 'transposed')).toEqual([0, 3, 1, 4, 2, 5]);
    expect(await valuesOf(file, 'expanded')).toEqual([3, 4, 5, 3, 4, 5]);
    expect(await valuesOf(file, 'step')).toEqual([1, 5]);
    expect(await valuesOf(file, 'scalar')).toEqual([5]);
    expect(await valuesOf(file, 'empty')).toEqual([]);
    expect(await valuesOf(file, 'size')).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await valuesOf(file, 'odd stride')).toEqual([0, 1, 2, 3, 4, 5]);
    const transposed = file.tensors[1]!;
    expect([...new Float32Array(Uint8Array.from(await transposed.readRows(1, 1)).buffer)]).toEqual([1, 4]);
    expect(transposed.fileOffset).toBeUndefined();
    expect(file.tensors[0]!.fileOffset! % 64).toBe(0);
  });

  it('refuse to be read beyond their ends', async () => {
    const [found] = (await open(tensor())).tensors;
    const attempts = [
      found!.readRows(1, 2),
      found!.readRows(-1, 1),
      found!.readBytes(20, 8),
      found!.readBytes(-4, 4),
      found!.readBytes(2, 4),
      found!.readBytes(0, 3),
      found!.readBytes(NaN, 4),
      found!.readBytes(0, -4),
    ];
    for (const attempt of attempts) await expect(attempt).rejects.toMatchObject({ code: 'source/out-of-range' });
  });

  it('may be made by the first version of the function', async () => {
    const file = await open(utils('_rebuild_tensor', storage(), 1, [2], [2]));
    expect(await valuesOf(file, '')).toEqual([1, 3]);
  });

  it('may be parameters, with attributes', async () => {
    const hooks = call('collections.OrderedDict');
    const file = await open({
      dict: [
        ['p', utils('_rebuild_parameter', tensor(), true, hooks)],
        ['q', utils('_rebuild_parameter_with_state', tensor(), true, hooks, { dict: [['scale', tensor([1], [1])]] })],
        ['none', utils('_rebuild_parameter_with_state', tensor(), false, null, null)],
      ],
    });
    expect(file.tensors.map(({ name, isParameter, requiresGrad }) => [name, isParameter, requiresGrad])).toEqual([
      ['p', true, true],
      ['q', true, true],
      ['q.__dict__.scale', false, false],
      ['none', true, false],
    ]);
    expect(file.tensors[2]!.path).toEqual(['q', { attr: '__dict__' }, 'scale']);
  });

  it('may be of subclasses', async () => {
    const inner = [storage(), 0, [6], [1], true, call('collections.OrderedDict')];
    const made = (type: string, state: Py): Py =>
      call(
        'torch._tensor._rebuild_from_type_v2',
        { global: 'torch._utils._rebuild_tensor_v2' },
        { global: type },
        inner,
        state,
      );
    const file = await open({
      dict: [
        ['named', made('mylib.Named', { dict: [['other', tensor()]] })],
        ['plain', made('torch.Tensor', { dict: [] })],
        ['parameter', made('torch.nn.parameter.Parameter', null)],
        ['cpu', utils('_rebuild_device_tensor_from_cpu_tensor', tensor(), { global: 'torch.float32' }, 'xla:0', true)],
        ['built', { call: 'torch._utils._rebuild_tensor_v2', args: inner, state: { dict: [['w', tensor()]] } }],
      ],
    });
    expect(file.tensors.map(({ name, pythonType, isParameter }) => [name, pythonType, isParameter])).toEqual([
      ['named', 'mylib.Named', false],
      ['named.__dict__.other', undefined, false],
      ['plain', undefined, false],
      ['parameter', undefined, true],
      ['cpu', undefined, false],
      ['built', undefined, false],
      ['built.__dict__.w', undefined, false],
    ]);
  });

  it('may be quantized', async () => {
    const bytes = storageId('torch.QInt8Storage', '1', 6);
    const perChannel: Py = [{ global: 'torch.per_channel_affine' }, tensor([2], [1]), tensor([2], [1], 2), 0];
    const perTensor: Py = [{ global: 'torch.per_tensor_affine' }, { float: 0.5 }, 3];
    const rebuilt = (quantizer: Py): Py => utils('_rebuild_qtensor', bytes, 0, [2, 3], [3, 1], quantizer, false, null);
    const file = await open(
      {
        dict: [
          ['c', rebuilt(perChannel)],
          ['t', rebuilt(perTensor)],
          ['n', rebuilt(null)],
        ],
      },
      { 'data/0': F, 'data/1': Uint8Array.of(1, 2, 3, 4, 5, 6) },
    );
    expect(file.tensors.map(({ name, kind, dtype }) => [name, kind, dtype])).toEqual([
      ['c', 'quantized', 'qint8'],
      ['c.scales', 'dense', 'float32'],
      ['c.zero_points', 'dense', 'float32'],
      ['t', 'quantized', 'qint8'],
      ['n', 'quantized', 'qint8'],
    ]);
    expect(file.tensors[0]!.quantizer).toMatchObject({ kind: 'tuple' });
  });

  it('may have no elements of their own', async () => {
    const layout = (name: string): Py => call('torch.serialization._get_layout', name);
    const one = tensor([1], [1]);
    const file = await open({
      dict: [
        ['meta', utils('_rebuild_meta_tensor_no_storage', { global: 'torch.bfloat16' }, [4, 8], [8, 1], true)],
        [
          'wrapper',
          utils(
            '_rebuild_wrapper_subclass',
            { global: 'mylib.W' },
            { global: 'torch.float32' },
            [4],
            [1],
            0,
            null,
            null,
            false,
          ),
        ],
        ['coo', utils('_rebuild_sparse_tensor', layout('torch.sparse_coo'), [one, one, [4, 5]])],
        ['csr', utils('_rebuild_sparse_csr_tensor', { global: 'torch.sparse_csr' }, [one, one, one, [4, 5]])],
        ['nested', utils('_rebuild_nested_tensor', one, one, one, one)],
      ],
    });
    expect(
      file.others.map(({ name, kind, storedDtype, shape, pythonType }) => [name, kind, storedDtype, shape, pythonType]),
    ).toEqual([
      ['meta', 'meta', 'bfloat16', [4, 8], undefined],
      ['wrapper', 'wrapper', 'float32', [4], 'mylib.W'],
      ['coo', 'sparse_coo', 'float32', [4, 5], undefined],
      ['csr', 'sparse_csr', 'float32', [4, 5], undefined],
      ['nested', 'nested', 'float32', [], undefined],
    ]);
    expect(names(file)).toEqual([
      ...['coo.indices', 'coo.values', 'csr.crow_indices', 'csr.col_indices', 'csr.values'],
      ...['nested.buffer', 'nested.sizes', 'nested.strides', 'nested.storage_offsets'],
    ]);
    expect(file.tensors[0]!.path).toEqual(['coo', { part: 'indices' }]);
  });

  it('may be of types that are named beside untyped bytes, or not known at all', async () => {
    const untyped = storageId('torch.storage.UntypedStorage', '0', 24);
    const v3 = (dtype: string): Py =>
      utils('_rebuild_tensor_v3', untyped, 1, [2], [1], false, null, { global: `torch.${dtype}` });
    const file = await open({
      dict: [
        ['i', v3('int32')],
        ['four', v3('int4')],
        ['bytes', tensorV2(untyped, 4, [4], [1])],
      ],
    });
    expect(file.tensors.map(({ name, dtype }) => [name, dtype])).toEqual([
      ['i', 'int32'],
      ['bytes', 'uint8'],
    ]);
    expect(file.others).toMatchObject([{ name: 'four', kind: 'dense', storedDtype: 'int4', shape: [2] }]);
    expect(await file.tensors[0]!.readBytes(0, 8)).toEqual(F.subarray(4, 12));
  });

  it('may stand with other signs than their bytes', async () => {
    const complex = storageId('torch.ComplexFloatStorage', '0', 3);
    const bits = (storageOf: Py, count: number, ...flags: string[]): Py =>
      tensorV2(storageOf, 0, [count], [1], false, { dict: flags.map((flag) => [flag, true] as const) });
    const integers = new Uint8Array(Int16Array.of(1, -2, 0, -32768, 300).buffer);
    const file = await open(
      {
        dict: [
          ['conj', bits(complex, 3, 'conj')],
          ['neg', bits(complex, 3, 'neg')],
          ['both', bits(complex, 3, 'conj', 'neg')],
          ['none', bits(complex, 3)],
          ['float', bits(storage(), 3, 'neg')],
          ['integers', bits(storageId('torch.ShortStorage', '1', 5), 5, 'neg')],
        ],
      },
      { 'data/0': F, 'data/1': integers },
    );
    const read = async (name: string): Promise<number[]> => {
      const found = file.tensors.find((each) => each.name === name)!;
      const bytes = await found.readBytes(
        0,
        found.dtype === 'complex64' ? 24 : found.shape[0]! * (found.dtype === 'int16' ? 2 : 4),
      );
      const { buffer } = Uint8Array.from(bytes);
      return [...(found.dtype === 'int16' ? new Int16Array(buffer) : new Float32Array(buffer))].map(
        (value) => value + 0,
      );
    };
    expect(await read('conj')).toEqual([0, -1, 2, -3, 4, -5]);
    expect(await read('neg')).toEqual([0, -1, -2, -3, -4, -5]);
    expect(await read('both')).toEqual([0, 1, -2, 3, -4, 5]);
    expect(await read('none')).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await read('float')).toEqual([0, -1, -2]);
    expect(await read('integers')).toEqual([-1, 2, 0, -32768, -300]);
    expect(F[4]).toBe(0); // the file's own bytes are untouched
    expect(new Set(file.tensors.map((each) => each.viewKey)).size).toBe(6);
  });
});

describe('byte order', () => {
  it('is turned round where the file was written on a big-endian machine', async () => {
    const swapped = (bytes: Uint8Array, unit: number): Uint8Array =>
      Uint8Array.from(bytes, (_, index) => bytes[index - (index % unit) + unit - 1 - (index % unit)]!);
    const records = { 'data/0': swapped(F, 4), 'data/1': Uint8Array.of(1, 2, 3), byteorder: 'big' };
    const file = await open(
      {
        dict: [
          ['f', tensor()],
          ['t', tensor([3, 2], [1, 3])],
          ['c', tensorV2(storageId('torch.ComplexFloatStorage', '0', 3), 0, [3], [1])],
          ['b', tensorV2(storageId('torch.ByteStorage', '1', 3), 0, [3], [1])],
        ],
      },
      records,
    );
    expect(await valuesOf(file, 'f')).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await valuesOf(file, 't')).toEqual([0, 3, 1, 4, 2, 5]);
    expect(await valuesOf(file, 'c')).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...(await file.tensors[3]!.readBytes(0, 3))]).toEqual([1, 2, 3]);
    expect(file.tensors[0]!.fileOffset).toBeUndefined();
  });

  it('must be one that exists', async () => {
    await expect(open(tensor(), { 'data/0': F, byteorder: 'middle' })).rejects.toMatchObject({
      code: 'torch/bad-byteorder',
      message: 'the byteorder record says "middle", not little or big',
    });
  });
});

describe('objects', () => {
  it('may contain themselves', async () => {
    const cyclic: Py = {
      raw: [
        0x7d,
        0x71,
        0,
        0x28,
        ...pickleOf('self').subarray(2, -1),
        0x68,
        0,
        ...pickleOf('w').subarray(2, -1),
        ...pickleOf(tensor()).subarray(2, -1),
        0x75,
      ],
    };
    expect(names(await open({ list: [cyclic, 1] }))).toEqual(['0.w']);
  });

  it('may share parts, which then have several names', async () => {
    const shared: Py = { raw: [...pickleOf({ list: [tensor()] }).subarray(2, -1), 0x71, 9] };
    const again: Py = { raw: [0x68, 9] };
    const file = await open({
      dict: [
        ['a', shared],
        ['b', again],
      ],
    });
    expect(names(file)).toEqual(['a.0', 'b.0']);
    expect(file.tensors[0]!.viewKey).toBe(file.tensors[1]!.viewKey);
  });

  it('that would be immense when written out are no trouble without tensors, and refused with them', async () => {
    const bomb = (first: Py): Py => {
      const opcodes = [...pickleOf({ list: [first] }).subarray(2, -1), 0x71, 0];
      for (let level = 1; level < 40; level += 1)
        opcodes.push(
          0x30,
          0x5d,
          0x28,
          ...Array.from({ length: 10 }, () => [0x68, level - 1]).flat(),
          0x65,
          0x71,
          level,
        );
      return { raw: opcodes };
    };
    expect((await open(bomb(1))).tensors).toEqual([]);
    await expect(open(bomb(tensor()))).rejects.toMatchObject({ code: 'torch/too-large' });
  });

  it('may be nested deeply, but not without end', async () => {
    const nested = (depth: number): Py => ({
      raw: [
        ...Array<number>(depth).fill(0x5d),
        ...pickleOf(tensor()).subarray(2, -1),
        ...Array<number>(depth).fill(0x61),
      ],
    });
    const file = await open(nested(1000));
    expect(file.tensors[0]!.path).toHaveLength(1000);
    await expect(open(nested(50_000))).rejects.toMatchObject({
      code: 'torch/too-large',
      message: 'the pickled object is nested more than 2000 levels deep',
    });
  });

  it('may not have names of a hundred megabytes', async () => {
    const long = 'x'.repeat(1 << 20);
    const shared: Py = { raw: [...pickleOf(tensor()).subarray(2, -1), 0x71, 0] };
    const again = Array.from({ length: 70 }, (): Py => ({ raw: [0x68, 0] }));
    await expect(open({ dict: [[long, { list: [shared, ...again] }]] })).rejects.toMatchObject({
      code: 'torch/too-large',
    });
  });

  it('may hold storages beside tensors, and things that mean nothing here', async () => {
    const file = await open(
      {
        dict: [
          ['s', storage('1', 2)],
          ['t', tensor()],
          ['x', { persistent: 'module' }],
          ['e', { global: 'os.system' }],
        ],
      },
      { 'data/0': F, 'data/1': F },
    );
    expect(file.storages.map(({ key, byteLength }) => [key, byteLength])).toEqual([
      ['1', 8],
      ['0', 24],
    ]);
    expect(file.globals.map(({ name }) => name)).toContain('system');
  });
});

describe('archives of other programs', () => {
  it('may be deflated', async () => {
    const noise = Float32Array.from({ length: 5000 }, (_, index) => Math.sin(index));
    const archive = await makeWithJszip(
      {
        'model/data.pkl': pickleOf({ dict: [['w', tensorV2(storage('0', 5000), 0, [50, 100], [1, 50])]] }),
        'model/data/0': new Uint8Array(noise.buffer),
      },
      { deflate: true },
    );
    const file = await openTorchFile(memorySource(archive));
    const bytes = await file.tensors[0]!.readRows(0, 50);
    const expected = Float32Array.from(noise, (_, index) => noise[(index % 100) * 50 + Math.floor(index / 100)]!);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(
      createHash('sha256').update(new Uint8Array(expected.buffer)).digest('hex'),
    );
    await file.locate();
    expect(file.tensors[0]!.fileOffset).toBeUndefined();
    expect((await file.tensors[0]!.readRows(3, 1)).byteLength).toBe(400);
  });

  it('may have their records in any order, or without a folder', async () => {
    const pickle = pickleOf({ dict: [['w', tensor()]] });
    for (const prefix of ['archive/', '']) {
      const members = { 'zzz/other': 'x', [`${prefix}data/0`]: F, [`${prefix}data.pkl`]: pickle };
      if (prefix === '') delete (members as Record<string, unknown>)['zzz/other'];
      const file = await openTorchFile(memorySource(await makeWithJszip(members)));
      expect(await valuesOf(file, 'w')).toEqual([0, 1, 2, 3, 4, 5]);
    }
  });
});
