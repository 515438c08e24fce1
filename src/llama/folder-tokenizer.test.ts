import { describe, expect, it } from 'vitest';

import { memoryFolder } from '../source/folder.js';
import { countingFolder } from '../testing/small-checkpoints.js';
import { fixtureVocabulary, tokenizerBytes } from '../testing/vocabularies.js';
import { type TokenizerQuestion, readFolderTokenizer } from './folder-tokenizer.js';
import { isInstructName, lastPathPart } from './model-name.js';

function question(fixture: string, name: string): TokenizerQuestion {
  return { name, vocabSize: fixtureVocabulary(fixture).size, generation: 'llama3.1' };
}

function folderWith(bytes: Uint8Array, name = 'x') {
  return countingFolder(memoryFolder({ 'tokenizer.model': bytes }, name));
}

describe('the end token', () => {
  // Meta's names and numbers: end_of_text is the second special token, eot_id the tenth.
  it.each([
    ['Llama3.2-1B', '<|end_of_text|>', 1, 'the name does not say that it is an instruct model'],
    ['Llama3.2-1B-Instruct', '<|eot_id|>', 9, 'the name says it is an instruct model'],
  ])('of a folder called %s is %s', async (name, token, special, because) => {
    const folder = folderWith(tokenizerBytes('llama3.2-tiny'));
    const { vocabulary, decisions, sentencePieceFile } = await readFolderTokenizer(
      folder,
      question('llama3.2-tiny', name),
    );
    const id = fixtureVocabulary('llama3.2-tiny').baseSize + special;
    expect(vocabulary?.eosId).toBe(id);
    expect(vocabulary?.pieces[id]).toBe(token);
    expect(decisions).toEqual([{ about: 'end token', value: `${id} ${token}`, because }]);
    expect(sentencePieceFile).toBeUndefined();
    expect(folder.openFiles()).toBe(0);
  });

  it('of SentencePiece is in the file, so nothing is decided', async () => {
    const bytes = tokenizerBytes('llama2-tiny');
    const found = await readFolderTokenizer(folderWith(bytes), question('llama2-tiny', 'llama-2-7b-chat'));
    expect(found.vocabulary?.pieces[found.vocabulary.eosId]).toBe('</s>');
    expect(found.decisions).toEqual([]);
    expect(found.sentencePieceFile).toEqual(bytes);
  });
});

describe('the place of the tokenizer', () => {
  const own = folderWith(tokenizerBytes('llama2-tiny'), 'own');
  const shared = folderWith(tokenizerBytes('llama3-tiny'), 'shared');
  const empty = memoryFolder({}, 'empty');

  it('is the folder itself, before the one above', async () => {
    const asked = { ...question('llama2-tiny', 'x'), parent: shared };
    expect((await readFolderTokenizer(own, asked)).vocabulary?.kind).toBe('sentencepiece');
  });

  it('is the folder above where the folder has none', async () => {
    const asked = { ...question('llama3-tiny', 'x'), parent: shared };
    expect((await readFolderTokenizer(empty, asked)).vocabulary?.kind).toBe('byte-level-bpe');
  });

  it('may be nowhere', async () => {
    for (const parent of [undefined, empty]) {
      expect(await readFolderTokenizer(empty, { ...question('llama3-tiny', 'x'), parent })).toEqual({
        ...{ vocabulary: undefined, decisions: [], sentencePieceFile: undefined },
      });
    }
  });

  it('is named when the tokenizer is of another model, and closed', async () => {
    const asked = { ...question('llama3-tiny', 'x'), vocabSize: 7, parent: shared };
    await expect(readFolderTokenizer(empty, asked)).rejects.toMatchObject({
      ...{ code: 'tokenizer/size-mismatch', path: 'shared/tokenizer.model' },
    });
    expect(shared.openFiles()).toBe(0);
  });

  it('holds no file so large that it cannot be a tokenizer', async () => {
    const source = { ...(await own.open('tokenizer.model')), size: 2 ** 40 };
    const huge = { ...own, open: async () => source };
    await expect(readFolderTokenizer(huge, question('llama2-tiny', 'x'))).rejects.toMatchObject({
      code: 'source/too-large',
    });
  });
});

describe('names', () => {
  it.each([
    ['/a/Llama3.2-1B', 'Llama3.2-1B'],
    ['/a/Llama3.2-1B/', 'Llama3.2-1B'],
    ['a/Llama3.2-1B/.', 'Llama3.2-1B'],
    ['C:\\models\\x.gguf', 'x.gguf'],
    ['x', 'x'],
    ['/', '/'],
    ['.', '.'],
    ['', ''],
  ])('of the path %j are %j', (path, name) => {
    expect(lastPathPart(path)).toBe(name);
  });

  it.each([
    'Llama3.2-1B-Instruct',
    'Meta-Llama-3-8B-Instruct-hf',
    'llama-2-7b-chat',
    'x_chat.v2',
    'INSTRUCT',
    'a chat b',
  ])('%s is an instruct model', (name) => {
    expect(isInstructName(name)).toBe(true);
  });

  it.each(['Llama3.2-1B', 'instructor-7b', 'chatty', 'Llama-prechat', 'restructured', ''])('%j is none', (name) => {
    expect(isInstructName(name)).toBe(false);
  });
});
