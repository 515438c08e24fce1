import { describe, expect, it } from 'vitest';
import {
  bytes,
  dict,
  f64,
  float,
  global,
  int,
  latin1,
  list,
  op,
  pickle,
  text,
  tuple,
  utf8,
} from '../testing/pickle-assembler.js';
import { expectItems } from './access.js';
import { parsePickle } from './machine.js';
import { PICKLE_OPCODES, type PickleOpcodeName } from './opcodes.js';

const ONE = op('BININT1', int(1, 1));
const TWO = op('BININT1', int(1, 2));
const THREE = op('BININT1', int(1, 3));
const C = global('m', 'C');
const NOTHING = { states: [], listItems: [], dictItems: [], setItems: [] };

const namedC = (opcode: string, offset: number): object => ({ kind: 'global', module: 'm', name: 'C', opcode, offset });
const called = (opcode: string, offset: number, callable: object, args: object): object => ({
  kind: opcode.startsWith('NEWOBJ') ? 'newobj' : 'reduce',
  opcode,
  callable,
  args,
  kwargs: undefined,
  offset,
  ...NOTHING,
});

/** A pickle for every opcode, and what it holds. */
const CASES: Record<PickleOpcodeName, readonly [Uint8Array, unknown]> = {
  NONE: [pickle('NONE'), null],
  NEWTRUE: [pickle('NEWTRUE'), true],
  NEWFALSE: [pickle('NEWFALSE'), false],
  INT: [
    pickle('MARK', ...['00', '01', '1', '-5', '0'].map((n) => op('INT', utf8(`${n}\n`))), 'TUPLE'),
    tuple(false, true, 1, -5, 0),
  ],
  BININT: [pickle('MARK', op('BININT', int(4, -2)), op('BININT', int(4, 2 ** 31 - 1)), 'LIST'), list(-2, 2 ** 31 - 1)],
  BININT1: [pickle(op('BININT1', int(1, 255))), 255],
  BININT2: [pickle(op('BININT2', int(2, 65535))), 65535],
  LONG: [
    pickle('MARK', op('LONG', utf8('12345678901234567890L\n')), op('LONG', utf8('-7\n')), 'LIST'),
    list(12345678901234567890n, -7),
  ],
  LONG1: [
    pickle(
      'MARK',
      op('LONG1', int(1, 0)),
      op('LONG1', int(1, 1), int(1, -1)),
      op('LONG1', int(1, 8), int(8, -9)),
      'LIST',
    ),
    list(0, -1, -9),
  ],
  LONG4: [pickle(op('LONG4', int(4, 9), int(8, 0), int(1, 1))), 2n ** 64n],
  FLOAT: [
    pickle('MARK', op('FLOAT', utf8('1\n')), op('FLOAT', utf8('-inf\n')), 'LIST'),
    list(float(1), float(-Infinity)),
  ],
  BINFLOAT: [pickle(op('BINFLOAT', f64(-0))), float(-0)],
  STRING: [pickle(op('STRING', latin1("'q\\'\\x41\\n\\101'\n"))), "q'A\nA"],
  BINSTRING: [pickle(op('BINSTRING', int(4, 2), utf8('é'))), 'é'],
  SHORT_BINSTRING: [
    pickle(op('SHORT_BINSTRING', int(1, 2), latin1('\xe9!'))),
    { kind: 'bytes', value: latin1('\xe9!'), fromString: true },
  ],
  UNICODE: [pickle(op('UNICODE', latin1('\xe9\\u000a\\U0001f999\\n\n'))), 'é\n🦙\\n'],
  SHORT_BINUNICODE: [pickle(text('日本')), '日本'],
  BINUNICODE: [pickle(op('BINUNICODE', int(4, 3), latin1('\xed\xa0\xbd'))), '\ud83d'],
  BINUNICODE8: [pickle(op('BINUNICODE8', int(8, 70), utf8('x'.repeat(70)))), 'x'.repeat(70)],
  SHORT_BINBYTES: [pickle(op('SHORT_BINBYTES', int(1, 1), latin1('\xff'))), bytes('\xff')],
  BINBYTES: [pickle(op('BINBYTES', int(4, 0))), bytes('')],
  BINBYTES8: [pickle(op('BINBYTES8', int(8, 2), latin1('ab'))), bytes('ab')],
  BYTEARRAY8: [pickle(op('BYTEARRAY8', int(8, 1), latin1('a'))), { kind: 'bytearray', value: latin1('a') }],
  NEXT_BUFFER: [
    pickle('NEXT_BUFFER', 'NEXT_BUFFER', 'TUPLE2'),
    tuple({ kind: 'buffer', index: 0, readonly: false }, { kind: 'buffer', index: 1, readonly: false }),
  ],
  READONLY_BUFFER: [
    pickle('NEXT_BUFFER', 'MEMOIZE', 'READONLY_BUFFER', op('BINGET', int(1, 0)), 'TUPLE2'),
    tuple({ kind: 'buffer', index: 0, readonly: true }, { kind: 'buffer', index: 0, readonly: false }),
  ],
  EMPTY_LIST: [pickle('EMPTY_LIST'), list()],
  LIST: [pickle('MARK', ONE, TWO, 'LIST'), list(1, 2)],
  APPEND: [pickle('EMPTY_LIST', ONE, 'APPEND'), list(1)],
  APPENDS: [pickle('EMPTY_LIST', 'MARK', ONE, TWO, 'APPENDS'), list(1, 2)],
  EMPTY_TUPLE: [pickle('EMPTY_TUPLE'), tuple()],
  TUPLE: [pickle(ONE, 'MARK', TWO, THREE, 'TUPLE'), tuple(2, 3)],
  TUPLE1: [pickle(ONE, 'TUPLE1'), tuple(1)],
  TUPLE2: [pickle(ONE, TWO, 'TUPLE2'), tuple(1, 2)],
  TUPLE3: [pickle(ONE, TWO, THREE, 'TUPLE3'), tuple(1, 2, 3)],
  EMPTY_DICT: [pickle('EMPTY_DICT'), dict()],
  DICT: [pickle('MARK', text('a'), ONE, text('b'), TWO, 'DICT'), dict(['a', 1], ['b', 2])],
  SETITEM: [pickle('EMPTY_DICT', text('__proto__'), ONE, 'SETITEM'), dict(['__proto__', 1])],
  SETITEMS: [pickle('EMPTY_DICT', 'MARK', ONE, TWO, text('1'), THREE, 'SETITEMS'), dict([1, 2], ['1', 3])],
  EMPTY_SET: [pickle('EMPTY_SET'), { kind: 'set', items: [] }],
  ADDITEMS: [pickle('EMPTY_SET', 'MARK', ONE, TWO, ONE, 'ADDITEMS'), { kind: 'set', items: [1, 2] }],
  FROZENSET: [pickle('MARK', ONE, ONE, 'FROZENSET'), { kind: 'frozenset', items: [1] }],
  POP: [pickle(ONE, TWO, 'POP', 'MARK', 'POP'), 1],
  DUP: [pickle(ONE, 'DUP', 'TUPLE2'), tuple(1, 1)],
  MARK: [pickle('MARK', 'MARK', ONE, 'TUPLE', TWO, 'LIST'), list(tuple(1), 2)],
  POP_MARK: [pickle('NONE', 'MARK', ONE, TWO, 'POP_MARK'), null],
  GET: [pickle(text('a'), op('PUT', utf8('01\n')), op('GET', utf8('1\n')), 'TUPLE2'), tuple('a', 'a')],
  BINGET: [pickle(text('a'), op('BINPUT', int(1, 255)), op('BINGET', int(1, 255)), 'TUPLE2'), tuple('a', 'a')],
  LONG_BINGET: [
    pickle(text('a'), op('LONG_BINPUT', int(4, 2 ** 32 - 1)), op('LONG_BINGET', int(4, 2 ** 32 - 1)), 'TUPLE2'),
    tuple('a', 'a'),
  ],
  PUT: [pickle(text('a'), op('PUT', utf8('70000\n')), 'POP', op('LONG_BINGET', int(4, 70000))), 'a'],
  BINPUT: [pickle(ONE, op('BINPUT', int(1, 0)), TWO, op('BINPUT', int(1, 0)), op('BINGET', int(1, 0))), 2],
  LONG_BINPUT: [pickle(text('a'), op('LONG_BINPUT', int(4, 0)), 'POP', op('BINGET', int(1, 0))), 'a'],
  MEMOIZE: [
    pickle(
      ONE,
      op('BINPUT', int(1, 9)),
      TWO,
      'MEMOIZE',
      THREE,
      'MEMOIZE',
      op('BINGET', int(1, 1)),
      op('BINGET', int(1, 2)),
      'TUPLE2',
    ),
    tuple(2, 3),
  ],
  EXT1: [pickle(op('EXT1', int(1, 240))), { kind: 'ext', code: 240, opcode: 'EXT1', offset: 0 }],
  EXT2: [pickle(op('EXT2', int(2, 1000))), { kind: 'ext', code: 1000, opcode: 'EXT2', offset: 0 }],
  EXT4: [pickle(op('EXT4', int(4, 100000))), { kind: 'ext', code: 100000, opcode: 'EXT4', offset: 0 }],
  GLOBAL: [pickle(C), namedC('GLOBAL', 0)],
  STACK_GLOBAL: [pickle(text('m'), text('C'), 'STACK_GLOBAL'), namedC('STACK_GLOBAL', 6)],
  REDUCE: [pickle(C, ONE, 'TUPLE1', 'REDUCE'), called('REDUCE', 8, namedC('GLOBAL', 0), tuple(1))],
  BUILD: [
    pickle(C, 'EMPTY_TUPLE', 'NEWOBJ', ONE, 'BUILD', TWO, 'BUILD'),
    { ...called('NEWOBJ', 6, namedC('GLOBAL', 0), tuple()), states: [1, 2] },
  ],
  INST: [pickle('MARK', ONE, op('INST', utf8('m\nC\n'))), called('INST', 3, namedC('INST', 3), tuple(1))],
  OBJ: [pickle('MARK', C, ONE, TWO, 'OBJ'), called('OBJ', 10, namedC('GLOBAL', 1), tuple(1, 2))],
  NEWOBJ: [pickle(C, 'EMPTY_TUPLE', 'NEWOBJ'), called('NEWOBJ', 6, namedC('GLOBAL', 0), tuple())],
  NEWOBJ_EX: [
    pickle(C, 'EMPTY_TUPLE', 'EMPTY_DICT', text('k'), ONE, 'SETITEM', 'NEWOBJ_EX'),
    { ...called('NEWOBJ_EX', 13, namedC('GLOBAL', 0), tuple()), kwargs: dict(['k', 1]) },
  ],
  PROTO: [pickle(op('PROTO', int(1, 5)), 'NONE'), null],
  STOP: [pickle(ONE, TWO), 2],
  FRAME: [pickle(op('FRAME', int(8, 0)), op('FRAME', int(8, 1)), 'NONE', op('FRAME', int(8, 2)), 'NEWTRUE'), true],
  PERSID: [pickle(op('PERSID', utf8('key 7\n'))), { kind: 'persistent', id: 'key 7', offset: 0 }],
  BINPERSID: [pickle(ONE, 'TUPLE1', 'BINPERSID'), { kind: 'persistent', id: tuple(1), offset: 3 }],
};

describe('parsePickle', () => {
  it.each(PICKLE_OPCODES.map(({ name }) => name))('runs %s', (name) => {
    const [data, value] = CASES[name];
    const read = parsePickle(data);
    expect(read.value).toEqual(value);
    expect(read.end).toBe(data.length);
  });

  it('shares values by identity through the memo', () => {
    const data = pickle(
      'EMPTY_LIST',
      'MEMOIZE',
      'MARK',
      'EMPTY_LIST',
      'MEMOIZE',
      op('BINGET', int(1, 1)),
      op('BINGET', int(1, 0)),
      'APPENDS',
    );
    const { value } = parsePickle(data);
    const [first, second, third] = expectItems(value, 'the list');
    expect(first).toBe(second);
    expect(third).toBe(value);
  });

  it('tells the protocol of the last PROTO, and 0 where there is none', () => {
    expect(parsePickle(pickle('NONE')).protocol).toBe(0);
    expect(parsePickle(pickle(op('PROTO', int(1, 2)), op('PROTO', int(1, 4)), 'NONE')).protocol).toBe(4);
  });

  it('reads pickles that follow one another, each from the end of the last', () => {
    const data = Uint8Array.of(...pickle(ONE), ...pickle(op('PROTO', int(1, 2)), C), ...pickle('NONE'), 0xff);
    const first = parsePickle(data);
    const second = parsePickle(data, { start: first.end, baseOffset: 1000 });
    const third = parsePickle(data, { start: second.end });
    expect([first.value, second.value, third.value]).toEqual([1, namedC('GLOBAL', 1005), null]);
    expect(third.end).toBe(data.length - 1);
  });

  it('reads a view into a larger buffer', () => {
    const data = pickle(op('BINBYTES', int(4, 2), latin1('ab')), op('BININT', int(4, 7)), 'TUPLE2');
    const shifted = Uint8Array.of(9, 9, 9, ...data, 9).subarray(3, 3 + data.length);
    expect(parsePickle(shifted).value).toEqual(tuple(bytes('ab'), 7));
  });
});
