import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openDirectory } from '../source/directory.js';
import { FIXTURES, TEXT_MODELS, modelFolder } from '../testing/fixtures.js';
import { hashFilesOnDisk } from './hash-pool-node.js';
import { verifyFolder } from './verify-folder.js';

const verify = async (path: string) => verifyFolder(await openDirectory(path), { hashFiles: hashFilesOnDisk });

describe.each([...TEXT_MODELS, 'llama3.2-vision-tiny'])('%s', (name) => {
  it('is intact', async () => {
    const report = await verify(modelFolder(name));
    expect(report.verdict).toBe('intact');
    expect(report.structure.status).toBe('consistent');
    expect(report.structure.notes.length).toBeGreaterThan(1);
  });
});

it.each(['vision-2shards', 'llama4-1shard', 'llama4-2shards'])('%s is whole and nothing in it runs', async (name) => {
  const report = await verify(join(FIXTURES, 'families', name));
  expect(report.structure.status).toBe('consistent');
  expect(report.scan.files.map(({ verdict }) => verdict)).not.toContain('unsafe');
  expect(report.scan.files.every(({ verdict }) => verdict === 'clean')).toBe(true);
});

describe('a folder in which something is wrong', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'verify-'));
    await cp(modelFolder('llama3-tiny-4shards'), folder, { recursive: true });
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('fails by a flipped byte that leaves the structure whole', async () => {
    const path = join(folder, 'consolidated.02.pth');
    const bytes = await readFile(path);
    bytes[200_000]! ^= 1;
    await writeFile(path, bytes);
    const report = await verify(folder);
    expect(report.verdict).toBe('failed');
    expect(report.structure.status).toBe('consistent');
    expect(report.files.files.filter(({ status }) => status !== 'ok').map(({ name }) => name)).toEqual([
      'consolidated.02.pth',
    ]);
  });

  it('fails by its structure when the list is made to agree', async () => {
    await writeFile(
      join(folder, 'params.json'),
      '{"dim": 128, "n_layers": 2, "n_heads": 8, "n_kv_heads": 4, "multiple_of": 32}',
    );
    const report = await verify(folder);
    expect(report.verdict).toBe('failed');
    expect(report.structure).toMatchObject({ status: 'failed', error: { code: 'llama/wrong-shape' } });
  });

  it('fails by norms that differ between shards', async () => {
    await cp(join(modelFolder('llama3-tiny-4shards'), 'consolidated.00.pth'), join(folder, 'consolidated.01.pth'));
    const bytes = await readFile(join(folder, 'consolidated.01.pth'));
    const { openTorchFile } = await import('../formats/torch/torch-file.js');
    const { memorySource } = await import('../source/memory.js');
    const file = await openTorchFile(memorySource(new Uint8Array(bytes)));
    await file.locate();
    const norm = file.tensors.find(({ name }) => name === 'norm.weight');
    bytes[norm!.fileOffset!]! ^= 1;
    await writeFile(join(folder, 'consolidated.01.pth'), bytes);
    const report = await verify(folder);
    expect(report.structure).toMatchObject({ status: 'failed', error: { code: 'llama/not-replicated' } });
  });

  it('is unproven without a list, although its structure is right', async () => {
    await rm(join(folder, 'checklist.chk'));
    const report = await verify(folder);
    expect(report.verdict).toBe('unproven');
    expect(report.structure.status).toBe('consistent');
    expect(report.files.notCovered.length).toBeGreaterThan(0);
  });

  it('rejects only when aborted', async () => {
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(verifyFolder(await openDirectory(folder), { signal })).rejects.toThrow('stop');
  });
});
