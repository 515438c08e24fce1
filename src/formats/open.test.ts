import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import type { ByteSource } from '../source/byte-source.js';
import { memorySource } from '../source/memory.js';
import { modelFolder } from '../testing/fixtures.js';
import { EVERY_TYPE, WHOLE } from '../testing/gguf-bytes.js';
import { openTensorFile } from './open.js';
import { openTensorFile as openTensorPath } from './open-path-node.js';
import { planSafetensors } from './safetensors/plan.js';

const PTH = join(modelFolder('llama1-tiny'), 'consolidated.00.pth');
const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const safetensors = Uint8Array.of(...planSafetensors([{ name: 'a', dtype: 'uint8', shape: [2] }]).header, ...[7, 8]);

/** A source that says whether it was closed. */
function watched(bytes: Uint8Array): { source: ByteSource; closed: () => number } {
  let closed = 0;
  const close = async (): Promise<void> => {
    closed += 1;
  };
  return { source: { ...memorySource(bytes, 'x.bin'), close, [Symbol.asyncDispose]: close }, closed: () => closed };
}

describe('openTensorFile', () => {
  it.each([
    ['torch', async () => new Uint8Array(await readFile(PTH)), 'tok_embeddings.weight'],
    ['safetensors', async () => safetensors, 'a'],
    ['gguf', async () => WHOLE, EVERY_TYPE.tensors[0]?.name],
  ] as const)('knows %s by its content, and closes it when asked', async (format, bytes, first) => {
    const { source, closed } = watched(await bytes());
    const file = await openTensorFile(source);
    expect(file).toMatchObject({ format, name: 'x.bin', size: source.size });
    expect(file.tensors[0]?.name).toBe(first);
    expect(closed()).toBe(0);
    await file.close();
    expect(closed()).toBe(1);
  });

  it.each([
    ['an HTML page', text('<!DOCTYPE html><title>Access Denied</title>'), 'source/html-page'],
    ['nothing', new Uint8Array(), 'source/empty'],
    ['JSON', text('{"dim": 64}'), 'source/other-format'],
    [
      'a Git LFS pointer',
      text(`version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 5\n`),
      'source/lfs-pointer',
    ],
    ['noise', Uint8Array.of(200, 3, 200, 3, 200), 'source/unrecognised'],
  ])('says that %s is no file of tensors, and closes it', async (_, bytes, code) => {
    const { source, closed } = watched(bytes);
    await expect(openTensorFile(source)).rejects.toMatchObject({
      ...{ code, path: 'x.bin' },
      message: expect.stringMatching(/^a file of tensors \(PyTorch, safetensors or GGUF\) was expected/) as unknown,
    });
    expect(closed()).toBe(1);
  });

  it.each([
    ['ZIP archive', Uint8Array.of(0x50, 0x4b, 3, 4, ...new Uint8Array(40)), /^zip\//],
    ['safetensors file', safetensors.subarray(0, 12), /^safetensors\//],
    ['GGUF file', WHOLE.subarray(0, 30), /^gguf\//],
    ['pickle', Uint8Array.of(0x80, 2, 0x4e, 0x2e), /^torch\//],
    [
      'file of old PyTorch',
      Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19),
      /^torch\/cut-off$/,
    ],
  ])('leaves a %s that is no good to its reader, and closes it', async (_, bytes, code) => {
    const { source, closed } = watched(bytes);
    await expect(openTensorFile(source)).rejects.toMatchObject({ code: expect.stringMatching(code) as unknown });
    expect(closed()).toBe(1);
  });

  it('can be stopped, and its pickle capped', async () => {
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(openTensorPath(PTH, { signal })).rejects.toThrow('stop');
    await expect(openTensorPath(PTH, { limits: { values: 3 } })).rejects.toMatchObject({
      code: 'pickle/limit-exceeded',
    });
  });

  it('takes a path where there are paths, and bytes as well', async () => {
    await using torch = await openTensorPath(PTH);
    expect(torch).toMatchObject({ format: 'torch', name: PTH });
    await using whole = await openTensorPath(new Blob([safetensors]));
    expect([...(await whole.tensors[0]!.readRows(0, 1))]).toEqual([7, 8]);
    const folder = await mkdtemp(join(tmpdir(), 'open-'));
    try {
      await writeFile(join(folder, 'misnamed.pth'), safetensors);
      await using misnamed = await openTensorPath(join(folder, 'misnamed.pth'));
      expect(misnamed.format).toBe('safetensors');
      await expect(openTensorPath(join(folder, 'none'))).rejects.toMatchObject({ code: 'source/not-found' });
      await expect(openTensorPath(folder)).rejects.toMatchObject({ code: 'source/not-a-file' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
