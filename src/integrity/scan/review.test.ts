/**
 * Files that once were called clean and ran all the same, by the programs that they are made for.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { memorySource } from '../../source/memory.js';
import { FIXTURES } from '../../testing/fixtures.js';
import { type PicklePart, assemble, int, op, pickle, repeat, text, utf8 } from '../../testing/pickle-assembler.js';
import { scanFile } from './scan-file.js';

const FOLDER = join(FIXTURES, 'scan-attacks');
const NAMES = readdirSync(FOLDER).filter((name) => name !== 'ORIGIN');

async function rulesOf(bytes: Uint8Array, path: string): Promise<string[]> {
  const result = await scanFile(memorySource(bytes, path), { path, required: true });
  return 'what' in result ? [] : result.findings.map(({ rule }) => rule);
}

/** What each file is found out by, beside whatever else is found in it. */
const EXPECTED: readonly (readonly [pattern: RegExp, rule: string])[] = [
  [/^h_frame/, 'broken-pickle'],
  [/^(?:c_numpy|m_dtype)/, 'unsafe-use'],
  [/^(?:a_legtar|a_tar|e_model|n_unk)/, 'second-format'],
  [/^a_(?:cont|gnul|hard|pax)/, 'archive-structure'],
  [/^n_v7/, 'dangerous-global'],
  [/\.np[yz]$/, 'dangerous-global'],
  [/^b_case/, 'dangerous-global'],
  [/^b_data/, 'dangerous-global'],
  [/^d_patch/, 'code'],
  [/^d_poison/, 'changed-class'],
];

describe('a file that runs something', () => {
  it.each(NAMES)('is found out: %s', async (name) => {
    const expected = EXPECTED.find(([pattern]) => pattern.test(name))?.[1];
    expect(await rulesOf(readFileSync(join(FOLDER, name)), name)).toContain(expected);
  });
});

describe('frames', () => {
  it('that opcodes keep to are no finding', async () => {
    const inner = pickle('NONE');
    expect(await rulesOf(pickle(op('PROTO', int(1, 4)), op('FRAME', int(8, inner.length)), 'NONE'), 'x.pkl')).toEqual(
      [],
    );
  });

  it.each([
    ['an argument', pickle(op('PROTO', int(1, 4)), op('FRAME', int(8, 3)), op('BININT', int(4, 1)))],
    ['a line', pickle(op('PROTO', int(1, 4)), op('FRAME', int(8, 2)), op('INT', utf8('123\n')))],
    ['an end', pickle(op('PROTO', int(1, 4)), op('FRAME', int(8, 3)), 'NONE', 'STOP', 'NONE')],
    ['another frame', pickle(op('PROTO', int(1, 4)), op('FRAME', int(8, 11)), op('FRAME', int(8, 2)), 'NONE')],
  ])('that %s does not keep to are read in two ways', async (_, bytes) => {
    expect(await rulesOf(bytes, 'x.pkl')).toContain('broken-pickle');
  });
});

describe('what a walk no longer remembers', () => {
  it('is not taken for harmless', async () => {
    const lost = repeat(assemble('EMPTY_TUPLE', 'POP'), 300_000);
    const identity = assemble(text('torch.jit._pickle'), text('build_intlist'), 'STACK_GLOBAL');
    const patched = assemble(
      text('argparse'),
      text('Namespace'),
      'STACK_GLOBAL',
      'TUPLE1',
      'REDUCE',
      'EMPTY_DICT',
      'BUILD',
    );
    expect(await rulesOf(pickle(op('PROTO', int(1, 4)), lost, identity, patched), 'x.pkl')).toEqual(['unsafe-use']);
    expect(await rulesOf(pickle(op('PROTO', int(1, 4)), identity, patched), 'x.pkl')).toEqual(['changed-class']);
  });
});

describe('allowed names', () => {
  const called = (...parts: readonly PicklePart[]): Uint8Array => pickle(op('PROTO', int(1, 4)), ...parts);

  it.each([
    ['an array made at once', called(text('numpy'), text('ndarray'), 'STACK_GLOBAL', 'EMPTY_TUPLE', 'REDUCE')],
    [
      'arguments that are computed',
      called(
        ...([text('builtins'), text('list'), 'STACK_GLOBAL', text('builtins'), text('tuple'), 'STACK_GLOBAL'] as const),
        ...(['EMPTY_TUPLE', 'REDUCE', 'REDUCE'] as const),
      ),
    ],
    [
      'a rebuilder of anything',
      called(
        ...([text('torch._tensor'), text('_rebuild_from_type_v2'), 'STACK_GLOBAL'] as const),
        ...([
          text('builtins'),
          text('list'),
          'STACK_GLOBAL',
          'NONE',
          'EMPTY_TUPLE',
          'NONE',
          'MARK',
          'POP_MARK',
        ] as const),
        ...(['TUPLE3', 'TUPLE2', 'REDUCE'] as const),
      ),
    ],
    [
      'items put into what is no container',
      called(
        ...([text('argparse'), text('Namespace'), 'STACK_GLOBAL', 'EMPTY_TUPLE', 'REDUCE'] as const),
        ...([text('a'), 'NONE', 'SETITEM'] as const),
      ),
    ],
  ])('are no more than names: %s', async (_, bytes) => {
    expect(await rulesOf(bytes, 'x.pkl')).toContain('unsafe-use');
  });
});

describe('_io.BytesIO', () => {
  // written by Python 3.11: an empty one and one of the bytes "ab" at position 1, by protocol
  const WRITTEN = [
    '8002635f696f0a4279746573494f0a710029817101635f5f6275696c74696e5f5f0a62797465730a7102295271034b004e877104622e',
    '8002635f696f0a4279746573494f0a710029817101635f636f646563730a656e636f64650a710258020000006162710358060000006c6174696e3171048671055271064b014e877107622e',
    '8003635f696f0a4279746573494f0a710029817101430071024b004e877103622e',
    '8003635f696f0a4279746573494f0a7100298171014302616271024b014e877103622e',
    '8004951f000000000000008c035f696f948c074279746573494f9493942981944300944b004e8794622e',
    '80059521000000000000008c035f696f948c074279746573494f94939429819443026162944b014e8794622e',
  ];
  const CLASS = [text('_io'), text('BytesIO'), 'STACK_GLOBAL'] as const;
  const empty = op('SHORT_BINBYTES', int(1, 0));
  const protocol = op('PROTO', int(1, 4));

  it.each(WRITTEN)('is no finding as Python writes it: %s', async (hex) => {
    expect(await rulesOf(Uint8Array.from(Buffer.from(hex, 'hex')), 'x.pkl')).toEqual([]);
  });

  it('is no finding made of bytes at once', async () => {
    expect(await rulesOf(pickle(protocol, ...CLASS, empty, 'TUPLE1', 'REDUCE'), 'x.pkl')).toEqual([]);
  });

  const made = [protocol, ...CLASS, 'EMPTY_TUPLE', 'NEWOBJ'] as const;
  it.each([
    ['made of a number', [protocol, ...CLASS, op('BININT', int(4, 9)), 'TUPLE1', 'REDUCE']],
    ['made of several things', [protocol, ...CLASS, empty, empty, 'TUPLE2', 'REDUCE']],
    ['made of another object', [protocol, ...CLASS, ...CLASS, 'EMPTY_TUPLE', 'REDUCE', 'TUPLE1', 'REDUCE']],
    ['with attributes', [...made, empty, op('BININT', int(4, 0)), 'EMPTY_DICT', 'TUPLE3', 'BUILD']],
    ['at a position below zero', [...made, empty, op('BININT', int(4, 0xffffffff)), 'NONE', 'TUPLE3', 'BUILD']],
    ['with a dictionary for a state', [...made, 'EMPTY_DICT', 'BUILD']],
    ['with items put into it', [...made, text('a'), 'NONE', 'SETITEM']],
  ] as [string, PicklePart[]][])('is a finding %s', async (_, parts) => {
    expect(await rulesOf(pickle(...parts), 'x.pkl')).toContain('unsafe-use');
  });

  it('has methods that are on no list', async () => {
    const method = pickle(protocol, text('_io'), text('BytesIO.write'), 'STACK_GLOBAL');
    expect(await rulesOf(method, 'x.pkl')).not.toEqual([]);
  });
});
