import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import type { DType } from '../dtype.js';
import type { Tensor } from '../formats/tensor.js';
import type { LlamaModel } from '../llama/model.js';
import { openModel } from '../llama/open-path-node.js';
import { decodeToFloat32 } from '../quant/codec.js';
import { SourceError } from '../source/byte-source.js';
import { modelFolder } from '../testing/fixtures.js';
import {
  memoryTensor,
  modelOf,
  syntheticModel,
  valuesOf,
  withChange,
  withTensors,
} from '../testing/synthetic-model.js';
import { fingerprintModel } from './fingerprint.js';
import { beginFingerprint, fingerprintTensor } from './fingerprint-tensor.js';
import { hashingHere } from './hash.js';
import { fingerprintVocabulary } from './fingerprint-vocabulary.js';
import { createNodeHasher } from './hash-node.js';
import { createWasmHasher } from './hash-wasm.js';

const sha256 = (...parts: readonly (string | Uint8Array)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};

/** A tensor of these bytes, all in one row. */
function tensorOf(dtype: DType, bytes: Uint8Array, length: number): Tensor {
  return { name: 'x', dtype, shape: [length], readRows: async () => bytes };
}

const wordsTensor = (dtype: DType, words: Uint16Array | Uint32Array): Tensor =>
  tensorOf(dtype, new Uint8Array(words.buffer), words.length);

const fingerprintOfWords = (dtype: DType, words: Uint16Array | Uint32Array) =>
  fingerprintTensor(wordsTensor(dtype, words), createNodeHasher);

/** The same values as float32. */
function widened(dtype: DType, bytes: Uint8Array, length: number): Tensor {
  const values = new Float32Array(length);
  decodeToFloat32(dtype, bytes, values);
  return tensorOf('float32', new Uint8Array(values.buffer), length);
}

describe('fingerprintTensor', () => {
  it('hashes one line and the bytes, as the page says', async () => {
    const words = Uint16Array.of(0x3f80, 0xc000, 0x0001, 0x7fc1, 0x8000, 0xff80);
    const bytes = new Uint8Array(words.buffer);
    const expected = sha256('llama-inspect/tensor/v1 bfloat16 [6]\n', bytes);
    for (const create of [createNodeHasher, createWasmHasher]) {
      expect(await fingerprintTensor(wordsTensor('bfloat16', words), create)).toEqual({
        ...{ name: 'x', dtype: 'bfloat16', shape: [6], sha256: expected },
      });
    }
  });

  it('is that of a whole tensor of a checkpoint, hashed by hand', async () => {
    await using model = await openModel(modelFolder('llama3.2-tiny'));
    const tensor = model.tensors.get('layers.1.feed_forward.w2.weight')!;
    const bytes = await tensor.readRows(0, 256);
    expect((await fingerprintTensor(tensor, createNodeHasher)).sha256).toBe(
      sha256('llama-inspect/tensor/v1 bfloat16 [256,512]\n', bytes),
    );
  });

  it('is the same for every bfloat16 and its float32, NaN and zeros of either sign among them', async () => {
    const words = Uint16Array.from({ length: 1 << 16 }, (_, i) => i);
    const narrow = await fingerprintOfWords('bfloat16', words);
    expect(narrow.dtype).toBe('bfloat16');
    const wide = widened('bfloat16', new Uint8Array(words.buffer), words.length);
    expect(await fingerprintTensor(wide, createNodeHasher)).toEqual(narrow);
  });

  it('is the same for every float16 and its float32', async () => {
    const words = Uint16Array.from({ length: 1 << 16 }, (_, i) => i);
    const narrow = await fingerprintOfWords('float16', words);
    expect(narrow.dtype).toBe('float16');
    const wide = widened('float16', new Uint8Array(words.buffer), words.length);
    expect(await fingerprintTensor(wide, createNodeHasher)).toEqual(narrow);
  });

  it('takes float16 and float32 values that bfloat16 holds for bfloat16', async () => {
    const brains = Uint16Array.of(0x3f80, 0xbf00, 0x0000); // 1, -0.5, 0
    const expected = await fingerprintOfWords('bfloat16', brains);
    expect(await fingerprintOfWords('float16', Uint16Array.of(0x3c00, 0xb800, 0))).toEqual(expected);
    expect(await fingerprintOfWords('float32', Uint32Array.of(0x3f800000, 0xbf000000, 0))).toEqual(expected);
  });

  it('keeps float32 where nothing narrower holds a value, wherever it stands', async () => {
    for (const bits of [0x3f800001, 0x7f800001, 0x47800000 + 0x1000, 0x33000001]) {
      const words = new Uint32Array(5).fill(0x3f800000);
      words[4] = bits;
      const found = await fingerprintOfWords('float32', words);
      expect(found.dtype).toBe('float32');
      expect(found.sha256).toBe(sha256('llama-inspect/tensor/v1 float32 [5]\n', new Uint8Array(words.buffer)));
    }
  });

  it.each(['float8_e4m3fn', 'float8_e4m3fnuz', 'float8_e5m2', 'float8_e5m2fnuz', 'float8_e8m0fnu'] as const)(
    'takes every %s for the bfloat16 that it equals',
    async (dtype) => {
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      const found = await fingerprintTensor(tensorOf(dtype, bytes, 256), createNodeHasher);
      expect(found.dtype).toBe('bfloat16');
      expect(found).toEqual(await fingerprintTensor(widened(dtype, bytes, 256), createNodeHasher));
    },
  );

  it('hashes blocks, and numbers that float32 does not hold, as they are stored', async () => {
    const bytes = Uint8Array.from({ length: 34 }, (_, i) => i);
    expect((await fingerprintTensor(tensorOf('q8_0', bytes, 32), createNodeHasher)).sha256).toBe(
      sha256('llama-inspect/tensor/v1 q8_0 [32]\n', bytes),
    );
    const wide = new Uint8Array(Float64Array.of(1, 2).buffer);
    expect((await fingerprintTensor(tensorOf('float64', wide, 2), createNodeHasher)).dtype).toBe('float64');
  });

  it('tells shapes apart, and an empty tensor from a scalar', async () => {
    const readRows = async (): Promise<Uint8Array> => new Uint8Array(4);
    const digests = await Promise.all(
      [[2], [1, 2], [2, 1], [0], [0, 2]].map(async (shape) => {
        return (await fingerprintTensor({ name: 'x', dtype: 'bfloat16', shape, readRows }, createNodeHasher)).sha256;
      }),
    );
    expect(new Set(digests).size).toBe(5);
  });

  it('counts every byte once, however many forms it takes', async () => {
    const values = Float32Array.from({ length: 3 << 18 }, (_, i) => (i < 2 << 18 ? 1 : 1 + 2 ** -10));
    values[(3 << 18) - 1] = 1 + 2 ** -20; // bfloat16 fails in the third block, float16 in the last element
    const tensor = memoryTensor('x', [3, 1 << 18], values, 'float32');
    const seen: number[] = [];
    const found = await fingerprintTensor(tensor, createNodeHasher, { onBytes: (bytes) => seen.push(bytes) });
    expect(found.dtype).toBe('float32');
    expect(seen).toEqual([1 << 20, 1 << 20, 1 << 20]);
  });
});

const beginHash = hashingHere(createNodeHasher);

describe('beginFingerprint', () => {
  it('gives up when no form is left', async () => {
    const fingerprinter = await beginFingerprint({ dtype: 'float32', shape: [1] }, ['bfloat16'], beginHash);
    expect(await fingerprinter.update(new Uint8Array(Uint32Array.of(1).buffer))).toBe(false);
    expect(await fingerprinter.digest()).toBeUndefined();
  });

  it('tries all forms side by side', async () => {
    const rows = [Uint32Array.of(0x3f800000), Uint32Array.of(0x3f802000)].map((row) => new Uint8Array(row.buffer));
    const tensor = { dtype: 'float32', shape: [2, 1] } as const;
    const fingerprinter = await beginFingerprint(tensor, ['bfloat16', 'float16', 'float32'], beginHash);
    for (const row of rows) expect(await fingerprinter.update(row)).toBe(true);
    const whole = new Uint8Array([...rows[0]!, ...rows[1]!]);
    expect(await fingerprinter.digest()).toEqual({
      dtype: 'float16',
      sha256: (await fingerprintTensor({ name: '', ...tensor, readRows: async () => whole }, createNodeHasher)).sha256,
    });
  });
});

const options = { createHasher: createNodeHasher };

/** The model with its output matrix stored although it is the embedding. */
async function withStoredOutput(tied: LlamaModel): Promise<LlamaModel> {
  const embedding = tied.tensors.get('tok_embeddings.weight')!;
  const output = memoryTensor('output.weight', embedding.shape, await valuesOf(embedding), embedding.dtype);
  return { ...withTensors(tied, output), config: { ...tied.config, tied: false } };
}

describe('fingerprintModel', () => {
  it('does not count an output matrix that is the embedding', async () => {
    const tied = syntheticModel({ tied: true }, 'bfloat16');
    const expected = await fingerprintModel(tied, options);
    const stored = await withStoredOutput(tied);
    expect(stored.tensors.size).toBe(tied.tensors.size + 1);
    expect(await fingerprintModel(stored, options)).toEqual(expected);
    const other = await withChange(stored, 'output.weight', (values) => void (values[0] = 3));
    const found = await fingerprintModel(other, options);
    expect(found.tensors).toHaveLength(expected.tensors.length + 1);
    expect(found.sha256).not.toBe(expected.sha256);
  });

  it('follows from the canonical JSON of its parts', async () => {
    const model = syntheticModel({ ropeTheta: 500_000 }, 'bfloat16');
    const { sha256: found, parts, tensors } = await fingerprintModel(model, options);
    const byName = [...tensors].sort((a, b) => (a.name < b.name ? -1 : 1));
    const tensorJson = `{${byName.map((tensor) => `"${tensor.name}":"${tensor.sha256}"`).join(',')}}`;
    const config =
      '{"dim":32,"ffnDim":48,"headDim":8,"nHeads":4,"nKvHeads":2,"nLayers":2,"normEps":0.000009999999747378752,' +
      '"ropeScaling":null,"ropeTheta":500000,"vocabSize":29}';
    expect(parts).toEqual({ tensors: sha256(tensorJson), hyperparameters: sha256(config), vocabulary: undefined });
    const whole = `{"hyperparameters":${config},"tensors":${tensorJson},"type":"llama-inspect/model/v1","vocabulary":null}`;
    expect(found).toBe(sha256(whole));
  });

  it('takes decimals for the float32 that GGUF stores, and leaves the context length out', async () => {
    const expected = await fingerprintModel(syntheticModel(), options);
    const same = syntheticModel({ normEps: Math.fround(1e-5), contextLength: 7 });
    expect(await fingerprintModel(same, options)).toEqual(expected);
    for (const config of [{ normEps: 1e-6 }, { ropeTheta: 1e6 }, { ropeScaling: SCALING }]) {
      const other = await fingerprintModel(syntheticModel(config), options);
      expect(other.parts).toEqual({ ...expected.parts, hyperparameters: other.parts.hyperparameters });
      expect(other.sha256).not.toBe(expected.sha256);
    }
  });

  it('reports progress up to the last byte, stops at an abort, and passes errors on', async () => {
    const model = syntheticModel();
    const seen: number[] = [];
    await fingerprintModel(model, { ...options, onProgress: ({ done, total }) => seen.push(done / total) });
    expect(seen.at(-1)).toBe(1);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(fingerprintModel(model, { ...options, signal })).rejects.toThrow('enough');
    const norm = model.tensors.get('norm.weight')!;
    const broken = withTensors(model, {
      ...norm,
      readRows: () => Promise.reject(new SourceError('source/short-read', 'gone')),
    });
    await expect(fingerprintModel(broken, options)).rejects.toMatchObject({ code: 'source/short-read' });
    await expect(
      fingerprintModel({
        ...modelOf(model.config, [norm]),
        expectConsistentWeights: () => Promise.reject(new Error('no replica')),
      }),
    ).rejects.toThrow('no replica');
  });
});

const SCALING = { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContextLength: 8192 };

describe('fingerprintVocabulary', () => {
  const strings = (texts: Iterable<string>): string =>
    sha256(
      ...[...texts].flatMap((text) => {
        const length = Buffer.alloc(8);
        length.writeBigUInt64LE(BigInt(Buffer.byteLength(text)));
        return [length, text];
      }),
    );

  it.each(['llama3.2-tiny', 'llama2-tiny'])('hashes the lists of %s as they lie in a GGUF file', async (name) => {
    await using model = await openModel(modelFolder(name));
    const vocabulary = model.vocabulary!;
    const { sha256: whole, ...facts } = await fingerprintVocabulary(vocabulary, createNodeHasher);
    const isSentencePiece = name === 'llama2-tiny';
    expect(facts).toEqual({
      kind: isSentencePiece ? 'sentencepiece' : 'byte-level-bpe',
      size: vocabulary.size,
      bosId: vocabulary.bosId,
      addPrefix: isSentencePiece ? true : null,
      pieces: strings(vocabulary.pieces),
      types: sha256(new Uint8Array(vocabulary.types.buffer)),
      merges: strings(vocabulary.merges()),
    });
    expect(whole).toBe(sha256(JSON.stringify(Object.fromEntries(Object.entries(facts).sort()))));
  });

  it('takes tokens longer than its buffer', async () => {
    await using model = await openModel(modelFolder('llama2-tiny'));
    const pieces = [...model.vocabulary!.pieces.slice(0, 3), '▁'.repeat(100_000), 'x'];
    const vocabulary = { ...model.vocabulary!, pieces, packedPieces: undefined };
    expect((await fingerprintVocabulary(vocabulary, createNodeHasher)).pieces).toBe(strings(pieces));
  });
});
