import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { FIXTURES, modelFolder } from '../testing/fixtures.js';
import { formatChecklist, parseChecklist } from './checklist.js';

const MD5 = '0123456789abcdef0123456789abcdef';
const SHA256 = MD5 + MD5;
const parse = (text: string) => parseChecklist(new TextEncoder().encode(text));
const entry = (name: string, line = 1, hash = MD5, algorithm = 'md5') => ({ name, hash, algorithm, line });

describe('parseChecklist', () => {
  const published = readFileSync(join(FIXTURES, 'published/Llama-3.2-1B-Instruct.checklist.chk'));

  it("reads Meta's list of Llama 3.2 1B Instruct", () => {
    expect(parseChecklist(published)).toEqual({
      entries: [
        entry('consolidated.00.pth', 1, '5b6352294a545ebeb2e41d5638656a27'),
        entry('params.json', 2, '69582ec3cc4a5f0bf8e2b1fcc04c3c6a'),
        entry('tokenizer.model', 3, '08292403f8b173e7524d7fba7bbbd2d3'),
      ],
      problems: [],
    });
  });

  it('writes it back byte for byte, in whatever order the entries come', () => {
    const { entries } = parseChecklist(published);
    expect(formatChecklist(entries)).toBe(published.toString('latin1'));
    expect(formatChecklist([...entries].reverse())).toBe(published.toString('latin1'));
    expect(formatChecklist([])).toBe('');
  });

  it('reads what md5sum and sha256sum print, with and without --tag and --binary', () => {
    const folder = modelFolder('llama3.2-tiny');
    const run = (program: string, ...options: string[]) =>
      parseChecklist(execFileSync(program, [...options, 'params.json', './tokenizer.model'], { cwd: folder })).entries;
    const names = ['params.json', 'tokenizer.model'];
    for (const program of ['md5sum', 'sha256sum']) {
      const plain = run(program);
      expect(plain.map(({ name }) => name)).toEqual(names);
      expect(plain.every(({ algorithm }) => `${algorithm}sum` === program)).toBe(true);
      expect(run(program, '--tag')).toEqual(plain);
      expect(run(program, '--binary')).toEqual(plain);
    }
  });

  it.each([
    ['without ./', `${MD5}  params.json`],
    ['with ./', `${MD5}  ./params.json\n`],
    ['with ./ twice', `${MD5}  .//./params.json\n`],
    ['binary flag', `${MD5} *params.json\n`],
    ['binary flag and ./', `${MD5} *./params.json\n`],
    ['one space', `${MD5} params.json\n`],
    ['tab', `${MD5}\tparams.json\n`],
    ['CRLF', `${MD5}  params.json\r\n`],
    ['CR alone', `${MD5}  params.json\r`],
    ['trailing blanks', `${MD5}  params.json \t \n`],
    ['upper case', `${MD5.toUpperCase()}  params.json\n`],
    ['byte order mark', `\ufeff${MD5}  params.json\n`],
    ['BSD', `MD5 (params.json) = ${MD5}\n`],
    ['BSD with ./, upper case, no blanks', `md5(./params.json)=${MD5.toUpperCase()}\n`],
    ['the same line twice', `${MD5}  params.json\n${MD5} *./params.json\n`],
  ])('reads a line %s', (_form, text) => {
    expect(parse(text)).toEqual({ entries: [entry('params.json')], problems: [] });
  });

  it('passes over blank lines and comments, but counts them', () => {
    expect(parse(`# made by hand\n\n \t\n${MD5}  a b.pth\n`)).toEqual({ entries: [entry('a b.pth', 4)], problems: [] });
    expect(parse('')).toEqual({ entries: [], problems: [] });
  });

  it('reads the UTF-16 that PowerShell writes', () => {
    const text = Buffer.from(`\ufeff${MD5}  params.json\r\n`, 'utf16le');
    expect(parseChecklist(text)).toEqual({ entries: [entry('params.json')], problems: [] });
  });

  it('takes 64 digits for SHA-256, beside an MD5 of the same file', () => {
    expect(parse(`${SHA256}  a.pth\nSHA256 (b.pth) = ${SHA256}\n${MD5}  a.pth\n`).entries).toEqual([
      entry('a.pth', 1, SHA256, 'sha256'),
      entry('b.pth', 2, SHA256, 'sha256'),
      entry('a.pth', 3),
    ]);
  });

  it('keeps names that begin with dots', () => {
    expect(parse(`${MD5}  .hidden\n${MD5}  ..double\n${MD5}  sub/x.pth`).entries.map(({ name }) => name)).toEqual([
      '.hidden',
      '..double',
      'sub/x.pth',
    ]);
  });

  it('reports a bad line and keeps the good ones', () => {
    const { entries, problems } = parse(
      [
        `${MD5}  consolidated.00.pth`,
        `${MD5.slice(1)}  ./consolidated.01.pth`,
        MD5,
        'consolidated.02.pth is fine',
        `MD5 (params.json) = `,
        `${MD5}  params.json`,
      ].join('\n'),
    );
    expect(entries.map(({ name }) => name)).toEqual(['consolidated.00.pth', 'params.json']);
    expect(problems).toEqual([
      {
        line: 2,
        fault: 'hash-length',
        message: 'a hash has 32 (MD5) or 64 (SHA-256) digits, but this one has 31',
        name: 'consolidated.01.pth',
      },
      { line: 3, fault: 'no-name', message: `a file name was expected after the hash "${MD5}"` },
      {
        line: 4,
        fault: 'no-hash',
        message: 'a hash was expected, but the line reads "consolidated.02.pth is fine"',
      },
      { line: 5, fault: 'no-hash', message: 'a hash was expected, but the line reads "MD5 (params.json) ="' },
    ]);
  });

  it.each(['../params.json', '/etc/passwd', 'a/../../b', 'C:\\x', 'C:/x', 'a\\b', '..', './', 'a\0b'])(
    'refuses the name %j',
    (name) => {
      const { entries, problems } = parse(`${MD5}  ${name}\n`);
      expect(entries).toEqual([]);
      expect(problems).toMatchObject([{ line: 1, fault: 'outside-folder', name }]);
    },
  );

  it('reports two hashes of one file and keeps the first', () => {
    const { entries, problems } = parse(`${MD5}  params.json\n${'f'.repeat(32)} *./params.json\n`);
    expect(entries).toEqual([entry('params.json')]);
    expect(problems).toEqual([
      {
        line: 2,
        fault: 'conflict',
        message: '"params.json" is listed with another hash in line 1',
        name: 'params.json',
      },
    ]);
  });

  it('cuts what it quotes and escapes control characters', () => {
    const [long, escape] = parse(`${'not a hash '.repeat(50)}\n\u001b[31mred`).problems;
    expect(long?.message.length).toBeLessThan(120);
    expect(escape?.message).toContain('\\u001b[31mred');
  });

  it('gives each line to exactly one of entries, problems or silence, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const { entries, problems } = parseChecklist(bytes);
        const lines = [...entries, ...problems].map(({ line }) => line);
        expect(new Set(lines).size).toBe(lines.length);
      }),
    );
  });

  it('reads back what it writes', () => {
    const hash = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('hex'));
    const name = fc.stringMatching(/^[a-z0-9_.-]{0,12}[a-z0-9]$/);
    fc.assert(
      fc.property(fc.dictionary(name, hash), (files) => {
        const written = Object.entries(files).map(([key, value]) => ({ name: key, hash: value }));
        const { entries, problems } = parse(formatChecklist(written));
        expect(problems).toEqual([]);
        expect(Object.fromEntries(entries.map((found) => [found.name, found.hash]))).toEqual(
          Object.fromEntries(Object.entries(files)),
        );
      }),
    );
  });
});
