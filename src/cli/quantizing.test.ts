/**
 * Quantizing on the command line: from any source, with every option, and what is refused.
 */
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { llamaInspect, llamaInspectJson, temporaryFolder } from '../testing/cli.js';
import { FIXTURES, expectedJson, modelFolder } from '../testing/fixtures.js';

const MODEL = modelFolder('llama3.2-tiny');
const IMATRIX = join(FIXTURES, 'imatrix/tiny.gguf');

interface Inspection {
  readonly types: readonly { readonly dtype: string }[];
}

/** Converts to a GGUF file in a folder of its own; gives its path. */
async function quantized(source: string, ...options: string[]): Promise<string> {
  const output = join(temporaryFolder(), 'x.gguf');
  const { code, stderr } = await llamaInspect('convert', source, '--to', 'gguf', ...options, '-o', output);
  expect([code, stderr.replaceAll(/^warning: .*\n(?: .*\n)*/gm, '')]).toEqual([0, expect.any(String)]);
  return output;
}

/** The one line on standard error of a conversion that is refused. */
async function refusal(source: string, ...options: string[]): Promise<string> {
  const output = join(temporaryFolder(), 'x.gguf');
  const { code, stderr } = await llamaInspect('convert', source, '--to', 'gguf', ...options, '-o', output);
  expect(code).toBe(2);
  expect(() => readFileSync(output)).toThrow();
  return stderr.split('\n')[0]!;
}

async function typesOf(path: string): Promise<string[]> {
  const { answer } = await llamaInspectJson<Inspection>(path);
  return answer.types.map(({ dtype }) => dtype);
}

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

describe('convert to a quantized type', () => {
  it('makes the file of llama-quantize, by name and by number', async () => {
    const expected = expectedJson<Record<string, { file_sha256: string }>>('llama3.2-tiny', 'gguf.json');
    for (const type of ['q4_k_m', 'Q4_K', '15']) {
      expect(sha256(await quantized(MODEL, '--type', type))).toBe(expected['quantize-Q4_K_M']!.file_sha256);
    }
  });

  it('takes an importance matrix', async () => {
    const file = await quantized(MODEL, '--type', 'iq2_xs', '--imatrix', IMATRIX);
    expect(await typesOf(file)).toContain('iq2_xs');
    const check = await llamaInspect('check', MODEL, file);
    expect(check.stdout).toContain('SAME MODEL within IQ2_XS');
    expect(check.code).toBe(0);
  });

  it('gives single tensors other types, and all the same when pure', async () => {
    const chosen = ['--output-type', 'q6_k', '--embedding-type', 'q8_0', '--tensor-type', 'ffn_DOWN=q5_1'];
    const file = await quantized(modelFolder('llama3-tiny'), '--type', 'q4_0', ...chosen);
    expect((await typesOf(file)).sort()).toEqual(['float32', 'q4_0', 'q5_1', 'q6_k', 'q8_0']);
    expect((await typesOf(await quantized(MODEL, '--type', 'q4_k_m', '--pure'))).sort()).toEqual(['float32', 'q4_k']);
  });

  it.each([
    ['q8_0', 'q4_k_m'],
    ['q4_0', 'q8_0'],
    ['iq4_nl', 'q5_0'],
    ['q6_k', 'q3_k_m'],
  ])('makes of a %s file a %s one that is still the model', async (first, second) => {
    const once = await quantized(MODEL, '--type', first, '--pure');
    const twice = await quantized(once, '--type', second, '--pure', '--allow-requantize');
    const { code, stdout } = await llamaInspect('check', once, twice);
    expect([code, stdout.split(' ', 2).join(' ')]).toEqual([0, 'SAME MODEL']);
  });

  it('writes over no importance matrix, wherever a link leads', async () => {
    const folder = temporaryFolder();
    const matrix = join(folder, 'i.gguf');
    cpSync(IMATRIX, matrix);
    symlinkSync(matrix, join(folder, 'link.gguf'));
    for (const output of ['i.gguf', 'link.gguf']) {
      const options = ['--type', 'q4_0', '--imatrix', matrix, '--force', '-o', join(folder, output)];
      const { code, stderr } = await llamaInspect('convert', MODEL, '--to', 'gguf', ...options);
      expect([code, stderr]).toEqual([2, expect.stringContaining(`${output} is read by this conversion`)]);
    }
    expect(readFileSync(matrix).equals(readFileSync(IMATRIX))).toBe(true);
  });
});

describe('what is refused', () => {
  it.each<[string, string[]]>([
    ['There is no such type; did you mean q4_k_m, ', ['--type', 'q4km']],
    ['There is no such type; there are f32', ['--type', 'zzzzzzzz']],
    ['There is no such type; did you mean q4_1, q5_1 or q8_0', ['--type', 'q4_0', '--output-type', 'q8_1']],
    ['A pattern and a type were expected', ['--type', 'q4_0', '--tensor-type', 'ffn_down']],
    ['[ is no regular expression', ['--type', 'q4_0', '--tensor-type', '[=q8_0']],
    ['--imatrix is for quantized types', ['--imatrix', IMATRIX]],
    ['--pure is for quantized types', ['--type', 'f16', '--pure']],
    ['--tensor-type is for quantized types', ['--type', 'bf16', '--tensor-type', 'ffn_down=q8_0']],
    ['--output-type is for quantized types', ['--type', 'f32', '--output-type', 'q8_0']],
    ['--embedding-type is for quantized types', ['--type', 'f32', '--embedding-type', 'q8_0']],
    ['--allow-requantize is for quantized types', ['--allow-requantize']],
    ['is garbage without an importance matrix', ['--type', 'iq2_xxs']],
    ['[convert/wrong-importance]', ['--type', 'q4_0', '--imatrix', IMATRIX, '--pure']],
  ])('%s', async (message, options) => {
    const other = message.includes('wrong-importance') ? modelFolder('llama3.2-tiny-no-output') : MODEL;
    expect(await refusal(other, ...options)).toContain(message);
  });

  it('is a quantized source that is to be quantized again', async () => {
    const source = await quantized(MODEL, '--type', 'q8_0');
    expect(await refusal(source, '--type', 'q4_0')).toContain('it would lose twice   [convert/requantize]');
  });
});
