import { describe, expect, it } from 'vitest';

import { type Paint, flow, labelled, marked, printable, renderLines, shown, textOf, wrap } from './lines.js';

const paint: Paint = (style, text) => `<${style}>${text}</>`;

describe('printable', () => {
  it.each([
    ['plain · text × 2', 'plain · text × 2'],
    ['\u001b[31mred', '\\u001b[31mred'],
    ['a\nb\tc\rd', 'a\\u000ab\\u0009c\\u000dd'],
    ['evil\u202egnp.exe', 'evil\\u202egnp.exe'],
    ['\u{e0001}tag', '\\u{e0001}tag'],
    ['half \ud800 of a character', 'half \\ud800 of a character'],
    ['\u2028line', '\\u2028line'],
    ['😀 stays', '😀 stays'],
  ])('writes %j harmlessly', (text, expected) => {
    expect(printable(text)).toBe(expected);
    expect(printable(expected)).toBe(expected);
  });
});

describe('shown', () => {
  it('cuts what is far too long', () => {
    expect(shown('x'.repeat(1_000_000))).toBe(`${'x'.repeat(240)}…`);
    expect(shown('abcdef', 3)).toBe('abc…');
    expect(shown('abc', 3)).toBe('abc');
  });
});

describe('renderLines', () => {
  it('marks words, and makes everything printable', () => {
    const lines = ['plain', ['a ', marked('bad', 'b\u0007'), ' c\u001b']];
    expect(renderLines(lines, paint)).toBe('plain\na <bad>b\\u0007</> c\\u001b\n');
    expect(renderLines(lines)).toBe('plain\na b\\u0007 c\\u001b\n');
    expect(renderLines([])).toBe('');
  });
});

describe('flow', () => {
  const texts = (lines: ReturnType<typeof flow>): string[] => lines.map(textOf);

  it('fills lines of 80 columns and hangs the rest', () => {
    const parts = Array.from({ length: 5 }, (_, index) => String(index).repeat(30));
    expect(texts(flow(parts, { separator: ' · ', hanging: 2 }))).toEqual([
      `${'0'.repeat(30)} · ${'1'.repeat(30)}`,
      `  ${'2'.repeat(30)} · ${'3'.repeat(30)}`,
      `  ${'4'.repeat(30)}`,
    ]);
  });

  it('never breaks a part, and uses the last column', () => {
    expect(texts(flow(['x'.repeat(100), 'y']))).toEqual(['x'.repeat(100), 'y']);
    expect(texts(flow(['x'.repeat(78), 'y'], { separator: ' ' }))).toEqual([`${'x'.repeat(78)} y`]);
    expect(texts(flow(['x'.repeat(79), 'y'], { separator: ' ' }))).toEqual(['x'.repeat(79), 'y']);
  });

  it('leaves empty parts out', () => {
    expect(texts(flow(['', 'a', '', 'b']))).toEqual(['a   b']);
    expect(flow([])).toEqual([]);
    expect(wrap('')).toEqual([]);
  });
});

describe('wrap', () => {
  it('breaks between words', () => {
    const lines = wrap(Array(40).fill('word').join(' '), 2, 4).map(textOf);
    expect(lines.map((line) => line.length)).toEqual([76, 78, 53]);
    expect(lines.map((line) => line.search(/\S/))).toEqual([2, 4, 4]);
  });
});

describe('labelled', () => {
  it('puts sentences beside a column of labels', () => {
    const rows = [
      ['a', 'short'],
      ['longer', Array(30).fill('word').join(' ')],
    ] as const;
    const [first = '', second = '', third = ''] = labelled(rows).map(textOf);
    expect(first).toBe('  a       short');
    expect(second.startsWith('  longer  word')).toBe(true);
    expect(third.search(/\S/)).toBe(10);
    expect(labelled([])).toEqual([]);
  });
});
