/**
 * Values of Python and NumPy as JSON, against what Python says they are; and objects that nobody writes.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { memorySource } from '../../source/memory.js';
import { FIXTURES } from '../../testing/fixtures.js';
import { type Py, pickleOf, storageId, tensorV2, torchBytes } from '../../testing/torch-bytes.js';
import { type ObjectJsonOptions, objectAsJson } from './object-json.js';
import type { ObjectJson, TaggedJson } from './tagged-json.js';
import { type TorchFile, openTorchFile } from './torch-file.js';

interface Case {
  readonly name: string;
  readonly pickle: string;
  readonly root: TaggedJson;
}

const CASES = JSON.parse(readFileSync(join(FIXTURES, 'python-values/cases.json'), 'utf8')) as Case[];

async function open(root: Py | Uint8Array): Promise<TorchFile> {
  return openTorchFile(memorySource(await torchBytes(root, { 'data/0': new Uint8Array(24) }), 'x.pth'));
}

async function jsonOf(root: Py | Uint8Array, options?: ObjectJsonOptions): Promise<ObjectJson> {
  return objectAsJson(await open(root), options);
}

const rootOf = async (root: Py | Uint8Array): Promise<TaggedJson> => (await jsonOf(root)).root;

const tensor = (...more: readonly Py[]): Py =>
  tensorV2(storageId('torch.FloatStorage', '0', 6), 0, [2, 3], [3, 1], ...more);
const call = (name: string, ...args: readonly Py[]): Py => ({ call: name, args });
const latin1 = (bytes: Uint8Array): Py => call('_codecs.encode', String.fromCharCode(...bytes), 'latin1');
const code = (value: Py): number[] => [...pickleOf(value).subarray(2, -1)];

describe('values of Python and NumPy', () => {
  it.each(CASES.map((one) => [one.name, one] as const))('%s', async (_, { pickle, root }) => {
    expect(await rootOf(Buffer.from(pickle, 'hex'))).toStrictEqual(root);
  });
});

describe('objects', () => {
  it('are told by what was done to them, also what no program of Python does', async () => {
    const item = code(1);
    // MARK item ADDITEMS, and two BUILDs
    const busy: Py = { raw: [...code(call('m.C', 7)), 0x28, ...item, 0x90, ...code('a'), 0x62, ...code('b'), 0x62] };
    const keywords: Py = { raw: [...code({ global: 'm.K' }), 0x29, ...code({ dict: [['x', 1]] }), 0x92] };
    const noKeywords: Py = { raw: [...code({ global: 'm.K' }), 0x29, ...code({ dict: [] }), 0x92] };
    const computedKeywords: Py = { raw: [...code({ global: 'm.K' }), 0x29, ...code(call('m.k')), 0x92] };
    const computedArguments: Py = { call: 'm.F', args: call('m.args') };
    const computedCallable: Py = { raw: [...code(call('m.get', 'f')), ...code([1]), 0x52] };
    const instance: Py = { raw: [0x28, 0x69, ...new TextEncoder().encode('m\nI\n')] };
    const instanceOf: Py = { raw: [0x28, ...code(5), 0x69, ...new TextEncoder().encode('m\nI\n')] };
    const object = (body: Record<string, TaggedJson>): TaggedJson => ({ $object: body });
    expect(
      await rootOf({
        list: [
          ...[busy, keywords, noKeywords, computedKeywords, computedArguments, computedCallable, instance, instanceOf],
        ],
      }),
    ).toEqual([
      object({ class: 'm.C', how: 'call', args: [7], states: ['a', 'b'], set: [1] }),
      object({ class: 'm.K', how: 'newobj', kwargs: [['x', 1]] }),
      object({ class: 'm.K', how: 'newobj' }),
      object({ class: 'm.K', how: 'newobj', kwargs: object({ class: 'm.k', how: 'call' }) }),
      object({ class: 'm.F', how: 'call', args: object({ class: 'm.args', how: 'call' }) }),
      object({ class: object({ class: 'm.get', how: 'call', args: ['f'] }), how: 'call', args: [1] }),
      object({ class: 'm.I', how: 'newobj' }),
      object({ class: 'm.I', how: 'call', args: [5] }),
    ]);
  });

  it('that the writer alone knows are told by their numbers', async () => {
    expect(await rootOf({ raw: [0x82, 7] })).toEqual({ $extension: 7 });
    expect(await rootOf({ raw: [0x97] })).toEqual({ $buffer: 0 });
    expect(await rootOf({ persistent: ['module', 'x'] })).toEqual({ $persistent: { $tuple: ['module', 'x'] } });
    expect(await rootOf({ persistent: ['module', { global: 'm.C' }, 'f.py', 'class C: pass'] })).toEqual({
      $global: 'm.C',
    });
  });

  it.each([
    ['a set of lists', call('builtins.set', { list: [{ list: [] }] })],
    ['a set of two arguments', call('builtins.set', { list: [] }, 1)],
    ['a set of a string', call('builtins.set', 'ab')],
    ['an OrderedDict with a state of its own', { call: 'collections.OrderedDict', args: [], state: 5 }],
    ['an OrderedDict of a number', call('collections.OrderedDict', 5)],
    ['an OrderedDict of two', call('collections.OrderedDict', { list: [] }, 5)],
    ['a Counter of a list', call('collections.Counter', { list: [] })],
    ['a Counter of two', call('collections.Counter', { dict: [] }, 1)],
    ['a defaultdict of two', call('collections.defaultdict', null, 1)],
    ['a size of text', call('torch.Size', ['2'])],
    ['a size of two', call('torch.Size', [2], 3)],
    ['a device of a number', call('torch.device', 5)],
    ['a device with a named index', call('torch.device', 'cuda', 'x')],
    ['a layout of a number', call('torch.serialization._get_layout', 5)],
    ['a layout of no module', call('torch.serialization._get_layout', 'strided')],
    ['a layout nobody knows', call('torch.serialization._get_layout', 'torch.odd')],
    ['a complex number of one', call('builtins.complex', 1)],
    ['a complex number of text', call('builtins.complex', 'a', 'b')],
    ['bytes of a number', call('builtins.bytes', 5)],
    ['a bytearray of numbers', call('builtins.bytearray', { list: [1] })],
    ['text in an unknown encoding', call('_codecs.encode', 'a', 'rot13')],
    ['text that is no Latin-1', call('_codecs.encode', '\u20ac', 'latin1')],
    ['text with a third argument', call('_codecs.encode', 'a', 'latin1', 'strict')],
    ['encoded bytes with a state', { call: '_codecs.encode', args: ['a', 'latin1'], state: 5 }],
  ])('that make no sense stay uninterpreted: %s', async (_, value) => {
    expect(await rootOf(value)).toHaveProperty('$object.how', 'call');
  });

  it('of Python that need no arguments, and integers in complex numbers', async () => {
    expect(
      await rootOf({
        list: [
          ...[call('builtins.set'), call('builtins.bytearray'), call('collections.Counter')],
          ...[call('builtins.complex', 1, -2), call('_codecs.encode', '\u20ac', 'utf-8'), call('torch.Size', 2)],
          ...[{ global: 'torch.long' }, { global: 'torch.uint3' }, { global: 'torch.channels_last' }],
          ...[{ global: 'torch.UntypedStorage' }, { global: 'torch.constructor' }, { global: 'torch.tensor.Tensor' }],
        ],
      }),
    ).toEqual([
      ...[{ $set: [] }, { $bytearray: '' }, { $Counter: [] }],
      ...[{ $complex: ['1.0', '-2.0'] }, { $bytes: 'e282ac' }, { $size: [2] }],
      ...[{ $dtype: 'int64' }, { $dtype: 'uint3' }, { $memory_format: 'channels_last' }],
      ...[{ $global: 'torch.storage.UntypedStorage' }, { $global: 'torch.constructor' }],
      { $global: 'torch._tensor.Tensor' },
    ]);
  });

  it('of Counter may have attributes, and may be told what they hold twice', async () => {
    const counter: Py = {
      call: 'collections.Counter',
      args: [{ dict: [['a', 1]] }],
      items: [
        ['b', 2],
        ['a', 3],
      ],
      state: { dict: [['note', 'x']] },
    };
    expect(await rootOf(counter)).toEqual({
      $Counter: [
        ['a', 3],
        ['b', 2],
      ],
      attrs: [['note', 'x']],
    });
  });
});

describe('tensors', () => {
  it('have rows wherever they stand, named as in the file', async () => {
    const shared: Py = { raw: [...code(tensor()), 0x71, 9] };
    const again: Py = { raw: [0x68, 9] };
    const root: Py = {
      dict: [
        ['set', call('builtins.set', { list: [shared] })],
        [[again, 1], again],
        ['factory', call('collections.defaultdict', again)],
        ['made', { raw: [...code(call('m.get', again)), 0x29, 0x52] }],
        [
          'objects',
          {
            call: 'numpy.core.multiarray._reconstruct',
            args: [{ global: 'numpy.ndarray' }, [0], 'b'],
            state: [1, [1], dtype('O8', '|'), false, { list: [again] }],
          },
        ],
      ],
    };
    const file = await open(root);
    const json = await objectAsJson(file);
    expect(json.tensors.map(({ name }) => name)).toEqual(file.tensors.map(({ name }) => name));
    expect(json.tensors.map(({ path }) => path)).toEqual([
      ['set'],
      [{ part: 'key 1' }, 0],
      [{ key: { $tuple: [{ $tensor: 1 }, 1] } }],
      ['factory'],
      ['made', { attr: 'callable' }, { attr: 'args' }, 0],
      ['objects', { attr: '__state__' }, 4, 0],
    ]);
    expect(json.tensors.map((row) => row.alias_of)).toEqual([undefined, 0, 0, 0, 0, 0]);
    expect(json.storages).toMatchObject([{ id: 0, key: '0', numel: 6, nbytes: 24 }]);
    expect((json.root as { $dict: TaggedJson[][] }).$dict[4]).toEqual([
      'objects',
      { $ndarray: { dtype: '|O', shape: [1], object: true } },
    ]);
  });

  it('may hold themselves among their attributes, and be given attributes twice', async () => {
    // t.__dict__ = {'self': t}, then {'more': 1}
    const state = [...code({ dict: [] }), ...code('self'), 0x68, 9, 0x73];
    const root: Py = { raw: [...code(tensor()), 0x71, 9, ...state, 0x62, ...code({ dict: [['more', 1]] }), 0x62] };
    const file = await open(root);
    expect(file.tensors).toHaveLength(1);
    const json = await objectAsJson(file);
    expect(json.root).toEqual({ $tensor: 0 });
    expect(json.tensors).toMatchObject([
      { states: [{ $dict: [['self', { $tensor: 0 }]] }, { $dict: [['more', 1]] }], shape: [2, 3] },
    ]);
  });

  it('may be quantized in no way that is known', async () => {
    const quantized = call(
      'torch._utils._rebuild_qtensor',
      storageId('torch.QInt8Storage', '0', 6),
      ...[0, [2, 3], [3, 1], 5, false, null],
    );
    expect((await jsonOf(quantized)).tensors).toMatchObject([
      { kind: 'quantized', quantizer: { scheme: '', axis: null, scales: null, zero_points: null } },
    ]);
  });
});

/** A type of NumPy's, plain. */
function dtype(name: string, order: string): Py {
  return { call: 'numpy.dtype', args: [name, false, true], state: [3, order, null, null, null, -1, -1, 0] };
}

function array(type: Py, shape: Py, data: Py, isFortran = false): Py {
  return {
    call: 'numpy.core.multiarray._reconstruct',
    args: [{ global: 'numpy.ndarray' }, [0], latin1(Uint8Array.of(98))],
    state: [1, shape, type, isFortran, data],
  };
}

describe('arrays and scalars of NumPy', () => {
  const four = new Uint8Array(16).map((_, index) => index);

  it('are hashed by the browser, or by whom one names', async () => {
    const value = array(dtype('f4', '<'), [4], latin1(four));
    const sha256 = createHash('sha256').update(four).digest('hex');
    expect(await rootOf(value)).toEqual({ $ndarray: { dtype: '<f4', shape: [4], sha256 } });
    const json = await jsonOf(value, { sha256: (bytes) => `of ${bytes.byteLength}` });
    expect(json.root).toEqual({ $ndarray: { dtype: '<f4', shape: [4], sha256: 'of 16' } });
  });

  it('of Python 2 hold their bytes in a string', async () => {
    const text = new Uint8Array(4).fill(65);
    const sha256 = createHash('sha256').update(text).digest('hex');
    expect(await rootOf(array(dtype('u1', '|'), [4], 'AAAA'))).toEqual({
      $ndarray: { dtype: '|u1', shape: [4], sha256 },
    });
  });

  const record = (names: Py, fields: Py, size: Py = 8): Py => ({
    call: 'numpy.dtype',
    args: ['V8', false, true],
    state: [3, '|', null, names, fields, size, 1, 16],
  });
  const nested = (depth: number): Py => {
    let type = dtype('u8', '<');
    for (let level = 0; level < depth; level += 1) type = record(['a'], { dict: [['a', [type, 0]]] });
    return type;
  };
  const wide = record(['a'.repeat(70_000)], { dict: [['a'.repeat(70_000), [dtype('u8', '<'), 0]]] });

  it.each([
    ['too few bytes', array(dtype('f4', '<'), [5], latin1(four))],
    ['no bytes', array(dtype('f4', '<'), [4], 5)],
    ['a negative extent', array(dtype('f4', '<'), [-4], latin1(four))],
    ['no shape', array(dtype('f4', '<'), null, latin1(four))],
    ['no type', array(5, [4], latin1(four))],
    ['a type nobody knows', array(dtype('T16', '<'), [1], latin1(four))],
    ['a type of a number', array(call('numpy.dtype', 5), [1], latin1(four))],
    ['objects without a list', array(dtype('O8', '|'), [1], latin1(four))],
    ['a record without fields', array(record(['a'], 5), [2], latin1(four))],
    ['a record that lacks a field', array(record(['a'], { dict: [] }), [2], latin1(four))],
    ['a record with a number for a name', array(record([1], { dict: [] }), [2], latin1(four))],
    ['a field of no type', array(record(['a'], { dict: [['a', [5, 0]]] }), [2], latin1(four))],
    ['records inside records', array(nested(20), [2], latin1(four))],
    ['a name of 70,000 characters', array(wide, [2], latin1(four))],
    ['no state', call('numpy.core.multiarray._reconstruct', { global: 'numpy.ndarray' }, [0], 'b')],
    ['another class', call('numpy.core.multiarray._reconstruct', { global: 'm.Array' }, [0], 'b')],
    ['a buffer of no type', call('numpy._core.numeric._frombuffer', latin1(four), 5, [4], 'C')],
    ['a buffer of objects', call('numpy._core.numeric._frombuffer', latin1(four), dtype('O8', '|'), [2], 'C')],
    ['a scalar of another length', call('numpy.core.multiarray.scalar', dtype('f4', '<'), latin1(four))],
    ['a scalar of no type', call('numpy.core.multiarray.scalar', 5, latin1(four))],
    ['a long double', call('numpy.core.multiarray.scalar', dtype('f16', '<'), latin1(four))],
    ['a complex of halves', call('numpy.core.multiarray.scalar', dtype('c4', '<'), latin1(four.subarray(0, 4)))],
    ['a record as a scalar', call('numpy.core.multiarray.scalar', dtype('V16', '|'), latin1(four))],
  ])('that make no sense stay uninterpreted: %s', async (_, value) => {
    expect(await rootOf(value)).toHaveProperty('$object.how', 'call');
  });

  it('may be of units nobody knows, and hold characters that do not exist', async () => {
    const scalar = (type: Py, bytes: Uint8Array): Py => call('numpy.core.multiarray.scalar', type, latin1(bytes));
    const text: Py = {
      call: 'numpy.dtype',
      args: ['U1', false, true],
      state: [3, '>', null, null, null, 4, 4, 8],
    };
    const unit: Py = {
      call: 'numpy.dtype',
      args: ['m8', false, true],
      state: [4, '<', null, null, null, -1, -1, 0, [null, ['constructor', 1, 1, 1]]],
    };
    const [one, none] = [Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0), Uint8Array.of(0xff, 0, 0, 0)];
    expect(await rootOf({ list: [scalar(text, none), scalar(unit, one)] })).toEqual([
      '\ufffd',
      { $npscalar: { dtype: '<m8[constructor]', value: 1 } },
    ]);
  });

  it('may be what a tensor is made of', async () => {
    const made = (data: Py, type: Py): Py => call('torch._utils._rebuild_xla_tensor', data, type, 'xla:0', true);
    const float32 = { global: 'torch.float32' };
    const file = await open(made(array(dtype('f4', '>'), [2, 2], latin1(four), true), float32));
    expect(file.storages).toEqual([]);
    const [found] = file.tensors;
    expect(found).toMatchObject({ name: '', dtype: 'float32', shape: [2, 2], stride: [2, 1], requiresGrad: true });
    expect(found?.fileOffset).toBeUndefined();
    expect([...(await found!.readRows(0, 2))]).toEqual([3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 5, 4, 15, 14, 13, 12]);
    for (const value of [
      made(5, float32),
      made(call('m.array'), float32),
      made(array(dtype('f8', '<'), [2], latin1(four)), float32),
      made(array(dtype('f4', '<'), [4], latin1(four)), { global: 'torch.odd' }),
    ]) {
      await expect(open(value)).rejects.toMatchObject({ code: 'torch/bad-tensor' });
    }
  });
});

describe('objects that are immense as a tree', () => {
  /** Lists of ten times the list before. */
  const bomb = (first: Py, levels: number): Py => {
    const opcodes = [...code({ list: [first] }), 0x71, 0];
    for (let level = 1; level < levels; level += 1) {
      const ten = Array.from({ length: 10 }, () => [0x68, level - 1]).flat();
      opcodes.push(0x30, 0x5d, 0x28, ...ten, 0x65, 0x71, level);
    }
    return { raw: opcodes };
  };

  it('by sharing are refused', async () => {
    await expect(jsonOf(bomb(1, 30))).rejects.toMatchObject({
      code: 'torch/too-large',
      path: 'x.pth',
      message: expect.stringContaining('more than 1048576 values') as unknown,
    });
  });

  it('by text or bytes are refused', async () => {
    const text = 'x'.repeat(1 << 20);
    await expect(jsonOf(bomb(text, 6))).rejects.toMatchObject({
      message: expect.stringContaining('characters of text') as unknown,
    });
    // bytes are hashed once, where they are one object
    const bytes = { raw: [...code(call('_codecs.encode', text, 'latin1'))] };
    expect(JSON.stringify(await rootOf(bomb(bytes, 3))).match(/"sha256"/g)).toHaveLength(100);
  });

  it.each([
    ['lists', Array<number>(50_000).fill(0x5d), Array<number>(49_999).fill(0x61)],
    ['tuples', Array<number>(1).fill(0x29), Array<number>(50_000).fill(0x85)],
  ])('by depth are refused: %s', async (_, first, second) => {
    await expect(jsonOf({ raw: [...first, ...second] })).rejects.toMatchObject({ code: 'torch/too-large' });
  });

  it('by depth in a key, which no tensor is looked for in as deep, are refused', async () => {
    const deep: Py = { raw: [0x29, ...Array<number>(1500).fill(0x85)] };
    await expect(jsonOf({ dict: [[deep, 1]] })).rejects.toMatchObject({
      message: expect.stringContaining('nested more than 1000 levels') as unknown,
    });
  });

  it('but a thousand levels are not, and the JSON can be printed', async () => {
    let deep: Py = 1;
    for (let level = 0; level < 330; level += 1) deep = { dict: [['a', call('m.C', { list: [deep] })]] };
    const { root } = await jsonOf(deep);
    expect(JSON.parse(JSON.stringify(root))).toEqual(root);
  });
});

describe('long integers', () => {
  it('are decimal as far as Python itself writes them so, and then hexadecimal', async () => {
    const longest = 10n ** 4299n;
    const longer = 2n ** 20_000n;
    expect(
      await rootOf({ list: [{ raw: longOf(longest) }, { raw: longOf(longer) }, { raw: longOf(-longer) }] }),
    ).toEqual([{ $int: String(longest) }, { $int: `0x${longer.toString(16)}` }, { $int: `-0x${longer.toString(16)}` }]);
  });
});

/** LONG4 of an integer. */
function longOf(value: bigint): number[] {
  const bytes: number[] = [];
  const length = Math.ceil(value.toString(16).length / 2) + 1;
  for (let at = 0; at < length; at++) bytes.push(Number(BigInt.asUintN(8, value >> BigInt(8 * at))));
  return [0x8b, ...new Uint8Array(Uint32Array.of(length).buffer), ...bytes];
}
