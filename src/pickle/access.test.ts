import { describe, expect, it } from 'vitest';
import { bytes, dict, float, list, tuple } from '../testing/pickle-assembler.js';
import { dictGet, expectInteger, expectItems, expectString, isGlobal, isKind, qualifiedName } from './access.js';
import { describeValue, quote } from './describe.js';
import { python3Name } from './names.js';
import { createNewobj, createReduce } from './records.js';
import type { GlobalValue, PickleValue } from './values.js';

const named = (module: string, name: string): GlobalValue => ({
  kind: 'global',
  module,
  name,
  opcode: 'GLOBAL',
  offset: 0,
});
const unexpected = (message: string): unknown => expect.objectContaining({ code: 'pickle/unexpected-value', message });

describe('python3Name', () => {
  it.each([
    ['__builtin__.set', 'builtins.set'],
    ['__builtin__.xrange', 'builtins.range'],
    ['__builtin__.unicode', 'builtins.str'],
    ['copy_reg._reconstructor', 'copyreg._reconstructor'],
    ['exceptions.ValueError', 'builtins.ValueError'],
    ['exceptions.StandardError', 'builtins.Exception'],
    ['exceptions.unheard_of', 'exceptions.unheard_of'],
    ['itertools.izip', 'builtins.zip'],
    ['itertools.chain', 'itertools.chain'],
    ['commands.getoutput', 'subprocess.getoutput'],
    ['UserDict.UserDict', 'collections.UserDict'],
    ['torch.FloatStorage', 'torch.FloatStorage'],
    ['constructor.x', 'constructor.x'],
    ['__builtin__.__proto__', 'builtins.__proto__'],
  ])('reads %s as %s', (from, to) => {
    const [module = '', name = ''] = from.split('.');
    expect(qualifiedName(named(module, name))).toBe(to);
  });

  it('tells apart names that look alike when written in one', () => {
    expect(python3Name({ module: 'multiprocessing', name: 'process Process' })).toEqual({
      module: 'multiprocessing',
      name: 'process Process',
    });
    expect(python3Name({ module: 'multiprocessing.process', name: 'Process' }).module).toBe('multiprocessing.context');
  });
});

describe('ways into values', () => {
  it('knows a global by the names of Python 3', () => {
    expect(isGlobal(named('__builtin__', 'set'), 'builtins', 'set')).toBe(true);
    expect(isGlobal(named('builtins', 'set'), 'builtins', 'set')).toBe(true);
    expect(isGlobal(named('builtins', 'set'), 'builtins', 'frozenset')).toBe(false);
    expect(isGlobal(named('sets', 'set'), 'builtins', 'set')).toBe(false);
    expect(isGlobal('builtins.set', 'builtins', 'set')).toBe(false);
    expect(isGlobal(undefined, 'builtins', 'set')).toBe(false);
  });

  it('tells kinds', () => {
    expect(isKind(list(), 'list')).toBe(true);
    expect(isKind(list(), 'tuple')).toBe(false);
    expect(isKind(null, 'list')).toBe(false);
    expect(isKind(undefined, 'list')).toBe(false);
    expect(isKind('list', 'list')).toBe(false);
  });

  it('finds entries by text only', () => {
    const value = dict([1, 'number'], ['1', 'text'], ['none', null]);
    expect(dictGet(value, '1')).toBe('text');
    expect(dictGet(value, 'none')).toBeNull();
    expect(dictGet(value, '__proto__')).toBeUndefined();
  });

  it('gives what was expected', () => {
    expect(expectString('cpu', 'the location')).toBe('cpu');
    expect(expectInteger(3, 'the size')).toBe(3);
    expect(expectItems(tuple(1), 'the shape')).toEqual([1]);
    expect(expectItems(list(1), 'the shape')).toEqual([1]);
  });

  it('says what it found instead', () => {
    expect(() => expectString(float(1), 'the location')).toThrow(
      unexpected('the location in the pickle is the float 1, and should be a string'),
    );
    expect(() => expectInteger(2n ** 60n, 'the size')).toThrow(
      unexpected('the size in the pickle is an integer beyond 2^53, and should be an integer below 2^53'),
    );
    expect(() => expectItems(undefined, 'the shape')).toThrow(
      unexpected('the shape in the pickle is nothing, and should be a tuple or a list'),
    );
  });
});

describe('values in messages', () => {
  const reduce = createReduce('REDUCE', named('torch', 'Size'), tuple(), 0);
  const values: readonly (readonly [string, PickleValue])[] = [
    ['None', null],
    ['True', true],
    ['False', false],
    ['the integer -3', -3],
    ['the string "a\\n"', 'a\n'],
    ['bytes of length 2', bytes('ab')],
    ['bytearray of length 0', { kind: 'bytearray', value: new Uint8Array() }],
    ['a list of 1', list(1)],
    ['a set of 0', { kind: 'set', items: [] }],
    ['a frozenset of 0', { kind: 'frozenset', items: [] }],
    ['a dict of 1', dict([1, 2])],
    ['a call of "torch.Size"', reduce],
    ['a call of something computed', createReduce('REDUCE', reduce, tuple(), 0)],
    ['an object of "m.C"', createNewobj('NEWOBJ', named('m', 'C'), tuple(), undefined, 0)],
    ['a persistent object', { kind: 'persistent', id: null, offset: 0 }],
    ['the registered extension 5', { kind: 'ext', code: 5, opcode: 'EXT1', offset: 0 }],
    ['a buffer', { kind: 'buffer', index: 0, readonly: false }],
  ];

  it.each(values)('says %s', (words, value) => {
    expect(describeValue(value)).toBe(words);
  });

  it('shortens text and shows nothing that upsets a terminal', () => {
    expect(quote('x'.repeat(50))).toBe(`"${'x'.repeat(40)}…"`);
    expect(quote('\x1b[31m\x7f\x9b\u202e\ud800"')).toBe('"\\u001b[31m\\u007f\\u009b\\u202e\\ud800\\""');
  });
});
