/**
 * Files of Meta's layout read by PyTorch itself. Runs where a Python with PyTorch is found: that of the variable
 * LLAMA_PYTHON, else `python3`.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Tensor, rowCountOf } from '../formats/tensor.js';
import { openTorchFile } from '../formats/torch/torch-file.js';
import { openModel } from '../llama/open-path-node.js';
import { openFileSource } from '../source/file.js';
import { TEXT_MODELS, modelFolder } from '../testing/fixtures.js';
import { PYTHON, PYTORCH_SKIPPED, hasPyTorch } from '../testing/pytorch.js';
import { convert } from './convert-path-node.js';

/** Prints name, type, shape and SHA-256 of every tensor of each file, and whether the output is the embedding's storage. */
const SCRIPT = `
import hashlib, json, sys, torch
files = []
for path in sys.argv[1:]:
    state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    rows = []
    for name, tensor in state.items():
        assert tensor.is_contiguous() and tensor.data_ptr() % 64 == 0, name
        raw = tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
        rows.append([name, str(tensor.dtype), list(tensor.shape), hashlib.sha256(raw).hexdigest()])
    shared = state["output.weight"].data_ptr() == state["tok_embeddings.weight"].data_ptr()
    files.append({"rows": rows, "shared": shared})
print(json.dumps(files))
`;

interface Loaded {
  readonly rows: [name: string, dtype: string, shape: number[], sha256: string][];
  readonly shared: boolean;
}

describe.skipIf(!hasPyTorch)(`torch.load of what convert --to meta writes${PYTORCH_SKIPPED}`, () => {
  let root = '';
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'torch-load-'));
  });
  afterAll(async () => {
    await rm(root, { recursive: true });
  });

  it.each([
    ['llama3.2-tiny', true],
    ['llama2-tiny', false],
    ['llama1-tiny', false],
  ])('gives the tensors of %s, mapped into memory', async (name, tied) => {
    await using model = await openModel(modelFolder(name));
    const folder = join(root, name);
    await convert(model, folder, { to: 'meta' });
    const [{ rows, shared }] = load([join(folder, 'consolidated.00.pth')]) as [Loaded];
    const expected = await rowsOf(model.tensors.values());
    expect(shared).toBe(tied);
    expect(tied ? rows.slice(0, -1) : rows).toEqual(expected);
    expect(rows.at(-1)?.[0]).toBe('output.weight');
  });

  it.each(TEXT_MODELS)('gives what our reader gives of each shard of %s, after every other layout', async (name) => {
    await using source = await openModel(modelFolder(name));
    const [hf, gguf] = [join(root, `${name}-hf`), join(root, `${name}.gguf`)];
    await convert(source, hf, { to: 'safetensors', lock: false });
    await using second = await openModel(hf);
    await convert(second, gguf, { to: 'gguf', lock: false });
    await using third = await openModel(gguf);
    const paths: string[] = [];
    const read: Loaded['rows'][] = [];
    for (const shards of [1, 2, 4].filter((count) => source.config.nKvHeads % count === 0)) {
      const folder = join(root, `${name}-${shards}`);
      await convert(third, folder, { to: 'meta', shards, lock: false });
      await using last = await openModel(folder);
      expect(await rowsOf(last.tensors.values())).toEqual(await rowsOf(source.tensors.values()));
      for (let shard = 0; shard < shards; shard++) {
        paths.push(join(folder, `consolidated.0${shard}.pth`));
        await using file = await openTorchFile(await openFileSource(paths.at(-1)!));
        read.push(await rowsOf(file.tensors));
      }
    }
    expect(load(paths).map(({ rows }) => rows)).toEqual(read);
  });
});

function load(paths: readonly string[]): Loaded[] {
  return JSON.parse(execFileSync(PYTHON, ['-c', SCRIPT, ...paths], { encoding: 'utf8' })) as Loaded[];
}

async function rowsOf(tensors: Iterable<Tensor>): Promise<Loaded['rows']> {
  const rows: Loaded['rows'] = [];
  for (const tensor of tensors) {
    const { name, dtype, shape } = tensor;
    const bytes = await tensor.readRows(0, rowCountOf(shape));
    rows.push([name, `torch.${dtype}`, [...shape], createHash('sha256').update(bytes).digest('hex')]);
  }
  return rows;
}
