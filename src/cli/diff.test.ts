import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { copyOfModel, llamaInspect, llamaInspectJson, temporaryFolder } from '../testing/cli.js';
import { modelFolder } from '../testing/fixtures.js';

interface DiffAnswer {
  readonly equal: boolean;
  readonly tensors: readonly { readonly name: string; readonly outcome: string }[];
  readonly vocabulary: { readonly outcome: string };
  readonly config: readonly { readonly key: string }[];
}

describe('llama-inspect diff', () => {
  it('finds nothing between a checkpoint and its lossless conversion', async () => {
    const [meta, output] = [modelFolder('llama3.2-tiny'), join(temporaryFolder(), 'hf')];
    await llamaInspect('convert', meta, '--to', 'safetensors', '-o', output);
    const { code, stdout } = await llamaInspect('diff', meta, output);
    expect(stdout.split('\n')[0]).toBe('EQUAL   all 20 tensors equal');
    expect(stdout).toContain('vocabulary       equal');
    expect(code).toBe(0);
    const json = await llamaInspectJson<DiffAnswer>('diff', meta, output);
    expect(json.code).toBe(0);
    expect(json.answer).toMatchObject({ equal: true, config: [], vocabulary: { outcome: 'equal' } });
  });

  it('lists what quantizing changed, the first dozen unless all are asked for', async () => {
    const [meta, output] = [modelFolder('llama3.2-tiny'), join(temporaryFolder(), 'q.gguf')];
    await llamaInspect('convert', meta, '--to', 'gguf', '--type', 'q4_0', '-o', output);
    const { code, stdout } = await llamaInspect('diff', meta, output);
    expect(code).toBe(1);
    expect(stdout).toContain('DIFFERENT   15 of 20 tensors differ');
    expect(stdout).toContain('norms         0 of 5');
    expect(stdout).toContain('and 3 tensors more that changed less; --all shows them');
    expect(stdout.match(/^ {2}(layers|tok_)\S+ .* %/gm)).toHaveLength(12);
    const all = await llamaInspect('diff', meta, output, '--all');
    expect(all.stdout.match(/^ {2}(layers|tok_)\S+ .* %/gm)).toHaveLength(15);
    const { answer } = await llamaInspectJson<DiffAnswer>('diff', meta, output);
    expect(answer.tensors.filter(({ outcome }) => outcome === 'equal')).toHaveLength(5);
  });

  it('tells hyperparameters and vocabularies, and tensors that only one has', async () => {
    const { code, stdout } = await llamaInspect('diff', modelFolder('llama3-tiny'), modelFolder('llama3-tiny-4shards'));
    expect(code).toBe(1);
    expect(stdout).toContain('hyperparameters  ');
    const other = await llamaInspect('diff', modelFolder('llama3.2-tiny'), modelFolder('llama3-tiny'));
    expect(other.stdout).toMatch(/layers\.2\.\S+: added in the second/);
    const back = await llamaInspect('diff', modelFolder('llama3-tiny'), modelFolder('llama3.2-tiny'));
    expect(back.stdout).toMatch(/layers\.2\.\S+: missing in the second/);
    const kinds = await llamaInspectJson<DiffAnswer>('diff', modelFolder('llama3.2-tiny'), modelFolder('llama2-tiny'));
    expect(kinds.answer.vocabulary.outcome).toBe('different');
  });

  it('tells the first of the tokens that differ', async () => {
    const folder = copyOfModel('llama3.2-tiny', 'llama3.2-tiny-instruct');
    const { code, stdout } = await llamaInspect('diff', modelFolder('llama3.2-tiny'), folder);
    expect(stdout).toContain('vocabulary       eos 769 "<|end_of_text|>" → 777 "<|eot_id|>"');
    expect(code).toBe(0);
    await writeFile(join(folder, 'params.json'), '{');
    expect((await llamaInspect('diff', folder, folder)).code).toBe(2);
  });
});
