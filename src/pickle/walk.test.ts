import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { memorySource } from '../source/memory.js';
import { FIXTURES } from '../testing/fixtures.js';
import {
  type PicklePart,
  assemble,
  global,
  int,
  latin1,
  op,
  pickle,
  repeat,
  text,
  utf8,
} from '../testing/pickle-assembler.js';
import { failingSource } from '../testing/sources.js';
import { type YauzlEntry, readWithYauzl } from '../testing/zip.js';
import { parsePickle } from './machine.js';
import { createPickleTrace } from './trace.js';
import { type PickleWalk, isWholePickle, rootItems, walkPickle } from './walk.js';
import { LOOKAHEAD } from './walk-input.js';

const ZOO = join(FIXTURES, 'zoo');

interface ZooFile {
  readonly file: string;
  readonly format: string;
  readonly globals?: readonly string[];
}

const FILES = (JSON.parse(readFileSync(join(ZOO, 'expected.json'), 'utf8')) as { files: ZooFile[] }).files;

const walk = (bytes: Uint8Array, start = 0): Promise<PickleWalk> => walkPickle(memorySource(bytes, 'it'), { start });

const namesOf = ({ imports }: PickleWalk): string[] => imports.map(({ module, name }) => `${module}.${name}`);

/** A pickle that calls `callable` with nothing. */
const called = (...callable: readonly PicklePart[]): Uint8Array => pickle(...callable, 'EMPTY_TUPLE', 'REDUCE');

describe('what a walk finds', () => {
  it('is what the machine finds, in every pickle of PyTorch that the machine reads', async () => {
    let compared = 0;
    for (const { file, format } of FILES) {
      if (format !== 'zip') continue;
      const members = await readWithYauzl(readFileSync(join(ZOO, file))).catch((): YauzlEntry[] => []);
      const bytes = members.find(({ name }) => name.endsWith('data.pkl'))?.data;
      if (bytes === undefined) continue;
      const trace = createPickleTrace();
      const found = await walk(bytes);
      try {
        const { end, globals, calls } = parsePickle(bytes, { trace });
        expect([file, found.stopped, found.end, found.fault]).toEqual([file, true, end, undefined]);
        const expected = new Map<string, number>();
        for (const { module, name } of globals) {
          expected.set(`${module}.${name}`, (expected.get(`${module}.${name}`) ?? 0) + 1);
        }
        expect(new Map(found.imports.map(({ module, name, count }) => [`${module}.${name}`, count]))).toEqual(expected);
        const callsOfWalk = found.imports.reduce((sum, { calls: count }) => sum + count, 0);
        expect(callsOfWalk).toBe(calls.filter(({ kind }) => kind !== 'build').length);
        compared++;
      } catch (error) {
        if ((error as Error).name !== 'PickleError') throw error;
        const names = namesOf(found);
        for (const { module, name } of trace.globals) expect(names).toContain(`${module}.${name}`);
        expect(found.fault).toBeDefined();
      }
    }
    expect(compared).toBeGreaterThan(150);
  });

  it.each([
    ['GLOBAL', called(global('posix', 'system')), 0],
    ['STACK_GLOBAL', called(text('posix'), text('system'), 'STACK_GLOBAL'), 15],
    [
      'STACK_GLOBAL',
      called(op('STRING', utf8("'po\\x73ix'\n")), op('UNICODE', utf8('syst\\u0065m\n')), 'STACK_GLOBAL'),
      25,
    ],
    [
      'STACK_GLOBAL',
      called(
        op('BINSTRING', int(4, 5), utf8('posix')),
        ...['MEMOIZE' as const, 'POP' as const],
        op('SHORT_BINSTRING', int(1, 6), utf8('system')),
        op('LONG_BINPUT', int(4, 4_000_000_000)),
        'POP',
        op('BINGET', int(1, 0)),
        op('LONG_BINGET', int(4, 4_000_000_000)),
        'STACK_GLOBAL',
      ),
      33,
    ],
    [
      'STACK_GLOBAL',
      called(
        op('BINUNICODE', int(4, 6), utf8('system')),
        op('PUT', utf8('7\n')),
        op('BINUNICODE8', int(8, 5), utf8('posix')),
        op('GET', utf8('7\n')),
        'STACK_GLOBAL',
      ),
      31,
    ],
  ] as const)('by %s, however the name is written', async (opcode, bytes, offset) => {
    const { imports, suspicions, fault, stopped } = await walk(bytes);
    expect([stopped, fault, suspicions]).toEqual([true, undefined, []]);
    expect(imports).toMatchObject([{ module: 'posix', name: 'system', opcode, offset, count: 1, calls: 1 }]);
    expect(imports[0]?.firstCall).toEqual({ opcode: 'REDUCE', offset: bytes.length - 2 });
  });

  it.each([
    ['INST', pickle('MARK', op('INST', utf8('posix\nsystem\n')))],
    ['OBJ', pickle('MARK', global('posix', 'system'), text('id'), 'OBJ')],
    ['NEWOBJ', pickle(global('posix', 'system'), 'EMPTY_TUPLE', 'NEWOBJ')],
    ['NEWOBJ_EX', pickle(global('posix', 'system'), 'EMPTY_TUPLE', 'EMPTY_DICT', 'NEWOBJ_EX')],
    ['REDUCE', pickle(global('posix', 'system'), 'DUP', 'POP', 'EMPTY_TUPLE', 'REDUCE', 'POP', 'NONE')],
  ] as const)('calls by %s', async (opcode, bytes) => {
    const { imports } = await walk(bytes);
    expect(imports).toMatchObject([{ module: 'posix', name: 'system', calls: 1, firstCall: { opcode } }]);
  });

  it('counts a name that is written often as one', async () => {
    const { imports } = await walk(called(repeat(global('a', 'b'), 5)));
    expect(imports).toMatchObject([{ offset: 0, count: 5, calls: 1 }]);
  });

  it('tells names apart that only look alike when they are joined', async () => {
    expect(
      (await walk(pickle(text('a b'), text('c'), 'STACK_GLOBAL', text('a'), text('b c'), 'STACK_GLOBAL'))).imports,
    ).toMatchObject([{ module: 'a b' }, { module: 'a' }]);
  });
});

describe('suspicions', () => {
  it.each([
    ['a name that is an integer', pickle(op('BININT1', int(1, 1)), text('x'), 'STACK_GLOBAL')],
    ['a name from an empty memo', pickle(text('os'), op('BINGET', int(1, 9)), 'STACK_GLOBAL')],
    ['a name that was computed', pickle(text('os'), global('a', 'b'), 'EMPTY_TUPLE', 'REDUCE', 'STACK_GLOBAL')],
    [
      'a name far too long',
      pickle(text('os'), op('BINUNICODE', int(4, 9999), latin1('x'.repeat(9999))), 'STACK_GLOBAL'),
    ],
    ['a line far too long', pickle(global('os', 'x'.repeat(3_000_000)))],
    ['two lines far too long', pickle(global('o'.repeat(1_500_000), 'x'.repeat(1_500_000)))],
    ['a string with a broken escape', pickle(text('os'), op('STRING', utf8("'\\x'\n")), 'STACK_GLOBAL')],
    ['a string without quotes', pickle(text('os'), op('STRING', utf8('x\n')), 'STACK_GLOBAL')],
    ['text with a broken escape', pickle(text('os'), op('UNICODE', utf8('\\u\n')), 'STACK_GLOBAL')],
    ['bytes', pickle(text('os'), op('SHORT_BINBYTES', int(1, 1), utf8('a')), 'STACK_GLOBAL')],
  ])('are raised by an import of %s', async (_, bytes) => {
    const { suspicions, stopped } = await walk(bytes);
    expect(stopped).toBe(true);
    expect(suspicions).toContainEqual(expect.objectContaining({ kind: 'unnamed-import' }));
  });

  it.each([
    ['what a.b returned', pickle(global('a', 'b'), 'EMPTY_TUPLE', 'REDUCE', 'EMPTY_TUPLE', 'REDUCE')],
    [
      'what a computed call returned',
      pickle(global('a', 'b'), 'EMPTY_TUPLE', 'REDUCE', 'EMPTY_TUPLE', 'REDUCE', 'EMPTY_TUPLE', 'REDUCE'),
    ],
    ['what a persistent id stands for', called(op('PERSID', utf8('7\n')))],
    ['what a persistent id stands for', called(text('id'), 'BINPERSID')],
    ['a registered extension', called(op('EXT1', int(1, 7)))],
    ['something that was not imported', called(text('os.system'))],
    ['something that was not imported', pickle('MARK', 'OBJ')],
  ])('are raised by a call of %s', async (what, bytes) => {
    const { suspicions } = await walk(bytes);
    expect(suspicions).toContainEqual(expect.objectContaining({ kind: 'computed-call', what }));
  });

  it.each([
    ['EXT1', op('EXT1', int(1, 200)), 200],
    ['EXT2', op('EXT2', int(2, 40_000)), 40_000],
    ['EXT4', op('EXT4', int(4, -1)), -1],
  ] as const)('are raised by %s', async (opcode, bytes, code) => {
    const { suspicions } = await walk(pickle('NONE', bytes));
    expect(suspicions).toEqual([{ kind: 'extension', opcode, offset: 1, what: `the registered extension ${code}` }]);
  });

  it('are raised by a BUILD that changes a class, and not by one that fills an object', async () => {
    const changed = await walk(pickle(global('torch', 'Tensor'), 'EMPTY_DICT', 'BUILD'));
    expect(changed.suspicions).toMatchObject([{ kind: 'changed-import', opcode: 'BUILD', what: 'torch.Tensor' }]);
    const filled = await walk(pickle(global('a', 'b'), 'EMPTY_TUPLE', 'NEWOBJ', 'EMPTY_DICT', 'BUILD'));
    expect(filled.suspicions).toEqual([]);
  });

  it('are listed as far as a person reads, and counted beyond', async () => {
    const { suspicions, leftOut } = await walk(pickle(repeat(op('EXT1', int(1, 1)), 1000)));
    expect([suspicions.length, leftOut]).toEqual([256, 744]);
  });

  it('are raised by more globals than can be listed', async () => {
    const globals = Array.from({ length: 5000 }, (_, nth) => global('m', `n${nth}`));
    const { imports, suspicions, leftOut } = await walk(pickle(...globals));
    expect([imports.length, suspicions.length + leftOut]).toEqual([4096, 904]);
  });
});

describe('a walk through what Python refuses', () => {
  const EVIL = called(global('posix', 'system')).subarray(0, -1);

  it.each([
    ['pickle/stack-underflow', pickle('TUPLE2', EVIL)],
    ['pickle/stack-underflow', pickle('APPEND', EVIL)],
    ['pickle/stack-underflow', pickle('MARK', 'SETITEMS', EVIL)],
    ['pickle/stack-underflow', pickle('NONE', 'MARK', 'TUPLE3', EVIL)],
    ['pickle/missing-mark', pickle('NONE', 'TUPLE', EVIL)],
    ['pickle/missing-mark', pickle('POP_MARK', EVIL)],
    ['pickle/missing-memo', pickle(op('BINGET', int(1, 3)), EVIL)],
    ['pickle/missing-memo', pickle(op('LONG_BINGET', int(4, 2 ** 32 - 1)), EVIL)],
    ['pickle/bad-protocol', pickle(op('PROTO', int(1, 9)), EVIL)],
    ['pickle/bad-argument', pickle(op('GET', utf8('x\n')), EVIL)],
    ['pickle/bad-argument', pickle(op('GET', utf8('-1\n')), EVIL)],
    ['pickle/bad-argument', pickle('NONE', op('PUT', latin1(`${'9'.repeat(700)}\n`)), EVIL)],
    ['pickle/bad-argument', pickle(op('BINSTRING', int(4, -1)), EVIL)],
    ['pickle/bad-argument', pickle(op('LONG4', int(4, -7)), EVIL)],
    ['pickle/bad-string', pickle(op('SHORT_BINUNICODE', int(1, 2), latin1('\xff\xff')), EVIL)],
    ['pickle/bad-string', pickle(op('GLOBAL', latin1('\xff\nx\n')), EVIL)],
    ['pickle/truncated', pickle(op('FRAME', int(8, 1000)), EVIL)],
    ['pickle/no-stop', assemble(EVIL)],
    ['pickle/unknown-opcode', assemble(EVIL, Uint8Array.of(0xff))],
    ['pickle/truncated', assemble(EVIL, op('BINBYTES', int(4, 1000), utf8('x')))],
    ['pickle/truncated', assemble(EVIL, op('BINFLOAT', utf8('x')))],
    ['pickle/truncated', assemble(EVIL, op('INT', utf8('17')))],
    ['pickle/truncated', assemble(EVIL, op('BINBYTES8', int(8, -1)))],
  ])('finds what comes before and behind the fault: %s', async (code, bytes) => {
    const { fault, imports } = await walk(bytes);
    expect(fault?.code).toBe(code);
    expect(imports.at(-1)).toMatchObject({ module: 'posix', name: 'system', calls: 1 });
  });

  it('tells the first fault with its opcode and offset', async () => {
    const { fault } = await walk(pickle('NONE', 'TUPLE', 'POP_MARK'));
    expect(fault?.message).toBe("the pickle's TUPLE at 0x1 wants the items above a mark, but no mark was set");
    expect([fault?.offset, fault?.path]).toEqual([1, 'it']);
  });

  it('ends at an opcode that does not exist, and says where', async () => {
    const { fault, end, stopped } = await walk(assemble('NONE', Uint8Array.of(0)));
    expect([stopped, end]).toEqual([false, 1]);
    expect(fault?.message).toBe(
      "the pickle's opcode 0x00 at 0x1 stands where an opcode of protocols 0 to 5 was expected",
    );
  });

  it.each([
    ['values on the stack', repeat('NONE', (1 << 22) + 10)],
    ['open marks', repeat('MARK', (1 << 20) + 10)],
  ])('bounds the number of %s', async (_, bytes) => {
    const { fault, imports } = await walk(pickle(bytes, EVIL));
    expect(fault?.code).toBe('pickle/limit-exceeded');
    expect(namesOf({ imports } as PickleWalk)).toEqual(['posix.system']);
  });

  it('remembers only so much text, and then knows no names', async () => {
    const chunk = op('BINUNICODE', int(4, 500), latin1('x'.repeat(500)));
    const { suspicions, imports } = await walk(
      pickle(repeat(assemble(chunk, 'POP'), 70_000), text('os'), text('system'), 'STACK_GLOBAL'),
    );
    expect([suspicions.length, imports.length]).toEqual([1, 0]);
  });

  it('remembers only so many tuples', async () => {
    const { storages } = await walk(
      pickle(repeat(assemble('EMPTY_TUPLE', 'POP'), (1 << 21) + 1), storage('9', 1), 'BINPERSID'),
    );
    expect(storages.size).toBe(0);
  });

  it('stops where the budget is spent', async () => {
    const budget = { opcodes: 10 };
    const source = memorySource(pickle(repeat('NONE', 50)));
    const { fault, end } = await walkPickle(source, { budget });
    expect([fault?.code, end]).toEqual(['pickle/limit-exceeded', 10]);
  });

  it('gives an answer for any bytes at all', async () => {
    const opcodes = fc.constantFrom(...Array.from({ length: 256 }, (_, code) => code));
    await fc.assert(
      fc.asyncProperty(fc.array(opcodes, { maxLength: 300 }), async (bytes) => {
        const { end, fault, stopped } = await walk(Uint8Array.from(bytes));
        expect(end).toBeLessThanOrEqual(bytes.length);
        expect(stopped || fault !== undefined).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });
});

/** The tuple that names a storage. */
function storage(key: string, elements: number): Uint8Array {
  return assemble(
    ...['MARK' as const, text('storage'), global('torch', 'FloatStorage'), text(key), text('cpu')],
    ...[op('LONG1', int(1, 2), int(2, elements)), 'TUPLE' as const],
  );
}

describe('what else a walk tells', () => {
  it('is the storages, by key', async () => {
    const { storages } = await walk(pickle(storage('a', 300), 'BINPERSID', storage('b', -5), 'BINPERSID'));
    expect([...storages]).toMatchObject([
      ['a', { storageClass: { name: 'FloatStorage' }, elementCount: 300 }],
      ['b', { elementCount: undefined }],
    ]);
  });

  it('is no storage where the id names none', async () => {
    const { storages } = await walk(
      pickle(
        'MARK',
        text('storage'),
        'NONE',
        'NONE',
        'TUPLE',
        'BINPERSID',
        'MARK',
        text('storage'),
        'NONE',
        text('k'),
        'TUPLE',
        'BINPERSID',
      ),
    );
    expect([...storages]).toEqual([['k', { storageClass: undefined, elementCount: undefined }]]);
  });

  it('is the class that an old file names together with its source', async () => {
    const { imports, suspicions } = await walk(
      called(
        'MARK',
        text('module'),
        global('a', 'Model'),
        text('a.py'),
        text('class Model: ...'),
        'TUPLE',
        'BINPERSID',
      ),
    );
    expect([imports[0]?.calls, suspicions]).toMatchObject([1, [{ kind: 'source-code', opcode: 'BINPERSID' }]]);
  });

  it('is the root, as far as tuples, texts and numbers go', async () => {
    const numbers = [op('BININT', int(4, -5)), op('BININT2', int(2, 7)), op('INT', utf8('42\n'))];
    const found = await walk(pickle('MARK', ...numbers, op('LONG', utf8('9L\n')), op('FLOAT', utf8('1\n')), 'TUPLE'));
    expect(rootItems(found).slice(0, 4)).toEqual([-5, 7, 42, 9]);
    const inner = await walk(pickle(text('a'), 'TUPLE1', 'TUPLE1', 'TUPLE1', text('b'), 'TUPLE2'));
    expect(rootItems(inner)).toMatchObject([{ items: [{ kind: 'other' }] }, 'b']);
    expect(rootItems(await walk(pickle('NONE')))).toEqual([]);
  });

  it.each([
    ['bytes', op('SHORT_BINBYTES', int(1, 4), latin1('\x80\x04N.')), { offset: 2, length: 4, isText: false }],
    ['a byte array', op('BYTEARRAY8', int(8, 4), latin1('\x80\x02N.')), { offset: 9, length: 4, isText: false }],
    ["Python 2's strings", op('BINSTRING', int(4, 4), latin1('\x80\x02N.')), { offset: 5, length: 4, isText: false }],
    ['text', op('BINUNICODE', int(4, 5), utf8('\x80\x02N.')), { offset: 5, length: 5, isText: true }],
    ['an archive', op('BINBYTES', int(4, 4), latin1('PK\x03\x04')), { offset: 5, length: 4, isText: false }],
    ['a pickle of protocol 0', text('cos\nsystem\n(tR.'), { offset: 2, length: 15, isText: true }],
  ])('is where files lie in byte strings: %s', async (_, bytes, place) => {
    expect((await walk(pickle(bytes))).embedded).toEqual([place]);
  });

  it.each(['\x80\x01N.', '\x80', 'cos system.', 'cos\nsystem', '(.', 'PK\x05\x06'])(
    'is not taken for a file: %j',
    async (bytes) => {
      expect((await walk(pickle(op('SHORT_BINBYTES', int(1, bytes.length), latin1(bytes))))).embedded).toEqual([]);
    },
  );

  it('is bounded', async () => {
    const { embedded, leftOut } = await walk(
      pickle(repeat(op('SHORT_BINBYTES', int(1, 4), latin1('\x80\x04N.')), 1500)),
    );
    expect([embedded.length, leftOut]).toEqual([1024, 476]);
  });

  it('is whether bytes without a head are a pickle', async () => {
    const sound = called(global('os', 'getcwd'));
    expect(isWholePickle(await walk(sound), sound.length)).toBe(true);
    expect(isWholePickle(await walk(sound), sound.length + 1)).toBe(false);
    const harmless = pickle('NONE');
    expect(isWholePickle(await walk(harmless), harmless.length)).toBe(false);
  });
});

describe('the window', () => {
  it.each([LOOKAHEAD - 2, LOOKAHEAD, 32_766, 32_768, 1_048_570, 1_081_345])(
    'moves over an import that begins at %i',
    async (offset) => {
      const bytes = called(op('BINBYTES', int(4, offset - 5), new Uint8Array(offset - 5)), global('posix', 'system'));
      expect((await walk(bytes)).imports).toMatchObject([{ offset, calls: 1 }]);
    },
  );

  it('begins anywhere', async () => {
    const first = pickle('NONE');
    const bytes = assemble(first, called(global('a', 'b')));
    expect(await walk(bytes, first.length)).toMatchObject({ start: 2, end: bytes.length, stopped: true });
    expect((await walk(bytes, bytes.length)).fault?.code).toBe('pickle/no-stop');
  });

  it('steps over long bytes without reading them', async () => {
    const bytes = called(op('BINBYTES', int(4, 8 << 20), new Uint8Array(8 << 20)), global('a', 'b'));
    const source = memorySource(bytes);
    let read = 0;
    const counting = {
      ...source,
      read: async (offset: number, length: number) => {
        read += length;
        return source.read(offset, length);
      },
    };
    expect((await walkPickle(counting)).stopped).toBe(true);
    expect(read).toBeLessThan(100_000);
  });

  it.each([0, 1, 2])('passes on the failure of read %i', async (nth) => {
    const source = failingSource(memorySource(called(repeat('NONE', 3 << 20), global('a', 'b'))), nth);
    await expect(walkPickle(source)).rejects.toMatchObject({ code: 'source/read-failed' });
  });
});
