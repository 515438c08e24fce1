/**
 * How large other types would be, and what a quantized file says of itself.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { copyOfModel, llamaInspect, llamaInspectJson, temporaryFolder } from '../testing/cli.js';
import { modelFolder } from '../testing/fixtures.js';

const MODEL = modelFolder('llama3.2-tiny');

/** Lines wider than 80 columns. */
function tooWide(text: string): string[] {
  return text.split('\n').filter((line) => line.length > 80);
}

describe('inspect --what-if', () => {
  interface WhatIfAnswer {
    readonly whatIf: { readonly type: string; readonly byteLength: number | null; readonly share: number }[] | null;
    readonly fileType: { readonly id: number; readonly name: string } | null;
    readonly types: readonly { readonly dtype: string }[];
    readonly bitsPerWeight: number;
  }

  it('shows the size of every type in place of the tensors', async () => {
    const { code, stdout, stderr } = await llamaInspect('inspect', MODEL, '--what-if');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^ {2}f32 +5\.54 MB +32\.00 +201 %$/m);
    expect(stdout).toMatch(/^ {2}q4_k_m +917 kB +5\.14 +33 %$/m);
    expect(stdout).not.toContain('layers.{0–1}');
    expect(tooWide(stdout)).toEqual([]);
  });

  it('gives the size of the file that convert writes, which then says its type', async () => {
    const [output, type] = [join(temporaryFolder(), 'x.gguf'), 'q8_0'];
    const { answer } = await llamaInspectJson<WhatIfAnswer>('inspect', MODEL, '--what-if', `${type},Q4_0`);
    expect(answer.whatIf?.map((forecast) => forecast.type)).toEqual(['q8_0', 'q4_0']);
    expect(answer).toMatchObject({ bitsPerWeight: 16, fileType: null, types: [{ dtype: 'bfloat16' }] });
    expect((await llamaInspect('convert', MODEL, '--to', 'gguf', '--type', type, '-o', output)).code).toBe(0);
    expect(answer.whatIf?.[0]?.byteLength).toBe(readFileSync(output).length);
    const made = await llamaInspectJson<WhatIfAnswer>(output);
    expect(made.answer).toMatchObject({ whatIf: null, fileType: { id: 7, name: 'q8_0' } });
    expect(made.answer.types.map(({ dtype }) => dtype)).toEqual(['q8_0', 'float32']);
    const { stdout } = await llamaInspect(output, '--what-if', 'q8_0');
    expect(stdout).toContain('  q8_0, 8.52 bits per weight · file type q8_0\n');
    expect(stdout).toContain('100 %  its type now\n');
  });

  it('shows the mixture of a file of several types', async () => {
    const output = join(temporaryFolder(), 'x.gguf');
    const quantize = ['--to', 'gguf', '--type', 'q8_0', '--tensor-type', 'ffn_down=q5_1', '-o', output];
    expect((await llamaInspect('convert', MODEL, ...quantize)).code).toBe(0);
    const { stdout } = await llamaInspect(output);
    expect(stdout).toMatch(/^ {2}q5_1 +2 +262 K +197 kB +6\.00$/m);
    expect(stdout).toMatch(/^ {2}feed-forward +q8_0, q5_1 +786 K +754 kB +7\.67$/m);
    expect(tooWide(stdout)).toEqual([]);
  });

  it('has tensors only, where there is no tokenizer to write', async () => {
    const model = copyOfModel('llama3.2-tiny');
    for (const name of ['tokenizer.model', 'checklist.chk']) rmSync(join(model, name));
    const { answer } = await llamaInspectJson<WhatIfAnswer>(model, '--what-if', 'bf16');
    expect(answer.whatIf).toMatchObject([{ type: 'bf16', byteLength: null, tensorByteLength: 2757696 }]);
    expect((await llamaInspect(model, '--what-if', 'bf16')).stdout).toContain('there is no tokenizer');
  });

  it('tells what blocks do not fit, in 80 columns', async () => {
    const narrow = modelFolder('llama1-tiny'); // rows of 64
    const { stdout } = await llamaInspect(narrow, '--what-if');
    expect(stdout).toMatch(
      /^ {2}q4_k_m +163 kB +6\.11 +41 % {2}12 q5_0 in place of q4_k\n {30,}1 q8_0 in place of q6_k$/m,
    );
    expect(stdout).toMatch(/^ {2}q1_0 +impossible$/m);
    expect(tooWide(stdout)).toEqual([]);
    const { answer } = await llamaInspectJson<WhatIfAnswer>(narrow, '--what-if', 'q1_0,iq2_xxs');
    expect(answer.whatIf).toMatchObject([
      { byteLength: null, bitsPerWeight: null, share: null, problem: { code: 'convert/unsupported-type' } },
      { needsImportance: true, fallbacks: [{ dtype: 'q4_0', insteadOf: 'q2_k' }, {}], problem: null },
    ]);
  });

  it.each([
    [[MODEL, '--what-if', 'q4km'], 'did you mean q4_k_m'],
    [['inspect', '--what-if', MODEL], 'a path comes before the option'],
    [[join(MODEL, 'consolidated.00.pth'), '--what-if'], '[llama/no-model]'],
    [[modelFolder('llama3.2-vision-tiny'), '--what-if'], '[convert/unsupported-model]'],
  ])('refuses %j', async (argv, reason) => {
    const { code, stderr } = await llamaInspect(...argv);
    expect(code).toBe(2);
    expect(stderr).toContain(reason);
  });
});
