import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import type { LlamaConfig, LlamaModel } from '../llama/model.js';
import { openModel } from '../llama/open-path-node.js';
import { FIXTURES } from '../testing/fixtures.js';
import { llama3Vocabulary } from '../testing/llama3-vocabulary.js';
import { plannedText } from '../testing/planned-files.js';
import { LLAMA_3_1_8B, LLAMA_3_2_1B, shapeOnly } from '../testing/release-models.js';
import { SMALL_CONFIG } from '../testing/synthetic-model.js';
import { fixtureVocabulary, tokenizerBytes } from '../testing/vocabularies.js';
import { planConversion } from './convert.js';

const published = (name: string): string => readFileSync(join(FIXTURES, 'published', name), 'utf8');

/** The small files that a conversion would write, as text. */
function textFiles(model: LlamaModel, type?: 'f16' | 'f32'): Map<string, string> {
  const { files } = planConversion(model, { to: 'safetensors', type });
  const texts = files.map(({ name }) => [name, plannedText(files, name)] as const);
  return new Map(texts.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function json(model: LlamaModel, file: string, type?: 'f16' | 'f32'): Record<string, unknown> {
  return JSON.parse(textFiles(model, type).get(file) ?? 'null') as Record<string, unknown>;
}

const instruct = llama3Vocabulary(true);
const base = llama3Vocabulary(false);

describe.each([
  ['Llama-3.1-8B-Instruct', LLAMA_3_1_8B],
  ['Llama-3.2-1B-Instruct', LLAMA_3_2_1B],
])('the files of %s', (name, config) => {
  const model: LlamaModel = { ...shapeOnly(config, name), vocabulary: instruct };
  const files = textFiles(model);

  it.each(['config.json', 'generation_config.json'])('have the published bytes: %s', (file) => {
    expect(files.get(file)).toBe(published(`${name}.${file}`));
  });

  it('have the published special tokens', () => {
    // the releases have the same file
    expect(files.get('special_tokens_map.json')).toBe(published('Llama-3.2-1B-Instruct.special_tokens_map.json'));
  });

  it('are the same for a folder that is called otherwise, because its vocabulary ends turns', () => {
    const renamed = textFiles({ ...model, name: 'my-model' });
    expect(renamed.get('config.json')).toBe(files.get('config.json'));
    expect(renamed.get('generation_config.json')).toBe(files.get('generation_config.json'));
  });

  it('of the base model end texts and prescribe no sampling', () => {
    const plain: LlamaModel = { ...shapeOnly(config, name.replace('-Instruct', '')), vocabulary: base };
    expect(json(plain, 'config.json')).toEqual({
      ...(JSON.parse(published(`${name}.config.json`)) as object),
      eos_token_id: 128001,
    });
    expect(json(plain, 'generation_config.json')).toEqual({
      ...{ _from_model_config: true, bos_token_id: 128000, eos_token_id: 128001 },
      transformers_version: json(model, 'config.json')['transformers_version'],
    });
  });
});

describe('the files of other models', () => {
  const small = (config: Partial<LlamaConfig> = {}): LlamaModel => shapeOnly({ ...SMALL_CONFIG, ...config }, 'small');

  it('follow no release’s spelling', () => {
    const config = json({ ...shapeOnly({ ...LLAMA_3_1_8B, nLayers: 2 }, 'x'), vocabulary: base }, 'config.json');
    expect(config).toMatchObject({ transformers_version: '4.45.0', head_dim: 128, num_hidden_layers: 2 });
    expect(Object.keys(config['rope_scaling'] as object)).toEqual(
      Object.keys(
        (JSON.parse(published('Llama-3.1-8B-Instruct.config.json')) as { rope_scaling: object }).rope_scaling,
      ),
    );
    expect(json(small(), 'config.json')['rope_scaling']).toBeNull();
  });

  it.each([
    ['f32', 'float32'],
    ['f16', 'float16'],
    [undefined, 'bfloat16'],
  ] as const)('name the type of the weights (%s)', (type, name) => {
    expect(json(small(), 'config.json', type)['torch_dtype']).toBe(name);
  });

  it('without a tokenizer take the ids of the release of that many tokens', () => {
    expect([...textFiles(small()).keys()]).toEqual(['config.json', 'generation_config.json']);
    for (const [vocabSize, bos, eos] of [
      [32000, 1, 2],
      [128255, 1, 2],
      [128256, 128000, 128001],
    ]) {
      const ids = { bos_token_id: bos, eos_token_id: eos };
      expect(json(small({ vocabSize: vocabSize! }), 'config.json')).toMatchObject(ids);
      expect(json(small({ vocabSize: vocabSize! }), 'generation_config.json')).toMatchObject(ids);
    }
  });

  it('with SentencePiece carry its file along', () => {
    const vocabulary = fixtureVocabulary('llama2-tiny');
    const sentencePieceFile = tokenizerBytes('llama2-tiny');
    const model = { ...small({ vocabSize: vocabulary.size }), vocabulary, sentencePieceFile };
    const { files } = planConversion(model, { to: 'safetensors' });
    const file = files.find(({ name }) => name === 'tokenizer.model');
    expect(file?.pieces).toEqual([{ kind: 'bytes', bytes: sentencePieceFile }]);
    expect(json(model, 'config.json')).toMatchObject({ bos_token_id: 1, eos_token_id: 2 });
    expect(json({ ...model, name: 'llama-2-7b-chat' }, 'generation_config.json')).toMatchObject({
      ...{ do_sample: true, eos_token_id: 2, temperature: 0.6, top_p: 0.9 },
    });
  });

  it('have merges as strings, or as pairs where that is asked for', () => {
    const vocabulary = fixtureVocabulary('llama3-tiny');
    const model = { ...small({ vocabSize: vocabulary.size }), vocabulary };
    const mergesOf = (mergesAs?: 'strings' | 'pairs'): unknown[] => {
      const { files } = planConversion(model, { to: 'safetensors', mergesAs });
      return (JSON.parse(plannedText(files, 'tokenizer.json') ?? '') as { model: { merges: unknown[] } }).model.merges;
    };
    expect(mergesOf()).toEqual(mergesOf('strings'));
    expect(mergesOf('pairs')).toEqual(mergesOf().map((merge) => String(merge).split(' ')));
    expect(mergesOf('pairs').length).toBeGreaterThan(0);
    const bare = { ...model, vocabulary: undefined };
    expect(() => planConversion(bare, { to: 'safetensors', mergesAs: 'pairs' })).toThrow(
      expect.objectContaining({
        code: 'convert/bad-option',
        message: expect.stringContaining('no tokenizer') as string,
      }),
    );
  });

  it.each(['llama4-1shard', 'vision-2shards'])('have merges as pairs in other families too: %s', async (name) => {
    await using model = await openModel(join(FIXTURES, 'families', name));
    const mergesOf = (mergesAs: 'strings' | 'pairs'): unknown[] => {
      const vocabulary = model.vocabulary ?? fixtureVocabulary('llama3-tiny');
      const { files } = planConversion({ ...model, vocabulary }, { to: 'safetensors', mergesAs });
      return (JSON.parse(plannedText(files, 'tokenizer.json') ?? '') as { model: { merges: unknown[] } }).model.merges;
    };
    expect(mergesOf('pairs')).toEqual(mergesOf('strings').map((merge) => String(merge).split(' ')));
  });

  it('of Llama 3, whose message has no end of its own, end the turn alone', () => {
    const vocabulary = fixtureVocabulary('llama3-tiny', { endOfTurn: true });
    const model = { ...small({ vocabSize: vocabulary.size }), vocabulary };
    expect(json(model, 'config.json')['eos_token_id']).toBe(vocabulary.baseSize + 9);
  });
});
