import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import type { DeepReport } from '../integrity/deep-report.js';
import { openTorchFile } from '../formats/torch/torch-file.js';
import { memorySource } from '../source/memory.js';
import { copyOfModel, llamaInspect, llamaInspectJson, temporaryFolder } from '../testing/cli.js';
import { modelFolder } from '../testing/fixtures.js';

const TENSOR = 'layers.1.feed_forward.w2.weight';

/** A copy of the miniature in which the bytes of a tensor begin with these. */
async function damagedCopy(...bytes: readonly number[]): Promise<string> {
  const folder = copyOfModel('llama3.2-tiny', 'damaged');
  const path = join(folder, 'consolidated.00.pth');
  const content = readFileSync(path);
  await using file = await openTorchFile(memorySource(content));
  await file.locate();
  content.set(bytes, file.tensors.find(({ name }) => name === TENSOR)?.fileOffset);
  writeFileSync(path, content);
  return folder;
}

describe('verify --deep', () => {
  it('finds nothing in a sound checkpoint, and says what it looked at', async () => {
    const { code, stdout, stderr } = await llamaInspect('verify', modelFolder('llama3.2-tiny'), '--deep');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^INTACT /);
    expect(stdout).toContain('✓ members              26 checksums right\n');
    expect(stdout).toContain('✓ numbers              21 tensors without NaN or infinity\n');
  });

  it('names the tensor in which a byte was changed; without it there is a hint', async () => {
    const folder = await damagedCopy(1, 2, 3, 4);
    const plain = await llamaInspect('verify', folder);
    expect(plain.stdout.replace(/\s+/g, ' ')).toContain(
      `to see in which tensors: llama-inspect verify --deep ${folder}`,
    );
    const deep = await llamaInspect('verify', '--deep', folder);
    expect(deep.code).toBe(1);
    expect(deep.stdout).toMatch(/^FAILED {3}1 of 3 listed files differs\n/);
    expect(deep.stdout).toMatch(new RegExp(`^ {6}damage lies in consolidated\\.00/data/\\d+: ${TENSOR}$`, 'm'));
    expect(deep.stdout).not.toContain('to see in which tensors');
  });

  it('fails where there is no list to prove anything wrong', async () => {
    const folder = await damagedCopy(0xc0, 0x7f, 0x80, 0xff);
    rmSync(join(folder, 'checklist.chk'));
    expect((await llamaInspect('verify', folder)).stdout).toMatch(/^UNPROVEN /);
    const { code, stdout } = await llamaInspect('verify', folder, '--deep');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^FAILED {3}1 member damaged {3}1 tensor with NaN or infinity\n/);
    expect(stdout).toContain(`      ${TENSOR}: 1 NaN and 1 infinite of 131,072 numbers\n`);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('gives everything as JSON', async () => {
    const folder = await damagedCopy(0xc0, 0x7f);
    const { code, answer } = await llamaInspectJson<{ verdict: string; deep: DeepReport }>('verify', folder, '--deep');
    expect([code, answer.verdict, answer.deep.verdict]).toEqual([1, 'failed', 'failed']);
    const [file] = answer.deep.files;
    expect(file?.members).toMatchObject({
      count: 26,
      damaged: [{ fault: 'checksum', tensors: [TENSOR], error: null }],
    });
    expect(file?.tensors.map(({ name, nan }) => [name, nan])).toContainEqual([TENSOR, 1]);
    expect(file?.tensors).toHaveLength(21);
    writeFileSync(join(folder, 'consolidated.00.pth'), '<html><title>Sign in</title>');
    const page = await llamaInspectJson<{ deep: { files: { error: { code: string } }[] } }>('verify', folder, '--deep');
    expect(page.answer.deep.files.map(({ error }) => error.code)).toEqual(['source/html-page']);
    const plain = await llamaInspectJson<{ deep: null }>('verify', folder);
    expect(plain.answer.deep).toBeNull();
  });

  it('looks at Hugging Face folders and at folders of GGUF too', async () => {
    for (const [to, output] of [
      ['safetensors', 'hf'],
      ['gguf', 'gguf/x.gguf'],
    ] as const) {
      // prettier-ignore
      const place = temporaryFolder();
      const path = join(place, output);
      const folder = to === 'gguf' ? join(place, 'gguf') : path;
      await llamaInspect('convert', modelFolder('llama3.2-tiny'), '--to', to, '--output', path, '--no-lock');
      const { code, stdout } = await llamaInspect('verify', folder, '--deep');
      expect(code).toBe(1);
      expect(stdout).toMatch(/^UNPROVEN /);
      expect(stdout).toMatch(/✓ numbers +2[01] tensors without NaN or infinity\n/);
      expect(stdout).not.toContain('members');
    }
  });
});
