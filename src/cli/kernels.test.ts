import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, it, vi } from 'vitest';

import * as plain from '../forward/plain-kernels.js';
import { llamaInspect, llamaInspectJson, temporaryFolder } from '../testing/cli.js';
import { modelFolder } from '../testing/fixtures.js';

const MODEL = modelFolder('llama3.2-tiny');

interface Logits {
  readonly logits: number[][];
}

afterEach(() => vi.unstubAllEnvs());

describe('LLAMA_INSPECT_KERNELS', () => {
  it('decides whether logits and check compute in WebAssembly, with logits that agree', async () => {
    const multiply = vi.spyOn(plain.plainKernels, 'multiply');
    const run = ['logits', MODEL, '--tokens', '1,2,3,4,5,6,7,8,9'];
    const on = await llamaInspectJson<Logits>(...run);
    expect(multiply).not.toHaveBeenCalled();
    vi.stubEnv('LLAMA_INSPECT_KERNELS', 'off');
    const off = await llamaInspectJson<Logits>(...run);
    expect(multiply).toHaveBeenCalled();
    expect([on.code, off.code]).toEqual([0, 0]);
    const differences = on.answer.logits.flatMap((row, i) =>
      row.map((x, j) => Math.abs(x - off.answer.logits[i]![j]!)),
    );
    expect(differences.length).toBe(9 * 1024);
    expect(Math.max(...differences)).toBeLessThan(1e-4);
    expect(Math.max(...differences)).toBeGreaterThan(0);
    expect((await llamaInspect('check', MODEL, MODEL)).code).toBe(0);
  });

  it('decides how convert quantizes, to the same bytes', async () => {
    const folder = temporaryFolder();
    const convert = async (name: string): Promise<Buffer> => {
      const output = join(folder, name);
      const run = await llamaInspect(
        'convert',
        MODEL,
        '--to',
        'gguf',
        '--type',
        'q8_0',
        '--no-lock',
        '--output',
        output,
      );
      expect(run.code).toBe(0);
      return readFileSync(output);
    };
    const on = await convert('on.gguf');
    vi.stubEnv('LLAMA_INSPECT_KERNELS', 'off');
    expect(Buffer.compare(await convert('off.gguf'), on)).toBe(0);
  });

  it('is either on or off', async () => {
    vi.stubEnv('LLAMA_INSPECT_KERNELS', 'of');
    for (const args of [
      ['logits', MODEL, '--tokens', '1'],
      ['check', MODEL, MODEL],
    ]) {
      expect(await llamaInspect(...args)).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringContaining(
          'the variable LLAMA_INSPECT_KERNELS is "of", but it is either on or off',
        ) as string,
      });
    }
  });
});
