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

import { openModel } from '../llama/open-path-node.js';
import { modelFolder } from '../testing/fixtures.js';
import { convert } from './convert-path-node.js';

const PYTHON = process.env['LLAMA_PYTHON'] ?? 'python3';

function hasTorch(): boolean {
  try {
    execFileSync(PYTHON, ['-c', 'import torch'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const found = hasTorch();
const reason = found ? '' : ` (skipped: ${PYTHON} has no PyTorch; name one that has in LLAMA_PYTHON)`;

/** Prints name, type, shape and SHA-256 of every tensor, and whether the output is the embedding's storage. */
const SCRIPT = `
import hashlib, json, sys, torch
state = torch.load(sys.argv[1], map_location="cpu", weights_only=True, mmap=True)
rows = []
for name, tensor in state.items():
    assert tensor.is_contiguous() and tensor.data_ptr() % 64 == 0, name
    raw = tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
    rows.append([name, str(tensor.dtype), list(tensor.shape), hashlib.sha256(raw).hexdigest()])
shared = state["output.weight"].data_ptr() == state["tok_embeddings.weight"].data_ptr()
print(json.dumps({"rows": rows, "shared": shared}))
`;

interface Loaded {
  readonly rows: [name: string, dtype: string, shape: number[], sha256: string][];
  readonly shared: boolean;
}

describe.skipIf(!found)(`torch.load of what convert --to meta writes${reason}`, () => {
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
    const script = ['-c', SCRIPT, join(folder, 'consolidated.00.pth')];
    const { rows, shared } = JSON.parse(execFileSync(PYTHON, script, { encoding: 'utf8' })) as Loaded;
    const expected: unknown[] = [];
    for (const [tensor, stored] of model.tensors) {
      const { dtype, shape } = stored;
      const bytes = await stored.readRows(0, shape.length === 2 ? shape[0]! : 1);
      expected.push([tensor, `torch.${dtype}`, [...shape], createHash('sha256').update(bytes).digest('hex')]);
    }
    expect(shared).toBe(tied);
    expect(tied ? rows.slice(0, -1) : rows).toEqual(expected);
    expect(rows.at(-1)?.[0]).toBe('output.weight');
  });
});
