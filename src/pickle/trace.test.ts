import { describe, expect, it } from 'vitest';
import { global, int, op, pickle, text, utf8 } from '../testing/pickle-assembler.js';
import { describeValue } from './describe.js';
import { parsePickle } from './machine.js';
import { createPickleTrace } from './trace.js';

const SYSTEM = global('posix', 'system');
const COMMAND = [text('touch /tmp/x'), 'TUPLE1'] as const;

describe('the trace', () => {
  it('has calls whose results the pickle throws away', () => {
    const { value, globals, calls } = parsePickle(pickle(SYSTEM, ...COMMAND, 'REDUCE', 'POP', 'NONE'));
    expect(value).toBeNull();
    expect(globals).toEqual([{ kind: 'global', module: 'posix', name: 'system', opcode: 'GLOBAL', offset: 0 }]);
    expect(calls).toMatchObject([{ opcode: 'REDUCE', callable: { name: 'system' }, offset: 29 }]);
  });

  it('has what came before an error', () => {
    const trace = createPickleTrace();
    const broken = pickle(SYSTEM, ...COMMAND, 'REDUCE', 'APPENDS');
    expect(() => parsePickle(broken, { trace, baseOffset: 100 })).toThrow('no mark');
    expect(trace.globals).toMatchObject([{ module: 'posix', name: 'system', offset: 100 }]);
    expect(trace.calls).toMatchObject([{ opcode: 'REDUCE', offset: 129 }]);
  });

  it('has every opcode that imports', () => {
    const { globals, extensions } = parsePickle(
      pickle(
        text('os'),
        'MEMOIZE',
        text('system'),
        'MEMOIZE',
        'STACK_GLOBAL',
        op('BINGET', int(1, 0)),
        op('BINGET', int(1, 1)),
        'STACK_GLOBAL',
        'MARK',
        op('INST', utf8('__builtin__\neval\n')),
        op('EXT1', int(1, 7)),
      ),
    );
    expect(globals.map(({ module, name, opcode, offset }) => [module, name, opcode, offset])).toEqual([
      ['os', 'system', 'STACK_GLOBAL', 14],
      ['os', 'system', 'STACK_GLOBAL', 19],
      ['__builtin__', 'eval', 'INST', 21],
    ]);
    expect(extensions).toEqual([{ kind: 'ext', code: 7, opcode: 'EXT1', offset: 39 }]);
  });

  it('has every opcode that calls, in order', () => {
    const { calls } = parsePickle(
      pickle(
        'MARK',
        op('INST', utf8('a\nInst\n')),
        'MARK',
        global('a', 'Obj'),
        'OBJ',
        global('a', 'Newobj'),
        'EMPTY_TUPLE',
        'NEWOBJ',
        global('a', 'NewobjEx'),
        'EMPTY_TUPLE',
        'EMPTY_DICT',
        'NEWOBJ_EX',
        'NONE',
        'BUILD',
        op('EXT1', int(1, 1)),
        'EMPTY_TUPLE',
        'REDUCE',
        'EMPTY_TUPLE',
        'REDUCE',
      ),
    );
    expect(calls.map((call) => call.opcode)).toEqual([
      'INST',
      'OBJ',
      'NEWOBJ',
      'NEWOBJ_EX',
      'BUILD',
      'REDUCE',
      'REDUCE',
    ]);
    expect(calls.map(({ callable }) => describeValue(callable))).toEqual([
      'the global "a.Inst"',
      'the global "a.Obj"',
      'the global "a.Newobj"',
      'the global "a.NewobjEx"',
      'an object of "a.NewobjEx"',
      'the registered extension 1',
      'a call of something computed',
    ]);
  });

  it('has a BUILD on a class, which is then refused', () => {
    const trace = createPickleTrace();
    const patch = pickle(global('torch', 'Tensor'), 'EMPTY_DICT', 'BUILD');
    expect(() => parsePickle(patch, { trace })).toThrow('cannot set the state of the global "torch.Tensor"');
    expect(trace.calls).toMatchObject([
      { kind: 'build', opcode: 'BUILD', callable: { name: 'Tensor' }, state: { kind: 'dict' } },
    ]);
  });

  it('records items of every kind on an object, in order', () => {
    const { value } = parsePickle(
      pickle(
        global('m', 'C'),
        'EMPTY_TUPLE',
        'REDUCE',
        ...(['NONE', 'APPEND', 'MARK', 'NEWTRUE', 'NEWFALSE', 'APPENDS'] as const),
        ...(['NONE', 'NEWTRUE', 'SETITEM', 'MARK', 'NONE', 'NEWFALSE', 'SETITEMS'] as const),
        ...(['MARK', 'NEWTRUE', 'NEWTRUE', 'ADDITEMS'] as const),
      ),
    );
    expect(value).toMatchObject({
      listItems: [null, true, false],
      dictItems: [
        [null, true],
        [null, false],
      ],
      setItems: [true, true],
      states: [],
    });
  });
});
