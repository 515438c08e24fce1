import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { FIXTURES } from '../testing/fixtures.js';
import { fixtureVocabulary } from '../testing/vocabularies.js';
import { specialTokensMapJson, tokenizerConfigJson } from './hf-files.js';
import { TOKEN_TYPE } from './vocabulary.js';

describe('specialTokensMapJson', () => {
  it('is the published file of an instruct model, byte for byte', () => {
    const published = join(FIXTURES, 'published', 'Llama-3.2-1B-Instruct.special_tokens_map.json');
    expect(specialTokensMapJson(fixtureVocabulary('llama3.2-tiny', { endOfTurn: true }))).toBe(
      readFileSync(published, 'utf8'),
    );
  });

  it('names the unknown token of SentencePiece', () => {
    const flags = { lstrip: false, normalized: false, rstrip: false, single_word: false };
    expect(JSON.parse(specialTokensMapJson(fixtureVocabulary('llama2-tiny')))).toEqual({
      bos_token: { content: '<s>', ...flags },
      eos_token: { content: '</s>', ...flags },
      unk_token: { content: '<unk>', ...flags },
    });
  });
});

describe('tokenizerConfigJson', () => {
  const keysOf = (text: string): string[] => Object.keys(JSON.parse(text) as object);

  it('lists the special tokens of Llama 3 by number', () => {
    const text = tokenizerConfigJson(fixtureVocabulary('llama3.2-tiny'), { contextLength: 131072 });
    const config = JSON.parse(text) as Record<string, unknown>;
    const special = config['added_tokens_decoder'] as Record<string, { content: string }>;
    expect(config).toMatchObject({
      bos_token: '<|begin_of_text|>',
      clean_up_tokenization_spaces: true,
      eos_token: '<|end_of_text|>',
      model_input_names: ['input_ids', 'attention_mask'],
      model_max_length: 131072,
      tokenizer_class: 'PreTrainedTokenizerFast',
    });
    expect(Object.keys(special)).toEqual(Array.from({ length: 256 }, (_, index) => String(768 + index)));
    expect(special['777']).toEqual({
      ...{ content: '<|eot_id|>', lstrip: false, normalized: false, rstrip: false, single_word: false, special: true },
    });
    expect(keysOf(text)).toEqual(keysOf(text).toSorted());
    expect(text).toBe(`${JSON.stringify(config, null, 2)}\n`);
  });

  it('has the chat template where there is one', () => {
    const options = { contextLength: 8192, chatTemplates: { main: '{{ bos_token }}\n', named: [], from: '' } };
    for (const name of ['llama2-tiny', 'llama3-tiny']) {
      const text = tokenizerConfigJson(fixtureVocabulary(name), options);
      expect(JSON.parse(text)).toMatchObject({ chat_template: '{{ bos_token }}\n' });
      expect(keysOf(text)).toEqual(keysOf(text).toSorted());
    }
  });

  it('writes the settings of Llama 2', () => {
    const vocabulary = fixtureVocabulary('llama2-tiny');
    const types = vocabulary.types.with(300, TOKEN_TYPE.userDefined);
    const text = tokenizerConfigJson({ ...vocabulary, types }, { contextLength: 4096 });
    const config = JSON.parse(text) as Record<string, Record<string, unknown>>;
    expect(config).toMatchObject({
      ...{ add_bos_token: true, add_eos_token: false, bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' },
      ...{ tokenizer_class: 'LlamaTokenizer', legacy: true, pad_token: null, sp_model_kwargs: {} },
      ...{ clean_up_tokenization_spaces: false, use_default_system_prompt: false },
    });
    expect(Object.keys(config['added_tokens_decoder'] ?? {})).toEqual(['0', '1', '2', '300']);
    expect(config['added_tokens_decoder']?.['300']).toMatchObject({ special: false });
    expect(text).toContain('\n  "model_max_length": 1000000000000000019884624838656,\n');
    expect(keysOf(text)).toEqual(keysOf(text).toSorted());
  });
});
