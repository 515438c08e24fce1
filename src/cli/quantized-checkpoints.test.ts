import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { llamaInspect, temporaryFolder } from '../testing/cli.js';
import { modelFolder } from '../testing/fixtures.js';

const MODELS = ['llama3.2-spinquant-tiny', 'llama3.2-qlora-tiny', 'llama3.1-fp8-tiny'];

describe.each(MODELS)('%s', (name) => {
  it('is intact, scales included', async () => {
    const run = await llamaInspect('verify', modelFolder(name));
    expect(run.code).toBe(0);
    expect(run.stdout).toContain('every scale is there and fits');
    expect((await llamaInspect('verify', '--deep', modelFolder(name))).code).toBe(0);
    expect((await llamaInspect('scan', modelFolder(name))).code).toBe(0);
  });

  it.each(['safetensors', 'gguf'])('is the same model as %s', async (to) => {
    const folder = temporaryFolder();
    const out = join(folder, to === 'gguf' ? 'x.gguf' : 'x');
    const converted = await llamaInspect('convert', modelFolder(name), '--to', to, '-o', out);
    expect(converted).toMatchObject({ code: 0 });
    const check = await llamaInspect('check', modelFolder(name), out);
    expect({ code: check.code, stdout: check.stdout }).toMatchObject({ code: 0 });
  });

  it('can be quantized anew', async () => {
    const out = join(temporaryFolder(), 'x.gguf');
    const run = await llamaInspect('convert', modelFolder(name), '--to', 'gguf', '--type', 'q8_0', '-o', out);
    expect(run).toMatchObject({ code: 0 });
    expect(await llamaInspect('check', modelFolder(name), out)).toMatchObject({ code: 0 });
  });
});

describe('a quantized checkpoint that is not whole', () => {
  it('is refused in one line by convert, and told by verify', async () => {
    const folder = join(temporaryFolder(), 'fp8');
    cpSync(modelFolder('llama3.1-fp8-tiny'), folder, { recursive: true });
    rmSync(join(folder, 'fp8_scales_1.pt'));
    const run = await llamaInspect('convert', folder, '--to', 'gguf', '-o', join(folder, 'x.gguf'));
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toMatch(/fp8_scales_1\.pt is missing, which holds the scales of .*\[llama\/missing-shard\]/s);
    expect((await llamaInspect('verify', folder)).code).toBe(1);
  });

  it('of another scheme is inspected, not converted', async () => {
    const folder = join(temporaryFolder(), 'int4');
    cpSync(modelFolder('llama3.2-spinquant-tiny'), folder, { recursive: true });
    const path = join(folder, 'params.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('int4_weight_int8_dynamic_activation', 'int3_mystery'));
    expect(await llamaInspect('logits', folder, '--tokens', '1')).toMatchObject({ code: 2, stdout: '' });
    const run = await llamaInspect('inspect', folder);
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/params\.json has the\s+quantization scheme int3_mystery/);
    expect(run.stdout).toContain('layers.{0–1}.feed_forward.w2.scales');
  });
});
