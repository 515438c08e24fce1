/**
 * Proof that the project's own ESLint configuration reports an import that runs backwards.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';

import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, it } from 'vitest';

import { ROOMS } from './rooms.mjs';

const eslint = new ESLint({
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  // the files below do not exist, so rules that ask the type checker cannot run on them
  overrideConfig: [tseslint.configs.disableTypeChecked],
});

/** Messages of the rules about imports and globals for a file that holds only `code`. */
async function findings(path: string, code: string): Promise<string[]> {
  const [result] = await eslint.lintText(`${code}\n`, { filePath: path });
  const fatal = result?.messages.find((message) => message.fatal === true);
  if (fatal !== undefined) throw new Error(fatal.message);
  return (result?.messages ?? [])
    .filter((message) => message.ruleId?.startsWith('no-restricted-') === true)
    .map((message) => message.message);
}

const importing = (path: string): string => `import { thing } from '${path}';\nthing();`;

describe('the order of the rooms', () => {
  it.each([
    ['src/zip/archive.ts', '../pickle/machine.js', 'a neighbour'],
    ['src/pickle/machine.ts', '../zip/archive.js', 'a neighbour'],
    ['src/source/file.ts', '../zip/archive.js', 'a later room, from a file that may use Node'],
    ['src/quant/q8.ts', '../formats/tensor.js', 'a later room'],
    ['src/quant/kernels/q8.ts', '../../formats/gguf/reader.js', 'a later room, from a folder within a room'],
    ['src/formats/tensor.ts', '../llama/model.js', 'a later room'],
    ['src/formats/torch/reader.ts', '../../tokenizer/vocabulary.js', 'a later room'],
    ['src/report/table.ts', '../cli/main.js', 'the command line'],
    ['src/llama/model.ts', '../index.js', "the package's entry"],
    ['src/cli/main.ts', '../node.js', "the package's entry for Node"],
    ['src/check/logits.ts', '../testing/fixtures.js', 'helpers of the tests'],
    ['src/dtype.ts', './source/file.js', 'a room, from the shared vocabulary'],
    ['src/index.ts', './cli/main.js', 'the command line, from the entry'],
    ['src/index.ts', './node.js', "Node's entry, from the browser's"],
    ['src/node.ts', './cli/main.js', "the command line, from Node's entry"],
    ['src/zip/archive.ts', '../../src/pickle/machine.js', 'a neighbour by a detour'],
    ['src/zip/archive.ts', './../pickle/machine.js', 'a neighbour by another detour'],
    ['src/zip/archive.ts', 'llama-inspect', 'the package by its own name'],
  ])('%s must not import %s: %s', async (file, target) => {
    expect(await findings(file, importing(target))).toHaveLength(1);
  });

  it('names the file that holds the order', async () => {
    const [message] = await findings('src/zip/archive.ts', importing('../pickle/machine.js'));
    expect(message).toContain('zip/ imports only rooms before it (scripts/rooms.mjs)');
  });

  it('sees every way of importing', async () => {
    const file = 'src/quant/q8.ts';
    expect(await findings(file, "export * from '../llama/model.js';")).toHaveLength(1);
    expect(await findings(file, "export { thing } from '../llama/model.js';")).toHaveLength(1);
    expect(
      await findings(file, "import type { Thing } from '../llama/model.js';\nexport type A = Thing;"),
    ).toHaveLength(1);
    expect(await findings(file, "export const later = () => import('../llama/model.js');")).toHaveLength(1);
  });

  it('holds for tests as well, but lets them use Node and the helpers', async () => {
    expect(await findings('src/zip/archive.test.ts', importing('../pickle/machine.js'))).toHaveLength(1);
    expect(await findings('src/zip/archive.test.ts', importing('../testing/fixtures.js'))).toEqual([]);
    expect(await findings('src/zip/archive.test.ts', importing('node:fs'))).toEqual([]);
  });

  it.each([
    ['src/zip/archive.ts', '../source/byte-source.js'],
    ['src/zip/archive.ts', '../errors.js'],
    ['src/formats/torch/reader.ts', '../../zip/archive.js'],
    ['src/formats/torch/reader.ts', '../../pickle/machine.js'],
    ['src/formats/torch/reader.ts', '../tensor.js'],
    ['src/formats/torch/reader.ts', '../check/anything.js'], // a folder inside formats/ that shares a room's name
    ['src/llama/model.ts', './llama-shape.js'],
    ['src/cli/main.ts', '../report/table.js'],
    ['src/index.ts', './llama/model.js'],
    ['src/node.ts', './source/directory.js'],
  ])('%s may import %s', async (file, target) => {
    expect(await findings(file, importing(target))).toEqual([]);
  });

  it.each(ROOMS)('%s/ may import itself and the shared vocabulary, but not the command line', async (room) => {
    const file = `src/${room}/example.ts`;
    expect(await findings(file, importing('./other.js'))).toEqual([]);
    expect(await findings(file, importing('../dtype.js'))).toEqual([]);
    const cli = await findings(file, importing('../cli/main.js'));
    expect(cli).toHaveLength(room === 'cli' ? 0 : 1);
  });
});

describe('the core runs in browsers', () => {
  it.each(['node:fs', 'node:crypto', 'fs', 'fs/promises', 'path'])('it does not import %s', async (target) => {
    expect(await findings('src/llama/model.ts', importing(target))).toHaveLength(1);
    expect(await findings('src/index.ts', importing(target))).toHaveLength(1);
  });

  it.each(['Buffer.alloc(1);', 'process.exit(1);', "require('fs');"])('it does not use %s', async (code) => {
    expect(await findings('src/formats/gguf/reader.ts', code)).toHaveLength(1);
  });

  it.each(['src/source/file.ts', 'src/source/directory.ts', 'src/node.ts', 'src/cli/main.ts', 'src/cli/commands/x.ts'])(
    '%s may use Node',
    async (file) => {
      expect(await findings(file, importing('node:fs'))).toEqual([]);
      expect(await findings(file, 'process.exitCode = 1;')).toEqual([]);
    },
  );
});

describe('the house style', () => {
  it('has no enums and no default exports', async () => {
    expect(await findings('src/zip/method.ts', 'export enum Method { Stored }')).toHaveLength(1);
    expect(await findings('src/zip/method.ts', 'export default function method(): void {}')).toHaveLength(1);
  });

  it('asserts only elements of arrays, and tests what they like', async () => {
    expect(await findings('src/zip/method.ts', 'export const first = (a: Uint8Array) => a[0]!;')).toEqual([]);
    expect(await findings('src/zip/method.ts', 'export const size = (a?: Uint8Array) => a!.length;')).toHaveLength(1);
    expect(await findings('src/zip/method.test.ts', 'export const size = (a?: Uint8Array) => a!.length;')).toEqual([]);
  });

  it('cannot be silenced by a comment', async () => {
    const code = `// eslint-disable-next-line no-restricted-imports\n${importing('../pickle/machine.js')}`;
    expect(await findings('src/zip/archive.ts', code)).toHaveLength(1);
  });
});
