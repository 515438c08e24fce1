/**
 * The bytes that Meta, Hugging Face and llama.cpp published, made anew: every row of `docs/reproducibility.md`.
 *
 * Headers, indexes and sizes need no weights: the models here have tensors of the real names, types and shapes that nothing
 * can be read from. What needs Meta's tokenizer runs where that file is, and says why not elsewhere.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

import { type GgufMetadataEntry, planGguf } from '../formats/gguf/plan.js';
import { formatChecklist } from '../integrity/checklist.js';
import type { LlamaConfig, LlamaModel } from '../llama/model.js';
import { RELEASES } from '../llama/releases/catalogue.js';
import type { ReleaseShape } from '../llama/releases/release.js';
import { TEXT_SHAPES } from '../llama/releases/shapes.js';
import { llama3Scaling, ropeDivisors, ropeFrequencies, scaleRopeFrequencies } from '../llama/rope.js';
import { FIXTURES } from '../testing/fixtures.js';
import { llama3Vocabulary } from '../testing/llama3-vocabulary.js';
import { knownBytes } from '../testing/planned-files.js';
import { realTitle, realTokenizer } from '../testing/real-tokenizers.js';
import { LLAMA_3_1_8B, LLAMA_3_2_1B, shapeOnly } from '../testing/release-models.js';
import { parseTokenizerModel } from '../tokenizer/tokenizer-model.js';
import type { Vocabulary } from '../tokenizer/vocabulary.js';
import { withChosenTemplates } from './chat-template.js';
import { planConversion } from './convert.js';
import { converterMetadata } from './gguf-metadata.js';
import type { ConvertOptions } from './options.js';
import { type PlannedFile, plannedTensors } from './plan.js';

/** SHA-256 in hexadecimal. */
const sha256 = (...parts: readonly Uint8Array[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

/** Size and hash of a planned file of known bytes. */
function known(files: readonly PlannedFile[], name: string): { size: number; sha256: string } {
  const file = files.find((candidate) => candidate.name === name)!;
  const bytes = file.pieces.map((piece) => knownBytes(piece) ?? new Uint8Array());
  return { size: file.byteLength, sha256: sha256(...bytes) };
}

describe('checklist.chk of Llama 3.2 1B Instruct', () => {
  it('has the published bytes', () => {
    const names = ['tokenizer.model', 'consolidated.00.pth', 'params.json'];
    const files = RELEASES.find(({ id }) => id === 'Llama-3.2-1B-Instruct')!.files;
    const list = formatChecklist(
      names.map((name) => ({ name, hash: files.find((file) => file.name === name)?.md5 ?? '' })),
    );
    expect(list).toHaveLength(156);
    expect(sha256(new TextEncoder().encode(list))).toBe(
      'efefc79fc47ecce1c3e06a6ae77a4cddc7e6078f822efba22e4fc7f9da02400e',
    );
  });
});

describe.each<[string, LlamaConfig, Record<string, [number, string]>]>([
  [
    'Llama-3.2-1B-Instruct',
    LLAMA_3_2_1B,
    {
      'config.json': [877, '2febf68cea25bf4611be02b7536f2488a5ba523bb1134986e3610152abe74fdb'],
      'generation_config.json': [189, '88effbb63300dbbc7390143fbbdd9d9fa50587b37e8bfd16c8c90d4970a74a36'],
      'special_tokens_map.json': [296, '6f38c73729248f6c127296386e3cdde96e254636cc58b4169d3fd32328d9a8ec'],
    },
  ],
  [
    'Llama-3.1-8B-Instruct',
    LLAMA_3_1_8B,
    {
      'config.json': [855, '29e4c210b0d6ac178b16b2a255a568bdb23b581e50ca1ef6a6d071dd85704e6e'],
      'generation_config.json': [184, '189fb0c0d7fd8a527db217c0a60a0e013f0394cd8800f9697a666a9e75e5f7fd'],
      'special_tokens_map.json': [296, '6f38c73729248f6c127296386e3cdde96e254636cc58b4169d3fd32328d9a8ec'],
    },
  ],
])('the Hugging Face folder of %s', (name, config, expected) => {
  const { files } = planConversion({ ...shapeOnly(config, name), vocabulary: llama3Vocabulary(true) }, { to: 'safetensors' }); // prettier-ignore

  it.each(Object.keys(expected))('has the published %s', (file) => {
    const [size, hash] = expected[file]!;
    expect(known(files, file)).toEqual({ size, sha256: hash });
  });
});

describe('the weights of Hugging Face folders', () => {
  it('of Llama 3.1 8B have the published index and sizes', () => {
    const { files } = planConversion(shapeOnly(LLAMA_3_1_8B, 'Llama-3.1-8B'), { to: 'safetensors' });
    expect(known(files, 'model.safetensors.index.json')).toEqual({
      ...{ size: 23_950, sha256: '146776fce3f6db1103aa6f249e65ee5544c5923ce6f971b092eee79aa6e5d37b' },
    });
    const weights = files.filter(({ name }) => name.endsWith('.safetensors'));
    expect(weights.map(({ byteLength }) => byteLength)).toEqual([
      ...[4_976_698_672, 4_999_802_720, 4_915_916_176, 1_168_138_808],
    ]);
  });

  it('of Llama 3.2 1B Instruct have the published header and size', () => {
    const plan = planConversion(shapeOnly(LLAMA_3_2_1B, 'Llama-3.2-1B-Instruct'), { to: 'safetensors' });
    const [file] = plan.files;
    const [header] = file!.pieces;
    if (header?.kind !== 'bytes') throw new Error('a file of safetensors begins with its header');
    const view = new DataView(header.bytes.buffer, header.bytes.byteOffset);
    // the size is the published one: 8 bytes, the header, two bytes for each weight
    expect(view.getBigUint64(0, true)).toBe(16_800n);
    expect(file!.byteLength).toBe(2_471_645_608);
    expect(file!.byteLength).toBe(8 + 16_800 + 2 * 1_235_814_400);
    const text = new TextDecoder().decode(header.bytes.subarray(8));
    expect(text.trimEnd()).toHaveLength(16_798);
    expect(text.startsWith('{"__metadata__":{"format":"pt"},"model.embed_tokens.weight":{"dtype":"BF16",')).toBe(true);
    const { __metadata__: _, ...tensors } = JSON.parse(text) as Record<string, unknown>;
    expect(Object.keys(tensors)).toEqual(Object.keys(tensors).sort());
    expect(Object.keys(tensors)).toHaveLength(146);
  });
});

/** Characters of the chat template of Llama 3.2 in its `tokenizer_config.json`, all ASCII; only its length is needed. */
const TEMPLATE_LENGTH = 3827;

const str = (key: string, value: string): GgufMetadataEntry => ({ key, type: 'str', value });
const list = (key: string, value: readonly string[]): GgufMetadataEntry => ({ key, type: 'arr[str]', value });

/** The 31 pairs that llama.cpp's converter of February 2025 wrote, in its order; values that are still written are today's. */
function pairsOfFebruary2025(
  today: readonly GgufMetadataEntry[],
  added: readonly GgufMetadataEntry[],
): GgufMetadataEntry[] {
  const same = (...keys: readonly string[]): GgufMetadataEntry[] =>
    keys.map((key) => today.find((entry) => entry.key === key)!);
  const languages = ['en', 'de', 'fr', 'it', 'pt', 'hi', 'es', 'th'];
  const general = ['architecture', 'type', 'name', 'finetune', 'basename', 'size_label'].map((key) => `general.${key}`);
  const llama = ['block_count', 'context_length', 'embedding_length', 'feed_forward_length', 'attention.head_count'];
  llama.push('attention.head_count_kv', 'rope.freq_base', 'attention.layer_norm_rms_epsilon', 'attention.key_length');
  const vocabulary = ['model', 'pre', 'tokens', 'token_type', 'merges', 'bos_token_id', 'eos_token_id'];
  return [
    ...same(...general),
    str('general.license', 'llama3.2'),
    list('general.tags', ['facebook', 'meta', 'pytorch', 'llama', 'llama-3', 'text-generation']),
    list('general.languages', languages),
    ...same(...[...llama, 'attention.value_length'].map((key) => `llama.${key}`), 'general.file_type'),
    ...same('llama.vocab_size', 'llama.rope.dimension_count', ...vocabulary.map((key) => `tokenizer.ggml.${key}`)),
    str('tokenizer.chat_template', 'x'.repeat(TEMPLATE_LENGTH)),
    ...same('general.quantization_version'),
    ...added,
  ];
}

/** What the quantizer adds of an importance matrix; the padding of the header leaves room for a few other lengths. */
const IMATRIX_PAIRS: readonly GgufMetadataEntry[] = [
  str('quantize.imatrix.file', '/models_out/Llama-3.2-1B-Instruct-GGUF/Llama-3.2-1B-Instruct.imatrix'),
  str('quantize.imatrix.dataset', '/training_dir/calibration_datav3.txt'),
  { key: 'quantize.imatrix.entries_count', type: 'i32', value: 112 },
  { key: 'quantize.imatrix.chunks_count', type: 'i32', value: 125 },
];

/** Bytes that pairs take in a header: what a file of them alone has beyond one without any. */
function bytesOf(pairs: readonly GgufMetadataEntry[]): number {
  const utf8 = (text: string): number => 8 + Buffer.byteLength(text);
  const sizeOf = (entry: GgufMetadataEntry): number => {
    if (entry.type === 'str') return utf8(entry.value);
    if (entry.type === 'arr[str]') return 12 + [...entry.value].reduce((sum, text) => sum + utf8(text), 0);
    if (entry.type.startsWith('arr[')) return 12 + 4 * (entry.value as { readonly length: number }).length;
    return entry.type === 'bool' ? 1 : 4;
  };
  return pairs.reduce((sum, entry) => sum + utf8(entry.key) + 4 + sizeOf(entry), 0);
}

const tokenizer = realTokenizer('llama3');

describe.skipIf(tokenizer === undefined)(realTitle('with the tokenizer of Llama 3', tokenizer), () => {
  let vocabulary: Vocabulary;
  let model: LlamaModel;

  beforeAll(() => {
    const how = { generation: 'llama3.1', endOfTurn: true, vocabSize: 128_256 } as const;
    vocabulary = parseTokenizerModel(tokenizer!, how);
    model = { ...shapeOnly(LLAMA_3_2_1B, 'Llama-3.2-1B-Instruct'), vocabulary };
  });

  it.each<[NonNullable<ConvertOptions['mergesAs']> | undefined, number, string]>([
    [undefined, 9_085_657, '79e3e522635f3171300913bb421464a87de6222182a0570b9b2ccba2a964b2b4'],
    ['strings', 9_085_657, '79e3e522635f3171300913bb421464a87de6222182a0570b9b2ccba2a964b2b4'],
    ['pairs', 17_209_920, '6b9e4e7fb171f92fd137b777cc2714bf87d11576700a1dcd7a399e7bbe39537b'],
  ])('tokenizer.json has the published bytes (merges as %s)', (mergesAs, size, hash) => {
    const { files } = planConversion(model, { to: 'safetensors', mergesAs });
    expect(known(files, 'tokenizer.json')).toEqual({ size, sha256: hash });
  });

  // The GGUF files that bartowski published were made in February 2025. llama.cpp has changed since then, and what is written
  // here follows its release v0.5.0; so the pairs of that time are put in place of today's, over the same tensors.
  it.each([
    ['f16', 2_479_595_360, []],
    ['q8_0', 1_321_083_008, IMATRIX_PAIRS],
  ] as const)('a GGUF file of the type %s has the published size with the pairs of that time', (type, size, added) => {
    const plan = planConversion(model, { to: 'gguf', type });
    const tensors = plannedTensors(plan);
    const today = converterMetadata(withChosenTemplates(model, { to: 'gguf' }), 1, 1_235_814_432);
    const then = pairsOfFebruary2025(today, added);
    expect(then).toHaveLength(31 + added.length);
    expect(tensors).toHaveLength(147);
    const old = planGguf({ metadata: then, tensors });
    expect(old.byteLength).toBe(size);
    // and the difference to today's size is that of the pairs, up to the padding of the header to 32 bytes
    const difference = bytesOf(then) - bytesOf(today);
    expect(Math.abs(old.byteLength - plan.byteLength - difference)).toBeLessThan(32);
  });
});

interface RopeRow {
  head_dim: number;
  rope_theta: number;
  factor: number;
  frequency_bits: string[];
  scaled_bits: string[];
  rope_freqs_bits: string[];
}

const ROPE_ROWS = JSON.parse(readFileSync(join(FIXTURES, 'rope.json'), 'utf8')) as RopeRow[];

/** Bits of each float32 in hexadecimal, as `rope.json` has them. */
const bits = (values: Float32Array): string[] =>
  Array.from(new Uint32Array(values.buffer), (word) => word.toString(16).padStart(8, '0'));

const headDimOf = ({ dim, nHeads }: ReleaseShape): number => dim / nHeads;
const rowsOf = (shape: ReleaseShape): RopeRow[] =>
  ROPE_ROWS.filter((row) => row.head_dim === headDimOf(shape) && row.rope_theta === shape.ropeTheta);

describe('rotary frequencies', () => {
  it.each(TEXT_SHAPES.filter(({ ropeTheta }) => ropeTheta === 5e5))(
    'of $name are those of PyTorch to the last bit',
    (shape) => {
      expect(rowsOf(shape).length).toBeGreaterThan(0);
      expect(bits(ropeFrequencies(headDimOf(shape), shape.ropeTheta))).toEqual(rowsOf(shape)[0]?.frequency_bits);
    },
  );

  it.each(TEXT_SHAPES.filter(({ ropeFactor }) => ropeFactor !== null))(
    'of $name, scaled, are those of Meta’s code and of llama.cpp’s converter to the last bit',
    (shape) => {
      const row = rowsOf(shape).find(({ factor }) => factor === shape.ropeFactor)!;
      const scaling = llama3Scaling(shape.ropeFactor ?? 0);
      const frequencies = ropeFrequencies(headDimOf(shape), shape.ropeTheta);
      expect(bits(scaleRopeFrequencies(frequencies, scaling))).toEqual(row.scaled_bits);
      expect(bits(ropeDivisors(headDimOf(shape), shape.ropeTheta, scaling))).toEqual(row.rope_freqs_bits);
    },
  );

  it.each(TEXT_SHAPES)('of $name are within one unit in the last place of the formula in float64', (shape) => {
    const frequencies = ropeFrequencies(headDimOf(shape), shape.ropeTheta);
    const words = new Int32Array(frequencies.buffer);
    const exact = Float32Array.from(frequencies, (_, i) => shape.ropeTheta ** ((-2 * i) / headDimOf(shape)));
    const ulps = new Int32Array(exact.buffer).map((word, i) => Math.abs(word - words[i]!));
    expect(Math.max(...ulps)).toBeLessThanOrEqual(1);
  });
});

describe('rope_freqs.weight of Llama 3.1 8B', () => {
  /** The same in Ollama's arithmetic: wavelengths in float64, the ramp in float32. */
  const ollama = Float32Array.from({ length: 64 }, (_, i) => {
    const wavelength = 2 * Math.PI * 5e5 ** ((2 * i) / 128);
    if (wavelength < 8192 / 4) return 1;
    if (wavelength > 8192) return 8;
    const f32 = Math.fround;
    const smooth = f32(f32(f32(8192 / f32(wavelength)) - 1) / 3);
    return 1 / f32(f32(f32(1 - smooth) / 8) + smooth);
  });

  it('differs from the one in Ollama’s tests in the last digits of few values, as llama.cpp’s does', () => {
    expect(sha256(new Uint8Array(ollama.buffer))).toBe(
      '80fd5efb2f729381785b293a091a268cfeceb0079167f6ece9b07070e662b222',
    );
    const divisors = ropeDivisors(128, 5e5, llama3Scaling(8));
    const differences = [...divisors].map((value, i) => Math.abs(value - ollama[i]!) / value);
    expect(differences.filter((difference) => difference !== 0).length).toBeLessThanOrEqual(5);
    expect(Math.max(...differences)).toBeLessThan(2e-6);
  });
});
