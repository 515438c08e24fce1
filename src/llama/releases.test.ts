import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { elementCount } from '../dtype.js';
import { FIXTURES } from '../testing/fixtures.js';
import { LLAMA_3_1_8B, LLAMA_3_2_1B, shapeOnly } from '../testing/release-models.js';
import { SMALL_CONFIG } from '../testing/synthetic-model.js';
import { inspectModel } from './inspect.js';
import { expectedTensors } from './layout.js';
import type { LlamaConfig } from './model.js';
import { releaseOf, releasesNamed, releasesOfKind, releasesOfShape, releasesWithFile } from './releases.js';
import { RELEASES } from './releases/catalogue.js';
import { RELEASES_WITH_FILES } from './releases/known-files.js';
import type { KnownFile, Release } from './releases/release.js';
import { llama3Scaling } from './rope.js';

const LLAMA_2_7B: LlamaConfig = {
  ...{ dim: 4096, nLayers: 32, nHeads: 32, nKvHeads: 32, headDim: 128, ffnDim: 11008, vocabSize: 32000 },
  ...{ normEps: 1e-5, ropeTheta: 1e4, ropeScaling: null, contextLength: 4096, tied: false },
};
const LLAMA_2_70B: LlamaConfig = { ...LLAMA_2_7B, dim: 8192, nLayers: 80, nHeads: 64, nKvHeads: 8, ffnDim: 28672 };
const LLAMA_3_70B: LlamaConfig = { ...LLAMA_2_70B, vocabSize: 128256, ropeTheta: 5e5 };

// The numbers of parameters that Meta's own code, or the sizes of the published files, give for the releases.
describe.each([
  ['Llama 1 or 2 7B', LLAMA_2_7B, 6_738_415_616],
  [
    'Llama 1 or 2 13B',
    { ...LLAMA_2_7B, dim: 5120, nLayers: 40, nHeads: 40, nKvHeads: 40, ffnDim: 13824 },
    13_015_864_320,
  ],
  ['Llama 1 30B', { ...LLAMA_2_7B, dim: 6656, nLayers: 60, nHeads: 52, nKvHeads: 52, ffnDim: 17920 }, 32_528_943_616],
  ['Llama 1 65B', { ...LLAMA_2_7B, dim: 8192, nLayers: 80, nHeads: 64, nKvHeads: 64, ffnDim: 22016 }, 65_285_660_672],
  ['Llama 2 70B', LLAMA_2_70B, 68_976_648_192],
  ['Code Llama 34B', { ...LLAMA_2_70B, nLayers: 48, ffnDim: 22016, ropeTheta: 1e6 }, 33_743_970_304],
  ['Code Llama 70B', { ...LLAMA_2_70B, vocabSize: 32016, ropeTheta: 1e6 }, 68_976_910_336],
  ['Code Llama 70B Instruct or Python', { ...LLAMA_2_70B, vocabSize: 32016 }, 68_976_910_336],
  ['Llama 3 8B', { ...LLAMA_3_1_8B, ropeScaling: null }, 8_030_261_248],
  ['Llama 3.1 8B', LLAMA_3_1_8B, 8_030_261_248],
  ['Llama 3 70B', LLAMA_3_70B, 70_553_706_496],
  ['Llama 3.1 or 3.3 70B', { ...LLAMA_3_70B, ropeScaling: llama3Scaling(8) }, 70_553_706_496],
  ['Llama 3.1 405B', { ...LLAMA_3_1_8B, dim: 16384, nLayers: 126, nHeads: 128, ffnDim: 53248 }, 405_853_388_800],
  ['Llama 3.2 1B', LLAMA_3_2_1B, 1_235_814_400],
  ['Llama 3.2 3B', { ...LLAMA_3_2_1B, dim: 3072, nLayers: 28, nHeads: 24, headDim: 128 }, 3_212_749_824],
  ['Llama Guard 3 1B', { ...LLAMA_3_2_1B, tied: false }, 1_498_482_688],
] as [string, LlamaConfig, number][])('%s', (name, config, count) => {
  it('is known by its shape, and has the tensors of that many parameters', () => {
    expect(releaseOf(config)?.name).toBe(name);
    expect(releaseOf(config)?.ropeFactor).toBe(config.ropeScaling?.factor ?? null);
    expect(expectedTensors(config).reduce((sum, { shape }) => sum + elementCount(shape), 0)).toBe(count);
  });
});

it('knows no release of another shape', () => {
  expect(releaseOf(SMALL_CONFIG)).toBeUndefined();
  expect(releaseOf({ ...LLAMA_3_1_8B, vocabSize: 128257 })).toBeUndefined();
  expect(releaseOf({ ...LLAMA_3_1_8B, tied: true })).toBeUndefined();
});

it('inspects a release from its names and shapes alone', () => {
  const inspection = inspectModel(shapeOnly(LLAMA_3_2_1B, 'Llama3.2-1B'));
  expect(inspection).toMatchObject({
    release: 'Llama 3.2 1B',
    parameterCount: 1_235_814_400,
    byteLength: 2_471_628_800,
  });
  expect(inspection.tensors).toHaveLength(146);
});

describe('the registry', () => {
  const byId = (id: string): Release => RELEASES.find((release) => release.id === id)!;

  it('has every release once, under names that no other has', () => {
    expect(RELEASES).toHaveLength(59);
    for (const { id, folders } of RELEASES) {
      for (const name of [id, `Meta-${id}`, id.toLowerCase(), id.replace('Llama-3', 'Llama3'), ...folders]) {
        expect(releasesNamed(name).map((release) => release.id)).toEqual([id]);
      }
    }
    expect(releasesNamed('Llama3.1-405B:bf16-mp8').map(({ id }) => id)).toEqual(['Llama-3.1-405B-MP8']);
    expect(releasesNamed('my-model')).toEqual([]);
  });

  it('has as many parameters for each as its tensors have', () => {
    for (const { id, kind, shape, parameterCount } of RELEASES) {
      if (shape === undefined || parameterCount === undefined) {
        expect(['vision', 'llama4'], id).toContain(kind);
        continue;
      }
      const scaling = shape.ropeFactor === null ? null : llama3Scaling(shape.ropeFactor);
      const rest = { headDim: shape.dim / shape.nHeads, normEps: 1e-5, ropeScaling: scaling, contextLength: 1 };
      const tensors = expectedTensors({ ...shape, ...rest });
      expect(
        tensors.reduce((sum, tensor) => sum + elementCount(tensor.shape), 0),
        id,
      ).toBe(parameterCount);
    }
  });

  it('finds releases by shape and by kind', () => {
    const ids = (releases: readonly Release[]): string[] => releases.map(({ id }) => id);
    expect(ids(releasesOfShape(releaseOf(LLAMA_3_2_1B)!))).toEqual(['Llama-3.2-1B', 'Llama-3.2-1B-Instruct']);
    const scout = { kind: 'llama4', dim: 5120, nLayers: 48, nHeads: 40, crossLayers: 0, experts: 16 } as const;
    expect(ids(releasesOfKind(scout))).toEqual(['Llama-4-Scout-17B-16E', 'Llama-4-Scout-17B-16E-Instruct']);
    const vision = { kind: 'vision', dim: 8192, nLayers: 80, nHeads: 64, crossLayers: 20, experts: 0 } as const;
    expect(ids(releasesOfKind(vision))).toEqual(['Llama-3.2-90B-Vision', 'Llama-3.2-90B-Vision-Instruct']);
    expect(ids(releasesOfKind({ ...vision, dim: 64 }))).toEqual([]);
  });

  it('has hashes of the right length, each with its evidence, in releases that exist', () => {
    expect(RELEASES_WITH_FILES.filter((id) => !RELEASES.some((release) => release.id === id))).toEqual([]);
    const kinds = ['recomputed', 'listed', 'reported', 'size', 'inferred'];
    for (const { id, files } of RELEASES) {
      expect(new Set(files.map(({ name }) => name)).size, id).toBe(files.length);
      for (const { name, size, md5, sha256, evidence, source } of files) {
        const where = `${id}: ${name}`;
        expect(kinds, where).toContain(evidence);
        expect(source, where).not.toBe('');
        expect(md5 ?? '0'.repeat(32), where).toMatch(/^[0-9a-f]{32}$/);
        expect(sha256 ?? '0'.repeat(64), where).toMatch(/^[0-9a-f]{64}$/);
        expect(evidence === 'size', where).toBe(md5 === undefined && sha256 === undefined);
        expect(size === undefined || Number.isSafeInteger(size), where).toBe(true);
      }
    }
  });

  it('names as many shards as it knows files of', () => {
    for (const { id, files, shardCount } of RELEASES) {
      const shards = files.filter(({ name }) => name.startsWith('consolidated.'));
      if (shards.length > 1) expect(shards.length, id).toBe(shardCount);
    }
  });

  const hashes = (bytes: string | Uint8Array): Pick<KnownFile, 'size' | 'md5' | 'sha256'> => ({
    size: Buffer.byteLength(bytes),
    md5: createHash('md5').update(bytes).digest('hex'),
    sha256: createHash('sha256').update(bytes).digest('hex'),
  });
  const file = (id: string, name: string): KnownFile => byId(id).files.find((known) => known.name === name)!;

  /** Python's json.dumps of numbers that its float type would hold. */
  const python = (fields: readonly [string, string][], separator: string): string =>
    fields.map(([key, value]) => `"${key}": ${value}`).join(separator);

  const small = (dim: number, heads: number, layers: number, eps: string, end: string): string => {
    const fields: [string, string][] = [
      ...[['dim', String(dim)] as [string, string], ['multiple_of', '256'] as [string, string]],
      ...[['n_heads', String(heads)] as [string, string], ['n_layers', String(layers)] as [string, string]],
      ...[['norm_eps', eps] as [string, string], ['vocab_size', '-1'] as [string, string]],
    ];
    return `{${python(fields, ', ')}}${end}`;
  };

  const PARAMS_3: readonly [string, string][] = [
    ...(['dim', 'n_layers', 'n_heads', 'n_kv_heads', 'vocab_size'] as const).map((key): [string, string] => [key, '']),
    ...[['ffn_dim_multiplier', ''] as [string, string], ['multiple_of', ''] as [string, string]],
    ...[['norm_eps', '1e-05'] as [string, string], ['rope_theta', '500000.0'] as [string, string]],
    ['use_scaled_rope', 'true'],
  ];
  const large = (values: Readonly<Record<string, string>>): [string, string][] =>
    PARAMS_3.map(([key, value]) => [key, values[key] ?? value]);
  const sorted = (fields: readonly [string, string][]): [string, string][] =>
    [...fields].sort(([a], [b]) => (a < b ? -1 : 1));
  const indented = (fields: readonly [string, string][]): string => `{\n  ${python(fields, ',\n  ')}\n}`;

  const LLAMA_8B = { dim: '4096', n_layers: '32', n_heads: '32', n_kv_heads: '8', vocab_size: '128256' };
  const SIZES_8B = { ...LLAMA_8B, ffn_dim_multiplier: '1.3', multiple_of: '1024' };
  const SIZES_1B = { ...LLAMA_8B, dim: '2048', n_layers: '16', ffn_dim_multiplier: '1.5', multiple_of: '256' };
  const SIZES_3B = { ...SIZES_1B, dim: '3072', n_layers: '28', n_heads: '24', ffn_dim_multiplier: '1.0' };

  // Each of these texts is what the published hash is of; two of them differ from others by a line feed only.
  it.each<[string, string]>([
    ['Llama-1-7B', small(4096, 32, 32, '1e-06', '')],
    ['Llama-1-13B', small(5120, 40, 40, '1e-06', '')],
    ['Llama-1-30B', small(6656, 52, 60, '1e-06', '')],
    ['Llama-1-65B', small(8192, 64, 80, '1e-05', '')],
    ['Llama-2-7b', small(4096, 32, 32, '1e-05', '\n')],
    ['Llama-2-7b-chat', small(4096, 32, 32, '1e-06', '\n')],
    ['Llama-2-13b', small(5120, 40, 40, '1e-05', '\n')],
    ['Llama-3.1-8B', `{${python(sorted(large(SIZES_8B)), ', ')}}`],
    ['Llama-3.1-8B-Instruct', `{${python(large(SIZES_8B), ', ')}}`],
    ['Llama-3.2-1B-Instruct', indented(large(SIZES_1B))],
    ['Llama-3.2-3B', indented(sorted(large(SIZES_3B)))],
    ['Llama-Guard-3-1B', indented(sorted(large(SIZES_1B)))],
  ])('has the params.json of %s, made anew', (id, text) => {
    expect(file(id, 'params.json')).toMatchObject({ ...hashes(text), evidence: 'recomputed' });
    expect(releasesWithFile('params.json', hashes(text).sha256!).map((release) => release.id)).toEqual([id]);
  });

  it('has made every params.json anew', () => {
    const known = RELEASES.filter(({ files }) => files.some(({ name }) => name === 'params.json'));
    expect(known).toHaveLength(12);
  });

  it.each(['1-7B', '1-13B', '1-30B', '1-65B', '2-7b', '2-7b-chat', '2-13b'])(
    'has the list of Llama-%s, made of the hashes of its files',
    (name) => {
      const { files } = byId(`Llama-${name}`);
      const listed = files.filter(({ name: of }) => of.startsWith('consolidated.') || of === 'params.json');
      const lines = [...listed.slice(1), listed[0]!].map((known) => `${known.md5 ?? ''}  ${known.name}\n`);
      expect(file(`Llama-${name}`, 'checklist.chk')).toMatchObject(hashes(lines.join('')));
    },
  );

  it.each([
    ['Llama-3.2-1B-Instruct', 'checklist.chk'],
    ['Llama-3.2-1B-Instruct', 'config.json'],
    ['Llama-3.2-1B-Instruct', 'generation_config.json'],
    ['Llama-3.2-1B-Instruct', 'special_tokens_map.json'],
    ['Llama-3.1-8B-Instruct', 'config.json'],
    ['Llama-3.1-8B-Instruct', 'generation_config.json'],
    ['Llama-3.1-8B', 'model.safetensors.index.json'],
  ])('has the hash of the published file %s/%s', (id, name) => {
    const { size, sha256 } = hashes(readFileSync(join(FIXTURES, 'published', `${id}.${name}`)));
    expect(file(id, name)).toMatchObject({ size, sha256, evidence: 'recomputed' });
  });
});
