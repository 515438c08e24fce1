/**
 * Fine-tunes through the command line: what is refused is refused by every command, and leaves nothing behind.
 */
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { LOCK_NAME, type LockPredicate } from '../integrity/lock.js';
import { llamaInspect, llamaInspectJson, temporaryFolder } from '../testing/cli.js';
import { fineTune } from '../testing/fixtures.js';

/** A copy of a fine-tune that a test may change. */
function copyOf(name: string): string {
  const path = join(temporaryFolder(), name);
  cpSync(fineTune(name), path, { recursive: true });
  for (const file of readdirSync(path)) chmodSync(join(path, file), 0o644);
  return path;
}

describe('an added token beyond the embedding', () => {
  it('is one error of every command, and nothing is written', async () => {
    const source = copyOf('llama3-korean-tiny');
    const file = join(source, 'added_tokens.json');
    const tokens = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...tokens, '<|late|>': 592 }));
    const line = 'the added token "<|late|>" has id 592, but the embedding has only 592 rows';
    for (const to of ['safetensors', 'gguf', 'meta']) {
      const output = join(temporaryFolder(), 'out.gguf');
      const { code, stdout, stderr } = await llamaInspect('convert', source, '--to', to, '-o', output);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr.replace(/\s+/g, ' ')).toContain(line);
      expect(existsSync(output)).toBe(false);
    }
    const inspected = await llamaInspectJson<{ error: { code: string; message: string } }>('inspect', source);
    expect(inspected).toMatchObject({ code: 2, answer: { error: { code: 'tokenizer/size-mismatch', message: line } } });
    const verified = await llamaInspect('verify', source);
    expect(verified.code).toBe(1);
    expect(verified.stdout.replace(/\s+/g, ' ')).toContain(line);
  });
});

describe('a fine-tune', () => {
  it.each(['llama3-korean-tiny', 'llama2-chat-tiny'])('%s is inspected and proven to be the same', async (name) => {
    expect(await llamaInspect('inspect', fineTune(name))).toMatchObject({ code: 0, stderr: '' });
    const output = join(temporaryFolder(), 'model.gguf');
    expect((await llamaInspect('convert', fineTune(name), '--to', 'gguf', '-o', output)).code).toBe(0);
    expect((await llamaInspect('check', fineTune(name), output)).code).toBe(0);
  });

  it('keeps the form of its merges, so another one is refused', async () => {
    const output = join(temporaryFolder(), 'out');
    const args = ['convert', fineTune('llama3-korean-tiny'), '--to', 'safetensors', '--merges-as', 'strings'];
    const { code, stderr } = await llamaInspect(...args, '-o', output);
    expect(code).toBe(2);
    expect(stderr).toContain('[convert/bad-option]');
    expect(existsSync(output)).toBe(false);
  });
});

describe('an adapter', () => {
  const source = fineTune('llama3-korean-tiny');

  it('is in the lock file with its hashes', async () => {
    const output = join(temporaryFolder(), 'merged');
    const folder = fineTune('adapter');
    const { code } = await llamaInspect('convert', source, '--to', 'safetensors', '--lora', folder, '-o', output);
    expect(code).toBe(0);
    const lock = JSON.parse(readFileSync(join(output, LOCK_NAME), 'utf8')) as { predicate: LockPredicate };
    const adapters = lock.predicate.source?.adapters;
    expect(adapters?.map(({ name }) => name)).toEqual(['adapter']);
    const sha256 = (name: string): string =>
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex');
    expect(adapters?.[0]?.files.map(({ name, digest }) => [name, digest?.sha256])).toEqual([
      ['adapter_config.json', sha256('adapter_config.json')],
      ['adapter_model.bin', sha256('adapter_model.bin')],
    ]);
    // the tokenizer of the model that it was merged into comes along
    for (const name of ['tokenizer.json', 'generation_config.json', 'config.json']) {
      expect(readFileSync(join(output, name)).equals(readFileSync(join(source, name))), name).toBe(true);
    }
  });

  it('is not written over', async () => {
    const own = copyOf('adapter');
    writeFileSync(join(own, 'model.safetensors'), 'x');
    const args = ['convert', source, '--to', 'safetensors', '--lora', own, '-o', own, '--force'];
    expect(await llamaInspect(...args)).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining('[convert/bad-option]') as string },
    });
    expect(readFileSync(join(own, 'model.safetensors'), 'utf8')).toBe('x');
  });
});
