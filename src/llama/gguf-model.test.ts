import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import type { GgufMetadataEntry } from '../formats/gguf/plan.js';
import { memorySource } from '../source/memory.js';
import { FIXTURES } from '../testing/fixtures.js';
import {
  SMALL_GGUF_METADATA as METADATA,
  SMALL_GGUF_SHAPES as SHAPES,
  ggufBytes,
} from '../testing/small-checkpoints.js';
import { openGgufModel } from './gguf-model.js';
import { openModel } from './open-model.js';

/** The metadata with these entries in place of those of their keys; an entry without a type takes its key away. */
function changed(...entries: (GgufMetadataEntry | { readonly key: string })[]): GgufMetadataEntry[] {
  const keys = entries.map(({ key }) => key);
  const rest = METADATA.filter(({ key }) => !keys.includes(key));
  return [...rest, ...entries.filter((entry): entry is GgufMetadataEntry => 'type' in entry)];
}

function u32(key: string, value: number): GgufMetadataEntry {
  return { key, type: 'u32', value };
}

const open = (bytes: Uint8Array, ropeFactor?: number) =>
  openGgufModel(memorySource(bytes, 'models/x.GGUF'), ropeFactor);

describe('a GGUF file', () => {
  it('is a model, with defaults where older files have no keys', async () => {
    await using model = await open(ggufBytes());
    expect(model).toMatchObject({ layout: 'gguf', path: 'models/x.GGUF', name: 'x', vocabulary: undefined });
    expect(model.config).toEqual({
      ...{ dim: 8, nLayers: 1, nHeads: 2, nKvHeads: 2, headDim: 4, ffnDim: 16, vocabSize: 6, normEps: 1e-5 },
      ...{ ropeTheta: 10000, ropeScaling: null, contextLength: 64, tied: true },
    });
    expect([...model.tensors.keys()].slice(0, 2)).toEqual(['tok_embeddings.weight', 'layers.0.attention.wq.weight']);
    await expect(model.expectConsistentWeights()).resolves.toBeUndefined();
  });

  it('with an output matrix is not tied', async () => {
    await using model = await open(ggufBytes(METADATA, { ...SHAPES, 'output.weight': [6, 8] }));
    expect(model.config.tied).toBe(false);
    expect([...model.tensors.keys()].at(-1)).toBe('output.weight');
  });

  it('may state the size of a head, which need not follow from the width', async () => {
    const shapes = {
      ...{ ...SHAPES, 'blk.0.attn_q.weight': [12, 8], 'blk.0.attn_k.weight': [6, 8] },
      ...{ 'blk.0.attn_v.weight': [6, 8], 'blk.0.attn_output.weight': [8, 12] },
    };
    for (const key of ['llama.attention.key_length', 'llama.rope.dimension_count']) {
      const metadata = changed(u32(key, 6), u32('llama.attention.head_count_kv', 1));
      await using model = await open(ggufBytes(metadata, shapes));
      expect(model.config).toMatchObject({ headDim: 6, nKvHeads: 1 });
    }
  });

  it.each([
    [0.00001, 'f32', 1e-5],
    [1e-6, 'f32', 1e-6],
    [1.5e-5, 'f32', 1.5e-5],
    [1.2345e-5, 'f32', 1.2345e-5],
    [1.00000025e-5, 'f32', Math.fround(1.00000025e-5)],
    [1e-5, 'f64', 1e-5],
    [1 / 3, 'f64', 1 / 3],
  ] as const)('has the epsilon %d, stored as %s, in as few digits as tell it', async (value, type, epsilon) => {
    const entry = { key: 'llama.attention.layer_norm_rms_epsilon', type, value };
    await using model = await open(ggufBytes(changed(entry)));
    expect(model.config.normEps).toBe(epsilon);
  });

  it.each([
    [5e5, 5e5],
    [1e6, 1e6],
    [10000, 10000],
  ])('has the theta %d', async (value, theta) => {
    await using model = await open(ggufBytes(changed({ key: 'llama.rope.freq_base', type: 'f32', value })));
    expect(model.config.ropeTheta).toBe(theta);
  });

  it.each([
    [{ key: 'general.architecture' }, 'llama/unsupported', 'there is no general.architecture'],
    [
      { key: 'general.architecture', type: 'str', value: 'qwen2' },
      'llama/unsupported',
      'general.architecture is "qwen2"',
    ],
    [{ key: 'llama.block_count' }, 'llama/bad-config', 'llama.block_count is missing'],
    [{ key: 'llama.block_count', type: 'str', value: 'x' }, 'llama/bad-config', 'found "x"'],
    [{ key: 'llama.block_count', type: 'bool', value: true }, 'llama/bad-config', 'found true'],
    [{ key: 'llama.block_count', type: 'arr[u32]', value: [1] }, 'llama/bad-config', 'found an array'],
    [{ key: 'llama.block_count', type: 'u32', value: 0 }, 'llama/bad-config', 'found 0'],
    [{ key: 'llama.block_count', type: 'f32', value: 1.5 }, 'llama/bad-config', 'found 1.5'],
    [{ key: 'llama.context_length', type: 'i32', value: -1 }, 'llama/bad-config', 'found -1'],
    [{ key: 'llama.context_length', type: 'f64', value: 2 ** 60 }, 'llama/bad-config', 'found 1152921504606847000'],
    [{ key: 'llama.rope.freq_base', type: 'f32', value: Infinity }, 'llama/bad-config', 'must be a positive number'],
    [
      { key: 'llama.rope.freq_base', type: 'f32', value: -1 },
      'llama/bad-config',
      'must be a positive number, found -1',
    ],
    [{ key: 'llama.attention.layer_norm_rms_epsilon' }, 'llama/bad-config', 'rms_epsilon is missing'],
    [{ key: 'llama.attention.head_count', type: 'u32', value: 8 }, 'llama/bad-config', 'do not fit together'],
    [{ key: 'llama.attention.head_count', type: 'u32', value: 3 }, 'llama/bad-config', 'do not fit together'],
    [{ key: 'llama.attention.head_count_kv', type: 'u32', value: 3 }, 'llama/bad-config', 'do not fit together'],
    [
      { key: 'llama.attention.value_length', type: 'u32', value: 2 },
      'llama/unsupported',
      'llama.attention.value_length is 2, but a head has',
    ],
    [{ key: 'llama.expert_count', type: 'u32', value: 8 }, 'llama/unsupported', 'a mixture of experts'],
    [
      { key: 'llama.rope.scaling.type', type: 'str', value: 'yarn' },
      'llama/unsupported',
      'llama.rope.scaling.type is "yarn"',
    ],
    [
      { key: 'llama.block_count', type: 'u32', value: 2 },
      'llama/contradiction',
      'the metadata says llama.block_count 2, but there are tensors of 1 layers',
    ],
    [
      { key: 'llama.vocab_size', type: 'u32', value: 7 },
      'llama/contradiction',
      'llama.vocab_size is 7, but token_embd.weight has 6 rows',
    ],
    [
      { key: 'general.type', type: 'str', value: 'adapter' },
      'llama/unsupported',
      'general.type is "adapter", not "model"',
    ],
    [
      { key: 'llama.feed_forward_length', type: 'u32', value: 24 },
      'llama/wrong-shape',
      'the metadata asks for (24, 8)',
    ],
  ] as [GgufMetadataEntry, string, string][])('with %j is refused', async (entry, code, message) => {
    await expect(open(ggufBytes(changed(entry)))).rejects.toMatchObject({
      ...{ name: 'LlamaError', code, path: 'models/x.GGUF', message: expect.stringContaining(message) as unknown },
    });
  });

  it('that states more layers than it has tensors is refused before memory is taken for them', async () => {
    await expect(open(ggufBytes(changed(u32('llama.block_count', 2 ** 32 - 1))))).rejects.toMatchObject({
      code: 'llama/contradiction',
      message: 'the metadata says llama.block_count 4294967295, but there are tensors of 1 layers',
    });
  });

  it('without the embedding, or with a tensor that is no part of a Llama, is refused', async () => {
    const { 'token_embd.weight': _, ...without } = SHAPES;
    await expect(open(ggufBytes(METADATA, without))).rejects.toMatchObject({
      ...{ code: 'llama/missing-tensor', message: 'the tensor token_embd.weight is missing' },
    });
    await expect(open(ggufBytes(METADATA, { ...SHAPES, 'blk.0.attn_q.bias': [8] }))).rejects.toMatchObject({
      ...{ code: 'llama/unknown-tensor', message: 'the tensor blk.0.attn_q.bias is not a part of a Llama' },
    });
    await expect(open(ggufBytes(METADATA, { ...SHAPES, 'blk.1.attn_norm.weight': [8] }))).rejects.toMatchObject({
      ...{ code: 'llama/contradiction' },
      message: 'the metadata says llama.block_count 1, but there are tensors of 2 layers',
    });
  });

  it('with another tokenizer is refused', async () => {
    const broken = changed({ key: 'tokenizer.ggml.model', type: 'str', value: 'bert' });
    await expect(openModel(ggufBytes(broken))).rejects.toMatchObject({ code: 'tokenizer/unsupported' });
  });
});

describe('rope divisors', () => {
  interface RopeRow {
    readonly head_dim: number;
    readonly rope_theta: number;
    readonly factor: number;
    readonly rope_freqs_bits: readonly string[];
  }
  const ROWS = (JSON.parse(readFileSync(join(FIXTURES, 'rope.json'), 'utf8')) as RopeRow[]).filter(
    ({ factor }) => factor !== 1,
  );

  /** A model of one head of that size, with these bits as its divisors. */
  function withDivisors({ head_dim: headDim, rope_theta: theta }: RopeRow, bits: readonly number[]): Uint8Array {
    const metadata = changed(
      ...[u32('llama.attention.head_count', 1), u32('llama.attention.key_length', headDim)],
      ...([{ key: 'llama.rope.freq_base', type: 'f32', value: theta }] as const),
    );
    const square = { 'blk.0.attn_q.weight': [headDim, 8], 'blk.0.attn_k.weight': [headDim, 8] };
    const rest = { 'blk.0.attn_v.weight': [headDim, 8], 'blk.0.attn_output.weight': [8, headDim] };
    const shapes = { 'rope_freqs.weight': [headDim / 2], ...SHAPES, ...square, ...rest };
    const bytes = ggufBytes(metadata, shapes);
    // the divisors are the first tensor, and all the others are zero
    const others = Object.values({ ...SHAPES, ...square, ...rest });
    const length = others.reduce((sum, shape) => sum + Math.ceil(shape.reduce((a, b) => a * b, 4) / 32) * 32, 0);
    const start = bytes.byteLength - length - Math.ceil((headDim * 2) / 32) * 32;
    const view = new DataView(bytes.buffer);
    bits.forEach((value, index) => {
      view.setUint32(start + 4 * index, value, true);
    });
    return bytes;
  }

  it.each(ROWS)('of head size $head_dim, as llama.cpp has them, give the factor $factor', async (row) => {
    const bits = row.rope_freqs_bits.map((text) => parseInt(text, 16));
    await using model = await open(withDivisors(row, bits));
    expect(model.config.ropeScaling).toEqual({
      ...{ factor: row.factor, lowFreqFactor: 1, highFreqFactor: 4, originalContextLength: 8192 },
    });
    bits[bits.length - 2] = 0x40000000;
    await expect(open(withDivisors(row, bits))).rejects.toMatchObject({
      ...{ code: 'llama/unsupported', path: 'models/x.GGUF' },
      message: 'rope_freqs.weight holds divisors that follow no rule of a Llama release',
    });
    await using forced = await open(withDivisors(row, bits), 16);
    expect(forced.config.ropeScaling?.factor).toBe(16);
  });

  it.each([[[2]], [[3]], [[1, 2]], [[]]])('of the shape %j that follow no rule are refused', async (shape) => {
    await expect(open(ggufBytes(METADATA, { 'rope_freqs.weight': shape, ...SHAPES }))).rejects.toMatchObject({
      code: 'llama/unsupported',
    });
  });

  it('are not needed where nothing is scaled', async () => {
    const none = changed({ key: 'llama.rope.scaling.type', type: 'str', value: 'none' });
    await using model = await open(ggufBytes(none));
    expect(model.config.ropeScaling).toBeNull();
    await expect(open(ggufBytes(none), 32)).rejects.toMatchObject({ code: 'llama/contradiction' });
  });
});
