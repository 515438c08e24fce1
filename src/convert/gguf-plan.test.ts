import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { openGgufFile } from '../formats/gguf/read.js';
import { memorySource } from '../source/memory.js';
import { FIXTURES } from '../testing/fixtures.js';
import { llama3Vocabulary } from '../testing/llama3-vocabulary.js';
import { LLAMA_3_1_8B, LLAMA_3_2_1B, shapeOnly } from '../testing/release-models.js';
import { SMALL_CONFIG, syntheticModel } from '../testing/synthetic-model.js';
import { fixtureVocabulary } from '../testing/vocabularies.js';
import { convert, planConversion } from './convert.js';
import { memoryOutput } from './output.js';
import { plannedTensors } from './plan.js';

/** The names by which llama.cpp's converter calls the tensors of a Hugging Face folder. */
const GGUF_NAMES: readonly (readonly [hf: RegExp, gguf: string])[] = [
  [/^model\.embed_tokens/, 'token_embd'],
  [/^model\.norm/, 'output_norm'],
  [/^lm_head/, 'output'],
  [/^model\.layers\.(\d+)\.self_attn\.([qkv])_proj/, 'blk.$1.attn_$2'],
  [/^model\.layers\.(\d+)\.self_attn\.o_proj/, 'blk.$1.attn_output'],
  [/^model\.layers\.(\d+)\.mlp\.(gate|up|down)_proj/, 'blk.$1.ffn_$2'],
  [/^model\.layers\.(\d+)\.input_layernorm/, 'blk.$1.attn_norm'],
  [/^model\.layers\.(\d+)\.post_attention_layernorm/, 'blk.$1.ffn_norm'],
];

function ggufName(hfName: string): string {
  return GGUF_NAMES.reduce((name, [hf, gguf]) => name.replace(hf, gguf), hfName);
}

const vocabulary = fixtureVocabulary('llama3-tiny');
const small = { ...SMALL_CONFIG, vocabSize: vocabulary.size };

describe('the order of tensors in a GGUF file', () => {
  it('is that of the published shards of Llama 3.1 8B, by name in each, after the rope divisors', () => {
    const text = readFileSync(join(FIXTURES, 'published', 'Llama-3.1-8B.model.safetensors.index.json'), 'utf8');
    const { weight_map } = JSON.parse(text) as { weight_map: Record<string, string> };
    const shards = [...new Set(Object.values(weight_map))].sort();
    expect(shards).toHaveLength(4);
    const expected = shards.flatMap((shard) =>
      Object.keys(weight_map)
        .filter((name) => weight_map[name] === shard)
        .sort(),
    );
    const model = { ...shapeOnly(LLAMA_3_1_8B, 'Llama-3.1-8B'), vocabulary: llama3Vocabulary(false) };
    const names = plannedTensors(planConversion(model, { to: 'gguf' })).map(({ name }) => name);
    expect(names).toEqual(['rope_freqs.weight', ...expected.map(ggufName)]);
    // the shards are not merely sorted: the second begins with a layer that is not the one after the first shard's last
    expect(names).not.toEqual(['rope_freqs.weight', ...Object.keys(weight_map).sort().map(ggufName)]);
  });

  it('sorts blocks as texts: the tenth before the second', () => {
    const model = { ...shapeOnly({ ...small, nLayers: 12, tied: true }, 'x'), vocabulary };
    const names = plannedTensors(planConversion(model, { to: 'gguf' })).map(({ name }) => name);
    const blocks = names.flatMap((name) => /^blk\.(\d+)\./.exec(name)?.[1] ?? []);
    // what Python's sorted() makes of these texts
    expect([...new Set(blocks)]).toEqual(['0', '1', '10', '11', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(names[0]).toBe('token_embd.weight');
    expect(names.slice(1, 10)).toEqual(
      ['attn_norm', 'ffn_down', 'ffn_gate', 'ffn_up', 'ffn_norm', 'attn_k', 'attn_output', 'attn_q', 'attn_v'].map(
        (role) => `blk.0.${role}.weight`,
      ),
    );
    expect(names.at(-1)).toBe('output_norm.weight');
    expect(names).toHaveLength(12 * 9 + 2);
  });

  it('begins with the output where it is not tied', () => {
    const model = { ...shapeOnly(small, 'x'), vocabulary };
    expect(plannedTensors(planConversion(model, { to: 'gguf' }))[0]?.name).toBe('output.weight');
  });
});

describe('the plan of a GGUF file', () => {
  it('has as many vectors of float32 as that of Llama 3.2 1B', () => {
    const model = { ...shapeOnly(LLAMA_3_2_1B, 'Llama-3.2-1B-Instruct'), vocabulary: llama3Vocabulary(true) };
    const tensors = plannedTensors(planConversion(model, { to: 'gguf', type: 'f16' }));
    // llama.cpp: 147 tensors, 34 of them F32
    expect(tensors).toHaveLength(147);
    expect(tensors.filter(({ dtype }) => dtype === 'float32')).toHaveLength(34);
    expect(tensors.filter(({ dtype }) => dtype === 'float16')).toHaveLength(113);
    expect(tensors[0]).toMatchObject({ name: 'rope_freqs.weight', shape: [32], from: undefined });
  });

  it('begins every tensor and ends the file at a multiple of 32, with no gap that is not filled', () => {
    const model = { ...shapeOnly({ ...small, dim: 36, headDim: 9 * 2, nHeads: 2, nKvHeads: 1 }, 'x'), vocabulary };
    const { files } = planConversion(model, { to: 'gguf' });
    const [file] = files;
    expect(files).toHaveLength(1);
    expect(file?.name).toBe('x.gguf');
    let end = 0;
    for (const piece of file!.pieces) {
      if (piece.kind === 'tensor') {
        expect(piece.fileOffset).toBe(end);
        expect(end % 32).toBe(0);
        end += piece.byteLength;
      } else {
        end += piece.kind === 'bytes' ? piece.bytes.byteLength : piece.byteLength;
      }
    }
    expect(end).toBe(file?.byteLength);
    expect(end % 32).toBe(0);
  });

  it('takes the name that is asked for', () => {
    const model = { ...shapeOnly(small, 'x'), vocabulary };
    expect(planConversion(model, { to: 'gguf', fileName: 'y.gguf' }).files[0]?.name).toBe('y.gguf');
  });

  it.each([
    ['f32', 0],
    ['f16', 1],
    ['bf16', 32],
  ] as const)('numbers the type %s as llama.cpp does: %d', async (type, number) => {
    const output = memoryOutput();
    await convert({ ...syntheticModel(small), vocabulary }, output, { to: 'gguf', type });
    await using file = await openGgufFile(memorySource(output.files.get('synthetic.gguf')!, 'x'));
    expect(file.metadata.get('general.file_type')).toEqual({ type: 'u32', value: number });
  });

  it('prescribes the sampling of instruct models, where gguf-py writes it', async () => {
    const keysOf = async (name: string) => {
      const output = memoryOutput();
      await convert({ ...syntheticModel(small), name, vocabulary }, output, { to: 'gguf' });
      await using file = await openGgufFile(memorySource(output.files.get(`${name}.gguf`)!, 'x'));
      const pairs = [...file.metadata].filter(([key]) => key.startsWith('general.'));
      return { keys: pairs.map(([key]) => key.slice('general.'.length)), metadata: file.metadata };
    };
    const { keys, metadata } = await keysOf('Small-Instruct');
    expect(keys.slice(0, 6)).toEqual(['architecture', 'type', 'sampling.top_p', 'sampling.temp', 'name', 'finetune']);
    const sampling = JSON.parse(
      readFileSync(join(FIXTURES, 'published', 'Llama-3.2-1B-Instruct.generation_config.json'), 'utf8'),
    ) as { temperature: number; top_p: number };
    expect(metadata.get('general.sampling.temp')).toEqual({ type: 'f32', value: Math.fround(sampling.temperature) });
    expect(metadata.get('general.sampling.top_p')).toEqual({ type: 'f32', value: Math.fround(sampling.top_p) });
    expect((await keysOf('Small')).keys).toEqual([
      'architecture',
      'type',
      'name',
      'size_label',
      'file_type',
      'quantization_version',
    ]);
  });
});
