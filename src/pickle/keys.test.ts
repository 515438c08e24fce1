import { describe, expect, it } from 'vitest';
import {
  assemble,
  bytes,
  dict,
  f64,
  float,
  global,
  int,
  list,
  op,
  pickle,
  repeat,
  text,
  tuple,
} from '../testing/pickle-assembler.js';
import { isKind } from './access.js';
import { mergeEntries } from './keys.js';
import { parsePickle } from './machine.js';
import type { PickleEntry, PickleValue } from './values.js';

const frozenset = (...items: PickleValue[]): PickleValue => ({ kind: 'frozenset', items });
const named = (name: string): PickleValue => ({ kind: 'global', module: 'm', name, opcode: 'GLOBAL', offset: 0 });
const outside = (): PickleValue => ({ kind: 'persistent', id: 1, offset: 0 });

/** Pairs that Python finds equal, each written twice so that no object is the same. */
const EQUAL: readonly (readonly [string, PickleValue, PickleValue])[] = [
  ['strings', 'a', 'a'],
  ['1 and 1.0', 1, float(1)],
  ['1 and True', 1, true],
  ['0 and -0.0', 0, float(-0)],
  ['False and 0.0', false, float(0)],
  ['None', null, null],
  ['large integers', 2n ** 70n, 2n ** 70n],
  ['a large integer and its float', 2n ** 70n, float(2 ** 70)],
  ['infinities', float(Infinity), float(Infinity)],
  ['bytes', bytes('\xff'), bytes('\xff')],
  ['tuples', tuple(1, tuple('a', true)), tuple(float(1), tuple('a', 1))],
  ['empty tuples', tuple(), tuple()],
  ['frozensets in another order', frozenset(1, 2), frozenset(2, 1)],
  ['globals', named('C'), named('C')],
];

/** Pairs that Python keeps apart. */
const DIFFERENT: readonly (readonly [string, PickleValue, PickleValue])[] = [
  ['1 and "1"', 1, '1'],
  ['"a" and b"a"', 'a', bytes('a')],
  ['None and 0', null, 0],
  ['2.5 and 2', float(2.5), 2],
  ['two NaN', float(NaN), float(NaN)],
  ['a tuple and a frozenset', tuple(1), frozenset(1)],
  ['tuples of the same text', tuple('a', 'b'), tuple('a,b')],
  ['tuples in another order', tuple(1, 2), tuple(2, 1)],
  ['globals of other names', named('C'), named('D')],
  ['two objects', outside(), outside()],
  ['very long bytes', bytes('a'.repeat(2 ** 20 + 1)), bytes('a'.repeat(2 ** 20 + 1))],
];

/** Enough other keys in front that the dictionary is searched through a Map. */
const CROWD: PickleEntry[] = Array.from({ length: 20 }, (_, index) => [`key ${index}`, index]);

describe('mergeEntries', () => {
  it.each(EQUAL)('finds %s equal', (_, first, second) => {
    const small = mergeEntries([
      [first, 'old'],
      ['other', 0],
      [second, 'new'],
    ]);
    expect(small).toEqual([
      [first, 'new'],
      ['other', 0],
    ]);
    expect(mergeEntries([...CROWD, [first, 'old'], [second, 'new']])).toEqual([...CROWD, [first, 'new']]);
    expect(mergeEntries([[first, 'old'], ...CROWD, [second, 'new']])).toEqual([[first, 'new'], ...CROWD]);
  });

  it.each(DIFFERENT)('keeps %s apart', (_, first, second) => {
    expect(
      mergeEntries([
        [first, 1],
        [second, 2],
      ]),
    ).toHaveLength(2);
    expect(mergeEntries([...CROWD, [first, 1], [second, 2]])).toHaveLength(22);
  });

  it('finds the same object equal to itself, even NaN', () => {
    const nan = float(NaN);
    const object = outside();
    expect(
      mergeEntries([
        [nan, 1],
        [object, 2],
        [nan, 3],
        [object, 4],
      ]),
    ).toEqual([
      [nan, 3],
      [object, 4],
    ]);
  });

  it.each([
    list(),
    dict(),
    { kind: 'set', items: [] } as const,
    { kind: 'bytearray', value: new Uint8Array() } as const,
  ])('refuses the key $kind', (key) => {
    expect(() => mergeEntries([[key, 1]])).toThrow('cannot be hashed');
    expect(() => mergeEntries([[tuple(1, tuple(key)), 1]])).toThrow('cannot be hashed');
  });
});

describe('keys while the machine runs', () => {
  it('keeps the first key and the last value, as Python does', () => {
    const data = pickle(
      'EMPTY_DICT',
      'MARK',
      ...([op('BININT1', int(1, 1)), text('a'), 'NEWTRUE', text('b'), op('BINFLOAT', f64(1)), text('c')] as const),
      'SETITEMS',
    );
    expect(parsePickle(data).value).toEqual(dict([1, 'c']));
  });

  it('keeps keys harmless that mean something to JavaScript', () => {
    const keys = ['__proto__', 'constructor', 'toString', '0'].map(text);
    const data = pickle('EMPTY_DICT', 'MARK', ...keys.flatMap((key) => [key, 'NONE'] as const), 'SETITEMS');
    expect(parsePickle(data).value).toEqual(
      dict(['__proto__', null], ['constructor', null], ['toString', null], ['0', null]),
    );
  });

  it('adds each item of a large set once', () => {
    const items = [...Array(300).keys(), ...Array(300).keys()].map((n) => op('BININT2', int(2, n)));
    const { value } = parsePickle(pickle('EMPTY_SET', 'MARK', ...items, 'ADDITEMS', global('m', 'C'), 'POP'));
    expect(isKind(value, 'set') && value.items).toEqual([...Array(300).keys()]);
  });

  it('takes a tuple as key that would have 2^60 leaves if it were written out', () => {
    const half = assemble('EMPTY_TUPLE', repeat(assemble('DUP', 'TUPLE2'), 60));
    const { value } = parsePickle(pickle('EMPTY_DICT', half, 'NONE', 'SETITEM', half, 'NEWTRUE', 'SETITEM'));
    expect(isKind(value, 'dict') && value.entries.map((entry) => entry[1])).toEqual([true]);
  });

  it('takes a tuple as key that is nested 100,000 deep', () => {
    const deep = assemble('EMPTY_TUPLE', repeat('TUPLE1', 100_000));
    const { value } = parsePickle(pickle('EMPTY_DICT', deep, 'NONE', 'SETITEM', deep, 'NEWTRUE', 'SETITEM'));
    expect(isKind(value, 'dict') && value.entries.map((entry) => entry[1])).toEqual([true]);
  });
});
