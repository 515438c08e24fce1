import { describe, expect, it } from 'vitest';
import { bytes, dict, float, fromHex, list, tuple } from '../testing/pickle-assembler.js';
import { BINARY_PICKLES, OBJECT_PICKLES, PLAIN_PICKLES } from '../testing/pickle-golden.js';
import { dictGet, expectItems, isKind, qualifiedName } from './access.js';
import { type Pickle, parsePickle } from './machine.js';
import { PICKLE_OPCODES, type PickleArgument, opcodeOf } from './opcodes.js';
import type { ObjectValue, PickleValue } from './values.js';

const ALL = [...PLAIN_PICKLES, ...BINARY_PICKLES, ...Object.values(OBJECT_PICKLES)];

const PLAIN = dict(
  ['none', null],
  ['yes', true],
  ['no', false],
  [
    'ints',
    list(
      ...[0, -1, 255, 256, 65535, 65536, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 53 - 1],
      ...[2n ** 53n, -(2n ** 53n), 2n ** 64n, -(2n ** 70n)],
    ),
  ],
  ['floats', list(...[0.1, 1, -0, Infinity, -Infinity, NaN, 5e-324].map(float))],
  ['text', list('', 'a', 'naïve 日本語', '\u{1f999}', '\ud83d', 'two\nlines\t\\u0041', 'x'.repeat(70))],
  ['tuples', list(tuple(), tuple(1), tuple(1, 2), tuple(1, 2, 3), tuple(1, 2, 3, 4))],
  ['dict', dict([1, 'one'], ['1', 'text'], [null, 0], [float(2.5), list()], [tuple(1, 'a'), dict()])],
  ['shared', list(list(1), list(1))],
);

describe('pickles that CPython wrote', () => {
  it.each([0, 1, 2, 3, 4, 5])('reads plain values of protocol %i', (protocol) => {
    const read = parse(PLAIN_PICKLES[protocol]);
    expect(read.value).toEqual(PLAIN);
    expect(read.protocol).toBe(protocol < 2 ? 0 : protocol);
    const shared = isKind(read.value, 'dict') ? dictGet(read.value, 'shared') : undefined;
    const [first, second] = expectItems(shared, 'shared');
    expect(first).toBe(second);
  });

  it.each([0, 1, 2])('reads bytes and sets of protocol %i as the calls they are', (protocol) => {
    const read = parse(BINARY_PICKLES[protocol]);
    const [first, empty, array, set, frozenset] = expectItems(read.value, 'the list').map(summary);
    expect(first).toEqual(['_codecs.encode', '\0ÿb', 'latin1']);
    expect(empty).toEqual(['builtins.bytes']);
    expect(array).toEqual(['builtins.bytearray', ['_codecs.encode', '\x01\x02', 'latin1']]);
    expect(set).toEqual(['builtins.set', list('a')]);
    expect(frozenset).toEqual(['builtins.frozenset', list(2)]);
  });

  it('reads bytes and sets of protocols 3 to 5 as far as they have opcodes of their own', () => {
    const [three, four, five] = BINARY_PICKLES.slice(3).map((hex) => expectItems(parse(hex).value, 'the list'));
    expect(three?.slice(0, 2)).toEqual([bytes('\0ÿb'), bytes('')]);
    expect(three?.slice(2).map(summary)).toEqual([
      ['builtins.bytearray', bytes('\x01\x02')],
      ['builtins.set', list('a')],
      ['builtins.frozenset', list(2)],
    ]);
    const sets = [
      { kind: 'set', items: ['a'] },
      { kind: 'frozenset', items: [2] },
    ];
    expect(four?.slice(3)).toEqual(sets);
    expect(five?.slice(2)).toEqual([{ kind: 'bytearray', value: Uint8Array.of(1, 2) }, ...sets]);
  });

  it('keeps what happens to objects after they are made', () => {
    const ordered = expectObject(parse(OBJECT_PICKLES.orderedDict).value);
    expect(summary(ordered)).toEqual(['collections.OrderedDict']);
    expect(ordered.dictItems).toEqual([['z', 1]]);
    expect(ordered.states).toEqual([dict(['note', 'n'])]);

    const counted = expectObject(parse(OBJECT_PICKLES.defaultdict).value);
    expect(counted.dictItems).toEqual([['k', list(1)]]);
    expect(expectItems(counted.args, 'arguments')).toMatchObject([
      { kind: 'global', module: '__builtin__', name: 'list' },
    ]);

    const deque = expectObject(parse(OBJECT_PICKLES.deque).value);
    expect(summary(deque)).toEqual(['collections.deque', tuple(), 5]);
    expect(deque.listItems).toEqual([1, 2]);

    const namespace = expectObject(parse(OBJECT_PICKLES.namespace).value);
    expect(namespace).toMatchObject({ kind: 'newobj', opcode: 'NEWOBJ', kwargs: undefined });
    expect(namespace.states).toEqual([dict(['a', 1])]);
  });

  it('reads calls with keyword arguments, and calls of what a call gave', () => {
    const keywords = expectObject(parse(OBJECT_PICKLES.newobjEx).value);
    expect(keywords).toMatchObject({ kind: 'newobj', opcode: 'NEWOBJ_EX', kwargs: dict(['k', 2]) });
    expect(summary(keywords)).toEqual(['mylib.E', 1]);

    const { value, calls } = parse(OBJECT_PICKLES.computedCall);
    expect(expectObject(value).callable.kind).toBe('reduce');
    expect(calls.map(({ opcode }) => opcode)).toEqual(['REDUCE', 'REDUCE', 'BUILD', 'REDUCE']);
  });

  it.each([
    ['date', 'datetime.date'],
    ['decimal', 'decimal.Decimal'],
    ['complex', 'builtins.complex'],
  ] as const)('names the class of %s', (name, qualified) => {
    expect(summary(parse(OBJECT_PICKLES[name]).value)[0]).toBe(qualified);
  });

  it('reads values that contain themselves', () => {
    const { value } = parse(OBJECT_PICKLES.cycleDict);
    expect(isKind(value, 'dict') && dictGet(value, 'self')).toBe(value);
    const outer = parse(OBJECT_PICKLES.cycleList).value;
    const [inner] = expectItems(outer, 'the list');
    expect(expectItems(inner, 'the tuple')[0]).toBe(outer);
  });

  it('reads what lies outside: persistent ids, buffers and registered extensions', () => {
    expect(parse(OBJECT_PICKLES.persistent).value).toMatchObject(
      list({ kind: 'persistent', id: tuple('storage', 7), offset: 24 }),
    );
    expect(parse(OBJECT_PICKLES.persistentLine).value).toMatchObject(
      list({ kind: 'persistent', id: 'key7', offset: 5 }),
    );
    expect(parse(OBJECT_PICKLES.outOfBand).value).toEqual(
      list({ kind: 'buffer', index: 0, readonly: false }, { kind: 'buffer', index: 1, readonly: true }),
    );
    expect(parse(OBJECT_PICKLES.extensions).extensions.map(({ code, opcode }) => [code, opcode])).toEqual([
      [240, 'EXT1'],
      [1000, 'EXT2'],
      [100000, 'EXT4'],
    ]);
  });

  it('agrees with the table of opcodes on where each opcode ends', () => {
    for (const hex of ALL) {
      const data = fromHex(hex);
      const seen = walk(data);
      expect(seen.at(-1)).toBe('STOP');
    }
    expect(new Set(ALL.flatMap((hex) => walk(fromHex(hex)))).size).toBeGreaterThan(PICKLE_OPCODES.length / 2);
  });
});

function parse(hex: string | undefined): Pickle {
  const data = fromHex(hex ?? '');
  const read = parsePickle(data);
  expect(read.end).toBe(data.length);
  return read;
}

/** Name of what is called, and its arguments; calls among these likewise. */
function summary(value: PickleValue): unknown[] {
  const object = expectObject(value);
  const args = isKind(object.args, 'tuple') ? object.args.items : [];
  const name = isKind(object.callable, 'global') ? qualifiedName(object.callable) : 'computed';
  return [name, ...args.map((item) => (isKind(item, 'reduce') ? summary(item) : item))];
}

function expectObject(value: PickleValue): ObjectValue {
  if (isKind(value, 'reduce') || isKind(value, 'newobj')) return value;
  throw new Error('not an object');
}

/** Names of the opcodes, stepping by the table alone; an index past the end gives an unknown opcode. */
function walk(data: Uint8Array): string[] {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const names: string[] = [];
  let at = 0;
  while (at < data.length) {
    const opcode = opcodeOf(view.getUint8(at));
    if (opcode === undefined) throw new Error(`no opcode at ${at}`);
    names.push(opcode.name);
    at += 1 + argumentLength(opcode.argument, view, at + 1);
  }
  expect(at).toBe(data.length);
  return names;
}

function argumentLength(argument: PickleArgument, view: DataView, at: number): number {
  const [shape = '', width = ''] = argument.split('-');
  const bits = Number((width === '' ? shape : width).slice(1));
  if (argument === 'none') return 0;
  if (argument.includes('line')) {
    let end = at;
    for (let lines = argument === 'two-lines' ? 2 : 1; lines > 0; end++) if (view.getUint8(end) === 0x0a) lines--;
    return end - at;
  }
  if (width === '') return bits / 8;
  const length = { 8: () => view.getUint8(at), 32: () => view.getUint32(at, true), 64: () => view.getUint32(at, true) };
  return bits / 8 + length[bits as 8 | 32 | 64]();
}
