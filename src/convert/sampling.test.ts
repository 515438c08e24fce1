import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { openModel } from '../llama/open-path-node.js';
import { memoryFolder } from '../source/folder.js';
import { fineTune } from '../testing/fixtures.js';
import { convert } from './convert.js';
import { memoryOutput } from './output.js';

type Files = Record<string, Uint8Array>;

/** A fine-tune with another `generation_config.json`, as GGUF. */
async function ggufOf(settings: object): Promise<Files> {
  const folder = fineTune('llama3-korean-tiny');
  const files = Object.fromEntries(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file))]));
  const changed = { ...files, 'generation_config.json': new TextEncoder().encode(JSON.stringify(settings)) };
  await using model = await openModel(memoryFolder(changed, 'x-Instruct'));
  const output = memoryOutput();
  await convert(model, output, { to: 'gguf' });
  return Object.fromEntries(output.files);
}

async function generationConfigOf(files: Files): Promise<Record<string, unknown>> {
  await using model = await openModel(memoryFolder(files, 'x-Instruct'));
  const output = memoryOutput();
  await convert(model, output, { to: 'safetensors' });
  return JSON.parse(new TextDecoder().decode(output.files.get('generation_config.json'))) as Record<string, unknown>;
}

describe('sampling settings', () => {
  it.each([
    { temperature: 0.7, top_p: 0.85, top_k: 40, min_p: 0.05 },
    { temperature: 0.6, top_p: 0.9 },
    { temperature: 1, penalty_repeat: 1.1, penalty_last_n: -1 },
    { temperature: 0 },
  ])('go through GGUF and back: %j', async (settings) => {
    const found = await generationConfigOf(await ggufOf(settings));
    const { bos_token_id: _, eos_token_id: __, transformers_version: ___, ...rest } = found;
    expect(rest).toEqual({ ...settings, do_sample: settings.temperature !== 0 });
    expect(Object.keys(found)).toEqual(Object.keys(found).sort());
  });

  it.each([
    [{ temperature: 1e39 }, 'temperature is 1e+39, but it is a float of 32 bits in GGUF'],
    [{ top_k: 0.5 }, 'top_k is 0.5, but it is a whole number of 32 bits in GGUF'],
    [{ top_k: 2 ** 31 }, 'top_k is 2147483648, but it is a whole number of 32 bits in GGUF'],
  ])('that GGUF cannot hold are refused: %j', async (settings, message) => {
    await expect(ggufOf(settings)).rejects.toMatchObject({ code: 'convert/not-expressible', message });
  });
});
