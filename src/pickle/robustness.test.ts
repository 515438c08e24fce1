import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assemble, fromHex, global, int, op, pickle, repeat, text, utf8 } from '../testing/pickle-assembler.js';
import { BINARY_PICKLES, OBJECT_PICKLES, PLAIN_PICKLES } from '../testing/pickle-golden.js';
import { expectItems, isKind } from './access.js';
import { PickleError } from './errors.js';
import { parsePickle } from './machine.js';
import { PICKLE_OPCODES } from './opcodes.js';
import { createPickleTrace } from './trace.js';

const SOUND = [...PLAIN_PICKLES, ...BINARY_PICKLES, ...Object.values(OBJECT_PICKLES)].map(fromHex);

/** The error's code, or `read`; anything but a PickleError passes through and fails the test. */
function outcome(data: Uint8Array): string {
  try {
    const { end } = parsePickle(data);
    expect(end).toBeLessThanOrEqual(data.length);
    return 'read';
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    expect(error.offset).toBeLessThanOrEqual(data.length);
    return error.code;
  }
}

describe('a pickle cut short', () => {
  it.each(SOUND.map((data, index) => [index, data] as const))('number %i, at every byte, asks for more', (_, data) => {
    for (let length = 0; length < data.length; length++) {
      expect(['pickle/truncated', 'pickle/no-stop']).toContain(outcome(data.subarray(0, length)));
    }
  });
});

describe('arbitrary bytes', () => {
  it('give a value or a PickleError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (data) => void outcome(data)),
      { numRuns: 3000 },
    );
  });

  it('that are opcodes in any order give a value or a PickleError', () => {
    const code = fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...PICKLE_OPCODES.map((opcode) => opcode.code)) },
      { weight: 3, arbitrary: fc.integer({ min: 0, max: 4 }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) },
    );
    const seen = new Set<string>();
    const property = fc.property(fc.array(code, { maxLength: 40 }), (codes) => {
      seen.add(outcome(Uint8Array.from([0x4e, ...codes, 0x2e])));
    });
    fc.assert(property, { numRuns: 5000 });
    expect(seen).toContain('read');
    expect(seen.size).toBeGreaterThan(5);
  });

  it('in sound pickles give a value or a PickleError', () => {
    const edit = fc.record({
      at: fc.nat({ max: 2000 }),
      remove: fc.nat({ max: 4 }),
      insert: fc.uint8Array({ maxLength: 4 }),
    });
    const property = fc.property(
      fc.constantFrom(...SOUND),
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      (data, edits) => {
        let bytes = [...data];
        for (const { at, remove, insert } of edits) bytes = bytes.toSpliced(at % bytes.length, remove, ...insert, 0x4e);
        outcome(Uint8Array.from(bytes));
      },
    );
    fc.assert(property, { numRuns: 5000 });
  });
});

describe('a pickle that would exhaust a careless reader', () => {
  it('is read 50,000 lists deep', () => {
    const { value } = parsePickle(pickle(repeat('EMPTY_LIST', 50_000), repeat('APPEND', 49_999)));
    let depth = 1;
    let inner = expectItems(value, 'a list')[0];
    for (; isKind(inner, 'list'); inner = inner.items[0]) depth++;
    expect(depth).toBe(50_000);
  });

  it('is read with 200,000 items, arguments and keys at once', () => {
    const items = repeat(op('BININT1', int(1, 7)), 200_000);
    const list = expectItems(parsePickle(pickle('EMPTY_LIST', 'MARK', items, 'APPENDS')).value, 'a list');
    expect(list).toHaveLength(200_000);
    const called = parsePickle(
      pickle(global('m', 'C'), 'MARK', items, 'TUPLE', 'REDUCE', 'MARK', items, 'APPENDS'),
    ).value;
    expect(isKind(called, 'reduce') && called.listItems.length).toBe(200_000);
    expect(outcome(pickle('MARK', global('m', 'C'), items, 'OBJ', 'MARK', items, 'ADDITEMS'))).toBe('read');
    const keys = assemble(...Array.from({ length: 20_000 }, (_, n) => op('BININT', int(4, n))));
    const dict = parsePickle(pickle('EMPTY_DICT', 'MARK', keys, 'SETITEMS', 'MARK', keys, 'SETITEMS')).value;
    expect(isKind(dict, 'dict') && dict.entries.length).toBe(10_000);
  });

  it('is read where sharing makes 10^12 elements of a few bytes', () => {
    const times10 = assemble('MEMOIZE', 'POP', 'EMPTY_LIST', 'MARK');
    let data = assemble('EMPTY_LIST');
    for (let level = 0; level < 12; level++) {
      data = assemble(data, times10, repeat(op('BINGET', int(1, level)), 10), 'APPENDS');
    }
    expect(expectItems(parsePickle(pickle(data)).value, 'a list')).toHaveLength(10);
  });

  it('is read where one long name is used 100,000 times', () => {
    const named = assemble(global('m', 'x'.repeat(100_000)), 'MEMOIZE', 'POP', 'EMPTY_DICT');
    const set = assemble(op('BINGET', int(1, 0)), 'NONE', 'SETITEM');
    const { value } = parsePickle(pickle(named, repeat(set, 100_000)));
    expect(isKind(value, 'dict') && value.entries.length).toBe(1);
  });

  it('is read with lines of 4 MB', () => {
    const long = `${'\\n'.repeat(10)}${'a'.repeat(4_000_000)}`;
    expect(parsePickle(pickle(op('STRING', utf8(`'${long}'\n`)))).value).toHaveLength(4_000_010);
    expect(parsePickle(pickle(op('UNICODE', utf8(`${long}\n`)))).value).toHaveLength(4_000_020);
    expect(outcome(pickle(op('FLOAT', utf8(`${'1'.repeat(4_000_000)}\n`))))).toBe('pickle/bad-argument');
    expect(outcome(pickle(op('PUT', utf8(`${'1'.repeat(4_000_000)}\n`))))).toBe('pickle/bad-argument');
  });

  it('makes nothing of memo slots far apart', () => {
    const slots = [2 ** 32 - 1, 2 ** 31, 0, 1, 3, 2, 5];
    const puts = slots.flatMap((slot) => [text(String(slot)), op('LONG_BINPUT', int(4, slot)), 'POP'] as const);
    const gets = slots.map((slot) => op('LONG_BINGET', int(4, slot)));
    expect(parsePickle(pickle(...puts, 'MARK', ...gets, 'TUPLE')).value).toEqual({
      kind: 'tuple',
      items: slots.map(String),
    });
    expect(parsePickle(pickle(...puts, text('next'), 'MEMOIZE', op('BINGET', int(1, 7)))).value).toBe('next');
  });

  it('leaves a trace of no more than its opcodes', () => {
    const trace = createPickleTrace();
    expect(() => parsePickle(repeat(global('m', 'C'), 1000), { trace })).toThrow('without STOP');
    expect(trace.globals).toHaveLength(1000);
  });
});
