import { describe, expect, it } from 'vitest';

import { memoryFolder } from '../source/folder.js';
import { countingFolder, safetensorsBytes, smallHfFiles, smallHfShapes } from '../testing/small-checkpoints.js';
import { fixtureVocabulary, tokenizerBytes, tokenizerJsonText } from '../testing/vocabularies.js';
import { openHfModel } from './hf-model.js';

type Files = Record<string, Uint8Array>;

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A folder of as many rows as the fixture's vocabulary, with these files beside the weights. */
function folderFor(fixture: string, files: Files, name = 'folder', change: object = {}) {
  return memoryFolder({ ...smallHfFiles(change, fixtureVocabulary(fixture).size), ...files }, name);
}

function tokenizerJsonOf(fixture: string): Uint8Array {
  return encode(tokenizerJsonText(fixtureVocabulary(fixture)));
}

describe('a Hugging Face folder', () => {
  it('is closed when it is asked to, and when it is no good', async () => {
    const good = countingFolder(memoryFolder(smallHfFiles(), 'x'));
    const model = await openHfModel(good);
    await expect(model.expectConsistentWeights()).resolves.toBeUndefined();
    expect(good.openFiles()).toBe(1);
    await model.close();
    expect(good.openFiles()).toBe(0);

    const index = encode(JSON.stringify({ weight_map: { a: 'a.safetensors', b: 'b.safetensors' } }));
    const broken: [Files, RegExp][] = [
      [{ 'model.safetensors': new Uint8Array(3) }, /^(?:source|safetensors)\//],
      [{ 'model.safetensors': safetensorsBytes({ 'model.norm.weight': [8] }) }, /^llama\/contradiction$/],
      [{ 'model.safetensors': encode('version https://git-lfs.github.com/spec/v1\n') }, /^source\/lfs-pointer$/],
      [{ 'tokenizer_config.json': encode('<html>'), 'tokenizer.json': encode('{}') }, /^source\/html-page$/],
      [{ 'tokenizer.json': encode('{}') }, /^tokenizer\//],
      [
        { 'model.safetensors.index.json': index, 'a.safetensors': safetensorsBytes({ a: [1] }) },
        /^llama\/missing-shard$/,
      ],
      [{ 'config.json': encode('{"model_type": "mistral"}') }, /^llama\/unsupported$/],
    ];
    for (const [files, code] of broken) {
      const folder = countingFolder(memoryFolder({ ...smallHfFiles(), ...files }, 'x'));
      await expect(openHfModel(folder)).rejects.toMatchObject({ code: expect.stringMatching(code) as unknown });
      expect(folder.openFiles()).toBe(0);
    }
  });

  it.each([
    [
      'safetensors',
      ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'],
      '2 shards, as model-00001',
      'model.safetensors.index.json',
    ],
    [
      'pickles',
      ['pytorch_model-00001-of-00002.bin'],
      'only the shard pytorch_model-00001',
      'pytorch_model.bin.index.json',
    ],
  ] as const)('of shards without an index says so: %s', async (_, shards, found, index) => {
    const { 'model.safetensors': weights, ...files } = smallHfFiles();
    const folder = memoryFolder({ ...files, ...Object.fromEntries(shards.map((name) => [name, weights!])) }, 'x');
    await expect(openHfModel(folder)).rejects.toMatchObject({
      code: 'llama/bad-index',
      message: expect.stringMatching(new RegExp(`${found}.*, but no ${index}`)) as string,
    });
    await expect(openHfModel(memoryFolder(files, 'x'))).rejects.toMatchObject({
      code: 'llama/missing-shard',
      message: 'there is no model.safetensors, and no list of shards',
    });
  });

  it.each<[string, object, string]>([
    ['tokenizer_config.json', { eos_token: 5 }, 'eos_token must be a text, or an object with its content, found 5'],
    ['tokenizer_config.json', { eos_token: ['<|eot_id|>'] }, 'found ["<|eot_id|>"]'],
    ['tokenizer_config.json', { bos_token: { id: 1 } }, 'found {"id":1}'],
    [
      'generation_config.json',
      { eos_token_id: '2' },
      'eos_token_id must be a whole number or a list of them, found "2"',
    ],
    ['generation_config.json', { eos_token_id: [2, null] }, 'found [2,null]'],
  ])('whose special tokens are no tokens is refused: %s %o', async (name, content, message) => {
    const files = { [name]: encode(JSON.stringify(content)), 'tokenizer.json': tokenizerJsonOf('llama3-tiny') };
    await expect(openHfModel(folderFor('llama3-tiny', files))).rejects.toMatchObject({
      code: 'llama/bad-config',
      path: `folder/${name}`,
      message: expect.stringContaining(message) as string,
    });
  });

  it('whose config.json names other tokens than the tokenizer tells which were taken', async () => {
    const { bosId, eosId } = fixtureVocabulary('llama3-tiny');
    const document = { 'tokenizer.json': tokenizerJsonOf('llama3-tiny') };
    const names = fixtureVocabulary('llama3-tiny').pieces;
    const settings = encode(JSON.stringify({ bos_token: names[bosId], eos_token: names[eosId] }));
    const open = (change: object) =>
      openHfModel(folderFor('llama3-tiny', { ...document, 'tokenizer_config.json': settings }, 'folder', change));
    await using other = await open({ bos_token_id: 5, eos_token_id: [6, 7] });
    expect(other.decisions).toEqual([
      {
        about: 'begin of text',
        value: String(bosId),
        because: expect.stringContaining('has bos_token_id 5') as string,
      },
      {
        about: 'end of text',
        value: String(eosId),
        because: expect.stringContaining('has eos_token_id [6,7]') as string,
      },
    ]);
    await using same = await open({ bos_token_id: bosId, eos_token_id: [1, eosId] });
    expect(same.decisions).toEqual([]);
  });

  it('whose index names no file is refused', async () => {
    const index = encode('{"weight_map": {"a": "model.safetensors", "b": 5}}');
    await expect(
      openHfModel(folderFor('llama2-tiny', { 'model.safetensors.index.json': index })),
    ).rejects.toMatchObject({
      code: 'llama/bad-index',
      message: 'the weight_map says that b lies in 5, which is no name',
    });
  });

  it.each([2 ** 32 - 1, 2 ** 33, Number.MAX_SAFE_INTEGER])(
    'that states %d layers is refused before memory is taken for them',
    async (layers) => {
      await expect(openHfModel(memoryFolder(smallHfFiles({ num_hidden_layers: layers })))).rejects.toMatchObject({
        code: 'llama/contradiction',
        message: `config.json says num_hidden_layers ${layers}, but there are tensors of 1 layers`,
      });
    },
  );

  it('whose output is tied may store it all the same', async () => {
    const stored = { 'model.safetensors': safetensorsBytes({ ...smallHfShapes(), 'lm_head.weight': [6, 8] }) };
    await using tied = await openHfModel(memoryFolder({ ...smallHfFiles(), ...stored }));
    expect(tied.tensors.has('output.weight')).toBe(false);
    await using untied = await openHfModel(
      memoryFolder({ ...smallHfFiles({ tie_word_embeddings: false }), ...stored }),
    );
    expect(untied.tensors.has('output.weight')).toBe(true);
    await expect(openHfModel(memoryFolder(smallHfFiles({ tie_word_embeddings: false })))).rejects.toMatchObject({
      ...{ code: 'llama/missing-tensor', message: 'the tensor lm_head.weight is missing' },
    });
    const differs = safetensorsBytes({ ...smallHfShapes(), 'lm_head.weight': [6, 8] });
    const header = new DataView(differs.buffer).getUint32(0, true);
    differs[8 + header] = 1; // lm_head comes first, names are sorted
    const folder = countingFolder(memoryFolder({ ...smallHfFiles(), 'model.safetensors': differs }));
    const model = await openHfModel(folder); // opening reads no weight
    await expect(model.expectConsistentWeights()).rejects.toMatchObject({
      ...{ code: 'llama/contradiction' },
      message: 'config.json says tie_word_embeddings true, but lm_head.weight differs from model.embed_tokens.weight',
    });
    await model.close();
    expect(folder.openFiles()).toBe(0);
  });
});

describe('the tokenizer of a Hugging Face folder', () => {
  it('is tokenizer.json, which does not say where a text ends', async () => {
    const files = { 'tokenizer.json': tokenizerJsonOf('llama3-tiny') };
    await using model = await openHfModel(folderFor('llama3-tiny', files, 'tiny-Instruct'));
    const { pieces, baseSize } = fixtureVocabulary('llama3-tiny');
    expect(model.vocabulary?.pieces).toEqual(pieces);
    expect(model.vocabulary?.eosId).toBe(baseSize + 1);
    expect(model.sentencePieceFile).toBeUndefined();
  });

  it('is tokenizer.json also where ranks lie beside it', async () => {
    const files = {
      'tokenizer.json': tokenizerJsonOf('llama3-tiny'),
      'tokenizer.model': tokenizerBytes('llama3-tiny'),
    };
    // the name would have the ranks end turns
    await using model = await openHfModel(folderFor('llama3-tiny', files, 'tiny-Instruct'));
    expect(model.vocabulary?.pieces[model.vocabulary.eosId]).toBe('<|end_of_text|>');
  });

  it('is SentencePiece’s file where there is one, because it has the scores', async () => {
    const bytes = tokenizerBytes('llama2-tiny');
    const files = { 'tokenizer.json': tokenizerJsonOf('llama2-tiny'), 'tokenizer.model': bytes };
    await using model = await openHfModel(folderFor('llama2-tiny', files));
    expect(model.vocabulary?.scores).toEqual(fixtureVocabulary('llama2-tiny').scores);
    expect(model.sentencePieceFile).toEqual(bytes);
    const { 'tokenizer.model': _, ...json } = files;
    await using without = await openHfModel(folderFor('llama2-tiny', json));
    expect(without.vocabulary?.scores).toBeUndefined();
    expect(without.vocabulary?.pieces).toEqual(model.vocabulary?.pieces);
  });

  it('is the file of ranks where there is nothing else, its special tokens by the rope scaling', async () => {
    const files = { 'tokenizer.model': tokenizerBytes('llama3.2-tiny') };
    const named = async (change: object) => {
      await using model = await openHfModel(folderFor('llama3.2-tiny', files, 'x', change));
      return model.vocabulary?.pieces[model.vocabulary.baseSize + 4];
    };
    const scaling = {
      ...{ rope_type: 'llama3', factor: 32, low_freq_factor: 1, high_freq_factor: 4 },
      original_max_position_embeddings: 8192,
    };
    // the fifth special token: Llama 3 reserved it, Llama 3.1 pads with it
    expect(await named({})).toBe('<|reserved_special_token_2|>');
    expect(await named({ rope_scaling: scaling })).toBe('<|finetune_right_pad_id|>');
  });
});
