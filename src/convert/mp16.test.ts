import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import { openSafetensorsFile } from '../formats/safetensors/read.js';
import { tensorByteLength } from '../formats/tensor.js';
import { openMetaModel } from '../llama/meta-model.js';
import { openDirectory } from '../source/directory.js';
import { memorySource } from '../source/memory.js';
import { FIXTURES } from '../testing/fixtures.js';
import { convert } from './convert.js';
import { memoryOutput } from './output.js';

const FAMILIES = join(FIXTURES, 'families');

interface Facts {
  n_kv_heads: number;
  tensors: { name: string; shape: number[]; sha256: string }[];
}

it('sixteen shards that hold each key/value head twice become the model behind them', async () => {
  const expected = JSON.parse(readFileSync(join(FAMILIES, 'mp16.json'), 'utf8')) as Facts;
  await using model = await openMetaModel(await openDirectory(join(FAMILIES, 'mp16')));
  expect(model.config.nKvHeads).toBe(expected.n_kv_heads);
  expect(model.decisions[0]).toMatchObject({ about: 'key/value heads', value: '8' });
  const output = memoryOutput();
  await convert(model, output, { to: 'safetensors' });
  await using file = await openSafetensorsFile(memorySource(output.files.get('model.safetensors')!, 'x'));
  const found = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
  for (const { name, shape, sha256 } of expected.tensors) {
    const tensor = found.get(name)!;
    const bytes = await tensor.readBytes(0, tensorByteLength(tensor));
    expect([name, tensor.shape, createHash('sha256').update(bytes).digest('hex')]).toEqual([name, shape, sha256]);
  }
  expect(found.size).toBe(expected.tensors.length);
  expect(JSON.parse(new TextDecoder().decode(output.files.get('config.json')))).toMatchObject({
    num_key_value_heads: 8,
  });
});

it('refuses them where one pair of heads differs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mp16-'));
  cpSync(join(FAMILIES, 'mp16'), folder, { recursive: true });
  copyFileSync(join(FAMILIES, 'mp16', 'consolidated.02.pth'), join(folder, 'consolidated.05.pth'));
  await using model = await openMetaModel(await openDirectory(folder));
  await expect(model.expectConsistentWeights()).rejects.toMatchObject({
    ...{ code: 'llama/not-replicated', path: expect.stringContaining('consolidated.05.pth') as unknown },
    message: expect.stringContaining('other heads are stored twice') as unknown,
  });
  await model.close();
  rmSync(folder, { recursive: true });
});
