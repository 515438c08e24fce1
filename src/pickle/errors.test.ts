import { describe, expect, it } from 'vitest';
import { assemble, global, int, latin1, op, pickle, text, utf8 } from '../testing/pickle-assembler.js';
import { PickleError, type PickleErrorCode } from './errors.js';
import { parsePickle } from './machine.js';

const C = global('m', 'C');
const ONE = op('BININT1', int(1, 1));
const FAR = int(8, 2 ** 62);

/** Broken pickles: cause, offset of the opcode, words of the message. */
const BROKEN: readonly (readonly [PickleErrorCode, number, string, Uint8Array])[] = [
  ['pickle/no-stop', 0, 'the pickle ends at 0x0 without STOP', assemble()],
  ['pickle/no-stop', 2, 'the pickle ends at 0x2 without STOP', assemble('NONE', 'EMPTY_LIST')],
  ['pickle/truncated', 0, 'BININT1 at 0x0 wants 1 more byte, but the pickle ends after 0', assemble(op('BININT1'))],
  [
    'pickle/truncated',
    1,
    'BININT at 0x1 wants 4 more bytes, but the pickle ends after 3',
    assemble('NONE', op('BININT', latin1('abc'))),
  ],
  [
    'pickle/truncated',
    0,
    'BINUNICODE at 0x0 wants 2147483647 more bytes',
    pickle(op('BINUNICODE', int(4, 2 ** 31 - 1), utf8('abc'))),
  ],
  ['pickle/truncated', 0, 'BINBYTES8 at 0x0 wants 4611686018427388000 more bytes', pickle(op('BINBYTES8', FAR))],
  ['pickle/truncated', 0, 'BYTEARRAY8', pickle(op('BYTEARRAY8', FAR))],
  ['pickle/truncated', 0, 'BINUNICODE8', pickle(op('BINUNICODE8', FAR))],
  ['pickle/truncated', 0, 'LONG4 at 0x0 wants 1000 more bytes', pickle(op('LONG4', int(4, 1000)))],
  ['pickle/truncated', 0, 'INT at 0x0 wants a line that ends with a line feed', pickle(op('INT', utf8('12')))],
  ['pickle/truncated', 0, 'GLOBAL at 0x0 wants a line', pickle(op('GLOBAL', utf8('os\nsystem')))],
  ['pickle/truncated', 0, 'FRAME at 0x0 wants 100 more bytes', pickle(op('FRAME', int(8, 100)), 'NONE')],
  ['pickle/unknown-opcode', 1, 'opcode 0xff at 0x1 stands where an opcode', assemble('NONE', Uint8Array.of(0xff))],
  ['pickle/unknown-opcode', 0, 'opcode 0x00 at 0x0', Uint8Array.of(0)],
  [
    'pickle/bad-protocol',
    0,
    'PROTO at 0x0 names protocol 9, and the highest there is is 5',
    pickle(op('PROTO', int(1, 9)), 'NONE'),
  ],
  ['pickle/stack-underflow', 0, 'STOP at 0x0 wants a value from the stack', pickle()],
  ['pickle/stack-underflow', 2, 'TUPLE1 at 0x2 wants a value', pickle('NONE', 'MARK', 'TUPLE1')],
  ['pickle/stack-underflow', 1, 'TUPLE2', pickle('NONE', 'TUPLE2')],
  ['pickle/stack-underflow', 2, 'TUPLE3', pickle('NONE', 'NONE', 'TUPLE3')],
  ['pickle/stack-underflow', 0, 'DUP', pickle('DUP')],
  ['pickle/stack-underflow', 0, 'MEMOIZE', pickle('MEMOIZE')],
  ['pickle/stack-underflow', 0, 'POP', pickle('POP')],
  ['pickle/stack-underflow', 1, 'APPENDS', pickle('MARK', 'APPENDS')],
  ['pickle/stack-underflow', 1, 'OBJ at 0x1 wants a class above the mark', pickle('MARK', 'OBJ')],
  ['pickle/missing-mark', 1, 'TUPLE at 0x1 wants the items above a mark, but no mark was set', pickle('NONE', 'TUPLE')],
  ['pickle/missing-mark', 0, 'POP_MARK', pickle('POP_MARK')],
  ['pickle/missing-mark', 1, 'INST', pickle('NONE', op('INST', utf8('m\nC\n')))],
  [
    'pickle/missing-memo',
    0,
    'BINGET at 0x0 reads memo slot 5, which was never written',
    pickle(op('BINGET', int(1, 5))),
  ],
  [
    'pickle/missing-memo',
    2,
    'LONG_BINGET at 0x2 reads memo slot 4294967295',
    pickle('NONE', 'MEMOIZE', op('LONG_BINGET', int(4, -1))),
  ],
  [
    'pickle/bad-argument',
    1,
    'PUT at 0x1 wants the number of a memo slot, not "-1"',
    pickle('NONE', op('PUT', utf8('-1\n'))),
  ],
  [
    'pickle/bad-argument',
    0,
    'GET at 0x0 wants the number of a memo slot, not "9999999999999999"',
    pickle(op('GET', utf8('9999999999999999\n'))),
  ],
  ['pickle/bad-argument', 0, 'INT at 0x0 wants a decimal integer, not "0x10"', pickle(op('INT', utf8('0x10\n')))],
  ['pickle/bad-argument', 0, 'LONG at 0x0 wants a decimal integer, not ""', pickle(op('LONG', utf8('L\n')))],
  ['pickle/bad-argument', 0, 'LONG at 0x0', pickle(op('LONG', utf8(`${'9'.repeat(4302)}L\n`)))],
  ['pickle/bad-argument', 0, 'FLOAT at 0x0 wants a float, not "1,5"', pickle(op('FLOAT', utf8('1,5\n')))],
  ['pickle/bad-argument', 0, 'BINSTRING at 0x0 has the negative length -1', pickle(op('BINSTRING', int(4, -1)))],
  ['pickle/bad-argument', 0, 'LONG4 at 0x0 has the negative length -2', pickle(op('LONG4', int(4, -2)))],
  ['pickle/bad-argument', 0, 'EXT1 at 0x0 names extension 0', pickle(op('EXT1', int(1, 0)))],
  ['pickle/bad-argument', 0, 'EXT4 at 0x0 names extension -1', pickle(op('EXT4', int(4, -1)))],
  [
    'pickle/bad-argument',
    4,
    'DICT at 0x4 has an odd number of keys and values: 3',
    pickle('MARK', 'NONE', 'NONE', 'NONE', 'DICT'),
  ],
  [
    'pickle/bad-argument',
    3,
    'SETITEMS at 0x3 has an odd number of keys and values: 1',
    pickle('EMPTY_DICT', 'MARK', 'NONE', 'SETITEMS'),
  ],
  [
    'pickle/bad-string',
    0,
    'BINUNICODE at 0x0 holds text that is not UTF-8',
    pickle(op('BINUNICODE', int(4, 2), latin1('\xff\xfe'))),
  ],
  ['pickle/bad-string', 0, 'GLOBAL at 0x0 holds a name that is not UTF-8', pickle(op('GLOBAL', latin1('\xff\nx\n')))],
  ['pickle/bad-string', 0, 'STRING at 0x0 wants a string between quotes', pickle(op('STRING', utf8('abc\n')))],
  ['pickle/bad-string', 0, 'wants a string between quotes', pickle(op('STRING', utf8("'\n")))],
  ['pickle/bad-string', 0, 'STRING at 0x0 holds a broken escape', pickle(op('STRING', utf8("'\\xg'\n")))],
  ['pickle/bad-string', 0, 'UNICODE at 0x0 holds a broken escape', pickle(op('UNICODE', utf8('\\u12\n')))],
  [
    'pickle/bad-frame',
    9,
    'FRAME at 0x9 begins a frame inside a frame',
    pickle(op('FRAME', int(8, 11)), op('FRAME', int(8, 1)), 'NONE'),
  ],
  [
    'pickle/bad-frame',
    9,
    'BININT at 0x9 runs past the end of its frame',
    pickle(op('FRAME', int(8, 2)), op('BININT', int(4, 1))),
  ],
  [
    'pickle/bad-frame',
    10,
    'STOP at 0xa stands before the end of its frame',
    assemble(op('FRAME', int(8, 3)), 'NONE', 'STOP', 'NONE'),
  ],
  ['pickle/wrong-type', 2, 'APPEND at 0x2 cannot append items to a dict of 0', pickle('EMPTY_DICT', 'NONE', 'APPEND')],
  [
    'pickle/wrong-type',
    3,
    'SETITEM at 0x3 cannot set items of a list of 0',
    pickle('EMPTY_LIST', 'NONE', 'NONE', 'SETITEM'),
  ],
  ['pickle/wrong-type', 2, 'ADDITEMS at 0x2 cannot add items to a list of 0', pickle('EMPTY_LIST', 'MARK', 'ADDITEMS')],
  ['pickle/wrong-type', 2, 'BUILD at 0x2 cannot set the state of a tuple of 0', pickle('EMPTY_TUPLE', 'NONE', 'BUILD')],
  ['pickle/wrong-type', 2, 'REDUCE at 0x2 cannot call None', pickle('NONE', 'EMPTY_TUPLE', 'REDUCE')],
  ['pickle/wrong-type', 6, 'REDUCE at 0x6 cannot take arguments from None', pickle(C, 'NONE', 'REDUCE')],
  ['pickle/wrong-type', 6, 'NEWOBJ at 0x6 cannot take arguments from a list of 0', pickle(C, 'EMPTY_LIST', 'NEWOBJ')],
  [
    'pickle/wrong-type',
    7,
    'NEWOBJ_EX at 0x7 cannot take keyword arguments from a tuple of 0',
    pickle(C, 'EMPTY_TUPLE', 'EMPTY_TUPLE', 'NEWOBJ_EX'),
  ],
  ['pickle/wrong-type', 3, 'OBJ at 0x3 cannot call the integer 1', pickle('MARK', ONE, 'OBJ')],
  [
    'pickle/wrong-type',
    5,
    'STACK_GLOBAL at 0x5 wants two strings, not the string "m" and the integer 1',
    pickle(text('m'), ONE, 'STACK_GLOBAL'),
  ],
  ['pickle/wrong-type', 4, 'wants two strings, not None and the string "m"', pickle('NONE', text('m'), 'STACK_GLOBAL')],
  [
    'pickle/wrong-type',
    18,
    'READONLY_BUFFER at 0x12 wants a buffer, not an integer beyond 2^53',
    pickle(op('LONG', utf8('9007199254740993\n')), 'READONLY_BUFFER'),
  ],
  [
    'pickle/unhashable',
    3,
    'SETITEM at 0x3 wants a key that Python can hash, not a list of 0',
    pickle('EMPTY_DICT', 'EMPTY_LIST', 'NONE', 'SETITEM'),
  ],
  [
    'pickle/unhashable',
    3,
    'FROZENSET at 0x3 wants a key that Python can hash, not a tuple of 1',
    pickle('MARK', 'EMPTY_DICT', 'TUPLE1', 'FROZENSET'),
  ],
];

describe('a broken pickle', () => {
  it.each(BROKEN)('gives %s at %i: %s', (code, offset, words, data) => {
    const error = refusal(data);
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
    expect(error.offset).toBe(offset);
  });

  it('names the file, and counts from the start of the file', () => {
    const data = pickle('NONE', 'TUPLE2');
    expect(refusal(data, { path: 'x.pth', baseOffset: 0x100 })).toMatchObject({
      name: 'PickleError',
      path: 'x.pth',
      offset: 0x101,
      message: expect.stringContaining("the pickle's TUPLE2 at 0x101") as string,
    });
    expect(refusal(data.subarray(0, 1), { path: 'x.pth', baseOffset: 0x100 })).toMatchObject({
      path: 'x.pth',
      offset: 0x101,
    });
  });

  it.each([-1, 1.5, 3, NaN])('is not looked for at byte %d of two', (start) => {
    expect(refusal(pickle('NONE'), { start })).toMatchObject({ code: 'pickle/bad-argument' });
  });
});

function refusal(data: Uint8Array, options = {}): PickleError {
  try {
    parsePickle(data, options);
  } catch (error) {
    if (error instanceof PickleError) return error;
    throw error;
  }
  throw new Error('the pickle was read');
}
