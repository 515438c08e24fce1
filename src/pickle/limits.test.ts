import { describe, expect, it } from 'vitest';
import { assemble, global, int, latin1, op, pickle, repeat, text, utf8 } from '../testing/pickle-assembler.js';
import { DEFAULT_PICKLE_LIMITS, type PickleLimits, pickleLimitsFor, resolvePickleLimits } from './limits.js';
import { parsePickle } from './machine.js';

const C = global('m', 'C');

/** What may just be read, and what is one too many. */
const CASES: readonly (readonly [keyof PickleLimits, number, Uint8Array, Uint8Array])[] = [
  ['bytes', 3, pickle('NONE', 'TUPLE1'), pickle('NONE', 'TUPLE1', 'TUPLE1')],
  ['bytes', 3, pickle(op('BININT1', int(1, 1))), pickle(op('BININT2', int(2, 1)))],
  ['bytes', 4, pickle(op('INT', utf8('1\n'))), pickle(op('INT', utf8('123\n')))],
  ['values', 3, pickle('NONE', 'POP', 'NONE', 'POP', 'NONE'), pickle(repeat(assemble('NONE', 'POP'), 3), 'NONE')],
  ['values', 2, pickle('NONE', 'DUP'), pickle('NONE', 'DUP', 'DUP')],
  ['objects', 2, pickle('EMPTY_LIST', 'EMPTY_DICT'), pickle('EMPTY_LIST', 'EMPTY_DICT', 'EMPTY_SET')],
  ['objects', 1, pickle(C, 'EMPTY_TUPLE', 'REDUCE'), pickle(C, 'NONE', 'TUPLE1', 'NEWOBJ')],
  ['stack', 2, pickle('NONE', 'NONE', 'POP', 'NONE'), pickle('NONE', 'NONE', 'NONE')],
  ['marks', 2, pickle('MARK', 'MARK', 'POP', 'MARK', 'NONE'), pickle('MARK', 'MARK', 'MARK', 'NONE')],
  ['memo', 2, pickle('NONE', 'MEMOIZE', 'MEMOIZE', op('BINPUT', int(1, 1))), pickle('NONE', repeat('MEMOIZE', 3))],
  ['memo', 1, pickle('NONE', op('LONG_BINPUT', int(4, 9))), pickle('NONE', op('LONG_BINPUT', int(4, 9)), 'MEMOIZE')],
  ['integerBytes', 2, pickle(op('LONG1', int(1, 2), latin1('ab'))), pickle(op('LONG1', int(1, 3), latin1('abc')))],
  ['stringBytes', 2, pickle(text('ab')), pickle(text('abc'))],
  [
    'stringBytes',
    2,
    pickle(op('SHORT_BINSTRING', int(1, 2), utf8('ab'))),
    pickle(op('BINSTRING', int(4, 3), utf8('abc'))),
  ],
  ['stringBytes', 4, pickle(op('STRING', utf8("'ab'\n"))), pickle(op('STRING', utf8("'abc'\n")))],
];

describe('limits', () => {
  it.each(CASES)('%s: %i', (name, limit, within, beyond) => {
    const limits = { [name]: limit };
    expect(() => parsePickle(within, { limits })).not.toThrow();
    expect(() => parsePickle(beyond, { limits })).toThrow(
      expect.objectContaining({
        code: 'pickle/limit-exceeded',
        message: expect.stringContaining(`more than the ${limit} `) as string,
        hint: `raise limits.${name} if the file can be trusted`,
      }) as Error,
    );
    expect(() => parsePickle(beyond)).not.toThrow();
  });

  it('counts the bytes from the start of the pickle', () => {
    const data = assemble(repeat('NONE', 10), 'NONE', 'STOP');
    expect(parsePickle(data, { start: 10, limits: { bytes: 2 } }).value).toBeNull();
  });

  it('stop a pickle of nothing but containers, with the defaults', () => {
    expect(() => parsePickle(repeat('EMPTY_LIST', DEFAULT_PICKLE_LIMITS.objects + 1))).toThrow(
      'containers and objects',
    );
    expect(() => parsePickle(repeat('MARK', DEFAULT_PICKLE_LIMITS.marks + 1))).toThrow('open marks');
    expect(() => parsePickle(repeat('NONE', DEFAULT_PICKLE_LIMITS.stack + 1))).toThrow('values on the stack');
  });

  it('stay below what JavaScript itself can hold', () => {
    const limits = resolvePickleLimits({ values: 2 ** 30, memo: 2 ** 30, stringBytes: 2 ** 30, objects: 2 ** 30 });
    expect(limits).toMatchObject({ values: 2 ** 24 - 1, memo: 2 ** 24 - 1, stringBytes: 2 ** 28, objects: 2 ** 30 });
    expect(limits.bytes).toBe(DEFAULT_PICKLE_LIMITS.bytes);
  });
});

describe('pickleLimitsFor', () => {
  it('gives the defaults to pickles of ordinary length', () => {
    for (const bytes of [0, 1000, 2 ** 20]) expect(pickleLimitsFor(bytes)).toEqual(DEFAULT_PICKLE_LIMITS);
  });

  it('rises with the bytes that a long one takes in its file, to a ceiling', () => {
    expect(pickleLimitsFor(2 ** 23)).toMatchObject({
      values: 2 ** 22,
      objects: 2 ** 20,
      memo: 2 ** 22,
      stack: 2 ** 20,
    });
    const most = { bytes: 2 ** 28, values: 2 ** 23, objects: 2 ** 21, stack: 2 ** 22, memo: 2 ** 23 };
    expect(pickleLimitsFor(2 ** 40)).toEqual({ ...DEFAULT_PICKLE_LIMITS, ...most });
  });
});
