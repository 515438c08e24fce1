/**
 * Synthetic checkpoints are what they claim to be: read by our reader, by yauzl and, where it is found, by PyTorch.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Tensor, rowCountOf } from '../src/formats/tensor.js';
import { verifyFolder } from '../src/integrity/verify-path-node.js';
import { inspectPath } from '../src/llama/inspect-path-node.js';
import { openModel } from '../src/llama/open-path-node.js';
import { RELEASES } from '../src/llama/releases/catalogue.js';
import { builtFile } from '../src/testing/built.js';
import { PYTHON, PYTORCH_SKIPPED, hasPyTorch } from '../src/testing/pytorch.js';
import { readWithYauzl } from '../src/testing/zip.js';
import { RELEASE_SHAPES, releaseShape, tensorShapes } from './release-shapes.mjs';
import { type CheckpointOptions, makeCheckpoint } from './synthetic-checkpoint.mjs';
import { crc32OfZeros } from './zero-crc32.mjs';

const PARAMS = {
  ...{ dim: 64, n_layers: 2, n_heads: 8, n_kv_heads: 4, vocab_size: 768, ffn_dim_multiplier: 1.3 },
  ...{ multiple_of: 32, norm_eps: 1e-5, rope_theta: 500_000, use_scaled_rope: true },
};
const SMALL: CheckpointOptions = { paramsText: JSON.stringify(PARAMS), tied: false, shardCount: 1 };
const FFN_DIM = 224; // 1.3 * 170 = 221, rounded up to a multiple of 32

const SHAPES: readonly (readonly [name: string, shape: readonly number[]])[] = [
  ['attention.wq', [64, 64]],
  ['attention.wk', [32, 64]],
  ['attention.wv', [32, 64]],
  ['attention.wo', [64, 64]],
  ['feed_forward.w1', [FFN_DIM, 64]],
  ['feed_forward.w2', [64, FFN_DIM]],
  ['feed_forward.w3', [FFN_DIM, 64]],
  ['attention_norm', [64]],
  ['ffn_norm', [64]],
];

let root = '';
beforeAll(async () => {
  builtFile('formats/torch/write.js'); // throws where the build is older than the sources
  root = await mkdtemp(join(tmpdir(), 'synthetic-checkpoint-'));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

async function made(name: string, options: Partial<CheckpointOptions> = {}): Promise<string> {
  const folder = join(root, name);
  await makeCheckpoint(folder, { ...SMALL, ...options });
  return folder;
}

async function hashesOf(tensors: Iterable<Tensor>): Promise<[string, string, readonly number[], string][]> {
  const rows: [string, string, readonly number[], string][] = [];
  for (const tensor of tensors) {
    const { name, dtype, shape } = tensor;
    rows.push([name, `torch.${dtype}`, shape, sha256(await tensor.readRows(0, rowCountOf(shape)))]);
  }
  return rows;
}

async function weightsOf(folder: string): Promise<[string, string, readonly number[], string][]> {
  await using model = await openModel(folder);
  return await hashesOf(model.tensors.values());
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('a synthetic checkpoint', () => {
  it('has every tensor of its shape', async () => {
    const weights = await weightsOf(await made('whole'));
    expect(weights.map(([name, dtype, shape]) => [name, dtype, shape])).toEqual([
      ['tok_embeddings.weight', 'torch.bfloat16', [768, 64]],
      ...[0, 1].flatMap((layer) =>
        SHAPES.map(([name, shape]) => [`layers.${layer}.${name}.weight`, 'torch.bfloat16', shape]),
      ),
      ['norm.weight', 'torch.bfloat16', [64]],
      ['output.weight', 'torch.bfloat16', [768, 64]],
    ]);
    expect(new Set(weights.map(([, , , hash]) => hash)).size).toBe(weights.length);
  });

  it('has weights like those of a trained model', async () => {
    await using model = await openModel(await made('spread'));
    const bytes = await model.tensors.get('layers.0.feed_forward.w1.weight')!.readRows(0, FFN_DIM);
    const words = new Uint16Array(bytes.slice().buffer);
    const values = new Float32Array(Uint32Array.from(words, (word) => word << 16).buffer);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    expect(Math.abs(mean)).toBeLessThan(0.001);
    expect(deviation).toBeCloseTo(0.02, 3);
  });

  it('is the same for a seed, and another for another', async () => {
    const [first, again, other] = await Promise.all([made('a'), made('b'), made('c', { seed: 2 })]);
    for (const name of ['consolidated.00.pth', 'tokenizer.model', 'params.json', 'checklist.chk']) {
      expect(sha256(await readFile(join(again, name)))).toBe(sha256(await readFile(join(first, name))));
    }
    const [ours, theirs] = [await weightsOf(first), await weightsOf(other)];
    expect(ours.filter(([, , , hash], index) => hash === theirs[index]?.[3])).toEqual([]);
  });

  it.each([2, 4])('is the same model when it is cut into %i files', async (shardCount) => {
    const folder = await made(`cut-${shardCount}`, { shardCount });
    expect((await readdir(folder)).filter((name) => name.endsWith('.pth'))).toHaveLength(shardCount);
    expect(await weightsOf(folder)).toEqual(await weightsOf(await made(`uncut-${shardCount}`)));
  });

  it('has a list of checksums that is right, and a tokenizer of its vocabulary', async () => {
    const folder = await made('listed', { shardCount: 2 });
    const lines = (await readFile(join(folder, 'checklist.chk'), 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => line.slice(34))).toEqual(
      ['consolidated.00.pth', 'consolidated.01.pth', 'params.json', 'tokenizer.model'].map((name) => `./${name}`),
    );
    for (const line of lines) {
      const bytes = await readFile(join(folder, line.slice(34)));
      expect(line.slice(0, 32)).toBe(createHash('md5').update(bytes).digest('hex'));
    }
    expect(await verifyFolder(folder)).toMatchObject({ verdict: 'intact' });
    await using model = await openModel(folder);
    expect(model.vocabulary?.size).toBe(768);
  });

  it('cannot be cut unevenly, and says so', async () => {
    await expect(made('uneven', { shardCount: 3 })).rejects.toThrow(
      'layers.0.attention.wq.weight has 64 rows or columns to cut, which 3 shards cannot share equally',
    );
  });
});

describe('a sparse checkpoint', () => {
  const sparse = { sparse: true, shardCount: 2 };

  it('has files as long as those with weights, with right checksums of its zeros', async () => {
    const [folder, dense] = [await made('sparse', sparse), await made('dense', { shardCount: 2 })];
    for (const name of ['consolidated.00.pth', 'consolidated.01.pth']) {
      expect((await stat(join(folder, name))).size).toBe((await stat(join(dense, name))).size);
      expect(await wrongChecksums(join(folder, name))).toEqual([]);
    }
    expect(await verifyFolder(folder, { deep: true })).toMatchObject({ deep: { verdict: 'sound' } });
  });

  it('leaves the list out when it is told to', async () => {
    const folder = await made('sparse-unlisted', { ...sparse, checklist: false });
    expect(await readdir(folder)).not.toContain('checklist.chk');
  });

  it.each(Object.keys(RELEASE_SHAPES))('is recognised as %s at its true size, on next to no disk', async (like) => {
    const release = releaseShape(like);
    const folder = await made(`true-size-${like}`, { ...release, sparse: true, checklist: false });
    const inspected = await inspectPath(folder);
    const known = RELEASES.find(({ id }) => id.toLowerCase() === like);
    expect(known?.shardCount).toBe(release.shardCount);
    expect(inspected).toMatchObject({
      kind: 'one',
      inspection: {
        ...{ parameterCount: known?.parameterCount, shardCount: release.shardCount },
        identity: { certainty: 'shape', name: known?.shape?.name },
      },
    });
    let onDisk = 0;
    for (const name of await readdir(folder)) onDisk += (await stat(join(folder, name))).blocks * 512;
    expect(onDisk).toBeLessThan(1e8);
    await rm(folder, { recursive: true });
  });
});

describe('the releases', () => {
  it.each([
    ['llama-3.2-1b', 'Llama-3.2-1B-Instruct'],
    ['llama-3.2-3b', 'Llama-3.2-3B'],
    ['llama-3.1-8b', 'Llama-3.1-8B'],
  ])('have the published params.json: %s', (like, id) => {
    const published = RELEASES.find((release) => release.id === id)?.files.find(({ name }) => name === 'params.json');
    expect(sha256(Buffer.from(releaseShape(like).paramsText))).toBe(published?.sha256);
  });

  it('are found by the last part of their names', () => {
    expect(releaseShape('70B')).toBe(RELEASE_SHAPES['llama-3.1-70b']);
    expect(releaseShape('3.1-8b')).toBe(RELEASE_SHAPES['llama-3.1-8b']);
    expect(() => releaseShape('b')).toThrow('no release is called b: there are llama-3.2-1b');
  });

  it('have the parameters that are published', () => {
    const count = tensorShapes(JSON.parse(releaseShape('70b').paramsText) as Record<string, number>).reduce(
      (sum, { shape }) => sum + shape.reduce((product, extent) => product * extent, 1),
      0,
    );
    expect(count).toBe(70_553_706_496);
  });
});

describe('CRC-32 of zeros', () => {
  it.each([0, 1, 2, 3, 255, 4096, 65_537, 1_000_003])('is that of zlib for %i of them', (count) => {
    const before = Buffer.from('some bytes');
    expect(crc32OfZeros(0, count)).toBe(crc32(Buffer.alloc(count)));
    expect(crc32OfZeros(crc32(before), count)).toBe(crc32(Buffer.alloc(count), crc32(before)));
  });

  it('adds up beyond 32 bits', () => {
    expect(crc32OfZeros(crc32OfZeros(7, 2 ** 40), 2 ** 33 + 5)).toBe(crc32OfZeros(7, 2 ** 40 + 2 ** 33 + 5));
  });
});

const SCRIPT = `
import hashlib, json, sys, torch
files = []
for path in sys.argv[1:]:
    state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    rows = []
    for name, tensor in state.items():
        raw = tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
        rows.append([name, str(tensor.dtype), list(tensor.shape), hashlib.sha256(raw).hexdigest()])
    files.append([rows, state["output.weight"].data_ptr() == state["tok_embeddings.weight"].data_ptr()])
print(json.dumps(files))
`;

describe.skipIf(!hasPyTorch)(`torch.load(mmap=True)${PYTORCH_SKIPPED}`, () => {
  it('gives the tensors of an untied checkpoint and of a tied one that is sparse', async () => {
    const [dense, sparse] = [await made('torch'), await made('torch-sparse', { tied: true, sparse: true })];
    const paths = [dense, sparse].map((folder) => join(folder, 'consolidated.00.pth'));
    const files = JSON.parse(execFileSync(PYTHON, ['-c', SCRIPT, ...paths], { encoding: 'utf8' })) as [
      unknown[],
      boolean,
    ][];
    expect(files.map(([, shared]) => shared)).toEqual([false, true]);
    expect(files[0]?.[0]).toEqual(await weightsOf(dense));
    expect(files[1]?.[0].slice(0, -1)).toEqual(await weightsOf(sparse)); // we read a tied output once
  });
});

/** Names of the members whose CRC-32 is not what the directory says. */
async function wrongChecksums(path: string): Promise<string[]> {
  const members = await readWithYauzl(await readFile(path));
  return members.filter(({ crc32: sum, data }) => sum !== crc32(data)).map(({ name }) => name);
}
