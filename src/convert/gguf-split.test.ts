import { describe, expect, it } from 'vitest';

import { openGgufFolderModel } from '../llama/gguf-model.js';
import { openModel } from '../llama/open-model.js';
import { sameBytes } from '../llama/shards.js';
import { openGgufFile } from '../formats/gguf/read.js';
import { openDirectory } from '../source/directory.js';
import { memoryFolder } from '../source/folder.js';
import { memorySource } from '../source/memory.js';
import { modelFolder } from '../testing/fixtures.js';
import { LLAMA_3_1_8B, shapeOnly } from '../testing/release-models.js';
import { convert, planConversion } from './convert.js';
import { ggufParts } from './gguf-split.js';
import { memoryOutput } from './output.js';
import { plannedTensors } from './plan.js';

async function split(splitMaxSize: number | undefined) {
  await using model = await openModel(await openDirectory(modelFolder('llama3.2-tiny')));
  const output = memoryOutput();
  const { plan } = await convert(model, output, { to: 'gguf', fileName: 'tiny.gguf', splitMaxSize });
  return { plan, files: Object.fromEntries(output.files) };
}

describe('a split GGUF file', () => {
  it('is the same model in parts, the metadata in the first of them', async () => {
    const { plan, files } = await split(600_000);
    const names = plan.files.map(({ name }) => name);
    expect(names.length).toBeGreaterThan(3);
    expect(names[0]).toBe(`tiny-00001-of-0000${names.length}.gguf`);
    for (const [index, name] of names.entries()) {
      await using file = await openGgufFile(memorySource(files[name]!));
      const keys = [...file.metadata].filter(([key]) => key.startsWith('split.'));
      expect(keys.map(([key, { type, value }]) => [key, type, value])).toEqual([
        ['split.no', 'u16', index],
        ['split.tensors.count', 'i32', plannedTensors(plan).length],
        ['split.count', 'u16', names.length],
      ]);
      expect(file.metadata.has('general.architecture')).toBe(index === 0);
    }
    const whole = await split(undefined);
    await using one = await openModel(whole.files['tiny.gguf']!);
    await using parts = await openGgufFolderModel(memoryFolder(files, 'x'), names[0]!);
    expect(parts.config).toEqual(one.config);
    expect(parts.gguf?.metadata).toEqual(one.gguf?.metadata);
    for (const [name, tensor] of one.tensors)
      expect(await sameBytes(tensor, parts.tensors.get(name)!), name).toBe(true);
  });

  it('fills each part up to the limit and no further, but for tensors beyond it', async () => {
    const { plan } = await split(300_000);
    const sizes = plan.files.map((file) => plannedTensors({ files: [file] }).map(({ byteLength }) => byteLength));
    for (const part of sizes) {
      const total = part.reduce((sum, size) => sum + size, 0);
      expect(total <= 300_000 || part.length === 1).toBe(true);
    }
    expect(sizes.some(([size = 0]) => size > 300_000)).toBe(true);
  });

  it('is not split where all of it fits', async () => {
    const { files } = await split(1e9);
    const { files: whole } = await split(undefined);
    expect(Object.keys(files)).toEqual(['tiny.gguf']);
    // `toEqual` takes some 20 s for megabytes
    expect(Buffer.compare(files['tiny.gguf']!, whole['tiny.gguf']!)).toBe(0);
  });

  it('has no more parts than names can count', () => {
    const tensor = plannedTensors(planConversion(shapeOnly(LLAMA_3_1_8B, 'x'), { to: 'safetensors' }))[0]!;
    const content = { metadata: [], tensors: Array.from({ length: 65_536 }, () => tensor) };
    expect(() => ggufParts(content, 'x.gguf', 1)).toThrow('the file would have 65536 parts');
  });

  it('is asked for GGUF only', () => {
    for (const options of [{ splitMaxSize: 5 }, { metadata: [] }]) {
      expect(() => planConversion(shapeOnly(LLAMA_3_1_8B, 'x'), { to: 'safetensors', ...options })).toThrow(
        expect.objectContaining({ code: 'convert/bad-option' }),
      );
    }
  });
});
