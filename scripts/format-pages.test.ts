/**
 * The pages in `docs/formats/` name codes and tests that exist, and every code that a reader of theirs can give.
 *
 * @module
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8');

const LISTED = [...read('docs/errors.md').matchAll(/^\| `([^`]+)`/gm)].map(([, code]) => code ?? '');

/** Where the tests of each format stand. */
const FOLDERS: Readonly<Record<string, string>> = {
  zip: 'src/zip',
  pickle: 'src/pickle',
  torch: 'src/formats/torch',
  safetensors: 'src/formats/safetensors',
  gguf: 'src/formats/gguf',
};

/** Codes of writers and of findings that are no refusal. */
const ELSEWHERE = ['zip/bad-write'];

const pages = readdirSync(fileURLToPath(new URL('../docs/formats', import.meta.url)));

describe('docs/formats', () => {
  it('has a page for each format, and an index that names it', () => {
    expect(pages.sort()).toEqual(
      Object.keys(FOLDERS)
        .map((format) => `${format}.md`)
        .sort(),
    );
    const index = read('docs/README.md');
    expect(pages.filter((page) => !index.includes(`formats/${page}`))).toEqual([]);
  });

  it.each(Object.keys(FOLDERS))('%s.md names every code of its format, and none that is gone', (format) => {
    const text = read(`docs/formats/${format}.md`);
    const named = [...text.matchAll(/`([a-z]+\/[a-z0-9-]+)`/g)].map(([, code]) => code ?? '');
    const own = LISTED.filter((code) => code.startsWith(`${format}/`) && !ELSEWHERE.includes(code));
    expect(own.filter((code) => !named.includes(code))).toEqual([]);
    const prefixes = new Set(LISTED.map((code) => code.split('/')[0]));
    expect(named.filter((code) => prefixes.has(code.split('/')[0]) && !LISTED.includes(code))).toEqual([]);
  });

  it.each(Object.entries(FOLDERS))('%s.md names tests that exist', (format, folder) => {
    const text = read(`docs/formats/${format}.md`);
    const files = [...text.matchAll(/`([a-z-]+\.test\.ts)`/g)].map(([, file]) => file ?? '');
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => !existsSync(new URL(`../${folder}/${file}`, import.meta.url)))).toEqual([]);
  });
});
