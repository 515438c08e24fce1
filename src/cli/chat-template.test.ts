/** `--chat-template`, `--no-chat-template`, and what `inspect` and the lock file say of them. */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';

import { llamaInspect, llamaInspectJson, temporaryFolder } from '../testing/cli.js';
import { modelFolder } from '../testing/fixtures.js';

const MINE = '{{ bos_token }}{# mine #}';

let place: string;
let source: string;

beforeEach(() => {
  place = temporaryFolder();
  source = join(place, 'Llama3.2-tiny-Instruct');
  cpSync(modelFolder('llama3.2-tiny'), source, { recursive: true });
});

const convert = async (output: string, to: string, ...more: string[]): Promise<{ code: number; both: string }> => {
  const run = await llamaInspect('convert', source, '--to', to, '-o', join(place, output), ...more);
  return { code: run.code, both: run.stdout + run.stderr };
};

const templateFile = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(place, name), content);
  return join(place, name);
};

/** What `inspect --json` says of the templates; the schema is checked on the way. */
async function inspected(output: string): Promise<unknown> {
  const { answer } = await llamaInspectJson<{ chatTemplate: unknown }>('inspect', join(place, output));
  return answer.chatTemplate;
}

describe('a conversion of an instruct model', () => {
  it.each([
    ['a.gguf', 'gguf', 'the metadata'],
    ['hf', 'safetensors', 'tokenizer_config.json'],
  ])('writes our template into %s, and both commands say so', async (output, to, from) => {
    const { code, both } = await convert(output, to);
    expect(code).toBe(0);
    expect(both).toMatch(/chat template +llama-inspect’s for Llama 3.1 to 3.3 \(the source has none, and/);
    expect(await inspected(output)).toMatchObject({ from, ours: 'llama3.1', named: [] });
    const { stdout } = await llamaInspect('inspect', join(place, output));
    expect(stdout).toMatch(new RegExp(`^ {2}chat template: llama-inspect’s for Llama 3.1 to 3.3, in ${from}$`, 'm')); // prettier-ignore
    expect(await inspected('Llama3.2-tiny-Instruct')).toBeNull();
  });

  it('writes none where none is wanted, and the lock file says so', async () => {
    expect((await convert('a.gguf', 'gguf', '--no-chat-template')).code).toBe(0);
    expect(await inspected('a.gguf')).toBeNull();
    const { stdout } = await llamaInspect('inspect', join(place, 'a.gguf'));
    expect(stdout).toContain('\n  no chat template\n');
    const lock = readFileSync(join(place, 'a.gguf.llama-inspect.lock.json'), 'utf8');
    expect(lock).toContain('"chatTemplate":null');
  });

  it('writes the template that is given, and the lock file has its name and hash', async () => {
    const { code, both } = await convert('hf', 'safetensors', '--chat-template', templateFile('mine.jinja', MINE));
    expect(code).toBe(0);
    expect(both).toContain('mine.jinja (it was given)');
    expect(await inspected('hf')).toEqual({
      ...{ from: 'tokenizer_config.json', ours: null, characters: MINE.length, named: [] },
    });
    const lock = readFileSync(join(place, 'hf', 'llama-inspect.lock.json'), 'utf8');
    const sha256 = createHash('sha256').update(MINE).digest('hex');
    expect(lock).toContain('"chatTemplate":"mine.jinja"');
    const { inputs } = (JSON.parse(lock) as { predicate: { source: { inputs: unknown } } }).predicate.source;
    expect(inputs).toMatchObject([{ name: 'mine.jinja', digest: { sha256 } }]);
  });
});

describe('a template that is refused', () => {
  it.each<[string, string | Uint8Array, string]>([
    ['no text', new Uint8Array([0x89, 0x50, 0xff]), 'the file is not UTF-8   [tokenizer/bad-template]'],
    ['empty', '', 'the file is empty   [tokenizer/bad-template]'],
    ['no Jinja', 'hello', 'it has no {{ and no {% in it   [tokenizer/bad-template]'],
    ['with NUL', '{{ a }}\0', 'the file holds NUL bytes: it is no text   [tokenizer/bad-template]'],
    ['too long', `{{ a }}${'x'.repeat(1 << 20)}`, '[source/too-large]'],
  ])('%s: one line, exit 2, nothing written', async (_, content, message) => {
    const { code, both } = await convert('a.gguf', 'gguf', '--chat-template', templateFile('t.jinja', content));
    expect(code).toBe(2);
    expect(both.trimEnd().split('\n')).toHaveLength(1);
    expect(both).toContain(message);
    expect(existsSync(join(place, 'a.gguf'))).toBe(false);
  });

  it('a file that is missing, or a folder', async () => {
    expect(await convert('a.gguf', 'gguf', '--chat-template', join(place, 'no.jinja'))).toMatchObject({ code: 2 });
    mkdirSync(join(place, 'folder'));
    expect(await convert('a.gguf', 'gguf', '--chat-template', join(place, 'folder'))).toMatchObject({ code: 2 });
  });

  it.each([['--no-chat-template'], ['--chat-template', 'x']])('%s for Meta’s layout', async (...options) => {
    const { code, both } = await convert('meta', 'meta', ...options);
    expect(code).toBe(2);
    expect(both).toContain('--chat-template is for safetensors and GGUF files   [cli/usage]');
  });

  it.each([
    ['--chat-template', 'x', '--no-chat-template'],
    ['--no-chat-template', '--chat-template', 'x'],
  ])('given and unwanted at once: %s %s %s', async (...options) => {
    const { code, both } = await convert('a.gguf', 'gguf', ...options);
    expect(code).toBe(2);
    expect(both).toContain('--chat-template and --no-chat-template cannot be given together   [cli/usage]');
  });

  it('and the template itself is not written over', async () => {
    const path = templateFile('a.gguf', MINE);
    const { code, both } = await convert('a.gguf', 'gguf', '--chat-template', path, '--force');
    expect(code).toBe(2);
    expect(both).toContain('a.gguf is read by this conversion');
    expect(readFileSync(path, 'utf8')).toBe(MINE);
  });
});
