import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { env } from 'node:process';

import { describe, expect, it } from 'vitest';

import { convert } from './convert.js';
import { directoryOutput } from './directory-output.js';
import { openModel } from '../llama/open-path-node.js';
import { PROJECT } from '../testing/built.js';
import { temporaryFolder } from '../testing/cli.js';
import { modelFolder } from '../testing/fixtures.js';
import { syntheticModel } from '../testing/synthetic-model.js';
import { fingerprint } from '../integrity/fingerprint-path-node.js';

const PYTHON = env['LLAMA_PYTHON'] ?? 'python3';
const HAS_PYTHON = spawnSync(PYTHON, ['--version']).status === 0;

/** What the Python program that follows `docs/fingerprints.md` says of a folder. */
function fromPython(folder: string): unknown {
  return JSON.parse(execFileSync(PYTHON, [join(PROJECT, 'examples/fingerprint.py'), folder], { encoding: 'utf8' }));
}

async function fromHere(folder: string): Promise<unknown> {
  const { tensors, parts } = await fingerprint(folder);
  return { tensors: Object.fromEntries(tensors.map(({ name, sha256 }) => [name, sha256])), part: parts.tensors };
}

describe.skipIf(!HAS_PYTHON)('fingerprints, written again in Python', () => {
  it.each(['llama3.2-tiny', 'llama2-tiny-2shards'])('are those of %s', async (name) => {
    const folder = join(temporaryFolder(), 'hf');
    await using model = await openModel(modelFolder(name));
    await convert(model, directoryOutput(folder), { to: 'safetensors', maxShardSize: 500_000 });
    expect(fromPython(folder)).toEqual(await fromHere(folder));
  });

  it.each(['f32', 'f16', 'bf16'] as const)('are those of random numbers as %s', async (type) => {
    const folder = join(temporaryFolder(), 'hf');
    await convert(syntheticModel(), directoryOutput(folder), { to: 'safetensors', type });
    const { tensors } = await fingerprint(folder);
    const forms = { f32: 'float32', f16: 'float16', bf16: 'bfloat16' };
    expect(tensors.find(({ name }) => name === 'layers.1.attention.wq.weight')!.dtype).toBe(forms[type]);
    expect(fromPython(folder)).toEqual(await fromHere(folder));
  });
});
