import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { copyOfModel, llamaInspect, llamaInspectJson, temporaryFolder } from '../testing/cli.js';
import { modelFolder } from '../testing/fixtures.js';

interface FingerprintAnswer {
  readonly sha256: string;
  readonly layout: string;
  readonly parts: Record<string, string | null>;
  readonly tensors: readonly { readonly name: string; readonly dtype: string; readonly sha256: string }[];
}

describe('llama-inspect fingerprint', () => {
  it('says the same of a Meta folder, a Hugging Face folder and a GGUF file', async () => {
    const [meta, place] = [modelFolder('llama3.2-tiny'), temporaryFolder()];
    await llamaInspect('convert', meta, '--to', 'safetensors', '-o', join(place, 'hf'));
    await llamaInspect('convert', meta, '--to', 'gguf', '-o', join(place, 'tiny.gguf'));
    const paths = [meta, join(place, 'hf'), join(place, 'tiny.gguf')];
    const answers: FingerprintAnswer[] = [];
    for (const path of paths) {
      const { code, answer } = await llamaInspectJson<FingerprintAnswer>('fingerprint', path);
      expect(code).toBe(0);
      answers.push(answer);
    }
    expect(answers.map(({ layout }) => layout)).toEqual(['meta', 'hf', 'gguf']);
    expect(new Set(answers.map(({ sha256, parts, tensors }) => JSON.stringify([sha256, parts, tensors]))).size).toBe(1);
    const { code, stdout } = await llamaInspect('fingerprint', meta);
    expect(code).toBe(0);
    expect(stdout).toContain(`\n  model       ${answers[0]!.sha256}\n`);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(Math.max(80, meta.length + 50)); // prettier-ignore
  });

  it('shows each tensor with --all, and the types when there are several', async () => {
    const output = join(temporaryFolder(), 'q.gguf');
    await llamaInspect('convert', modelFolder('llama3.2-tiny'), '--to', 'gguf', '--type', 'q8_0', '-o', output);
    const { stdout } = await llamaInspect('fingerprint', output, '--all');
    expect(stdout).toContain('20 tensors: 15 q8_0, 5 bfloat16');
    expect(stdout.match(/^ {4}sha256 [0-9a-f]{64}$/gm)).toHaveLength(20);
  });

  it('takes a rope factor, which belongs to the hyperparameters', async () => {
    const meta = modelFolder('llama3.2-tiny');
    const { answer: before } = await llamaInspectJson<FingerprintAnswer>('fingerprint', meta);
    const { answer: after } = await llamaInspectJson<FingerprintAnswer>('fingerprint', meta, '--rope-factor', '32');
    expect(after.parts['tensors']).toBe(before.parts['tensors']);
    expect(after.parts['hyperparameters']).not.toBe(before.parts['hyperparameters']);
  });

  it('says that there is no vocabulary, and refuses what is no model', async () => {
    const folder = copyOfModel('llama3.2-tiny');
    const { rm } = await import('node:fs/promises');
    await rm(join(folder, 'tokenizer.model'));
    expect((await llamaInspect('fingerprint', folder)).stdout).toContain('vocabulary  there is none');
    const { answer } = await llamaInspectJson<FingerprintAnswer>('fingerprint', folder);
    expect(answer.parts['vocabulary']).toBeNull();
    await rm(join(folder, 'params.json'));
    const { code, stderr } = await llamaInspect('fingerprint', folder);
    expect(code).toBe(2);
    expect(stderr).toContain('[llama/no-params]');
  });
});
