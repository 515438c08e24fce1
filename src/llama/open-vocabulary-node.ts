/**
 * The vocabulary of what lies at a path: a model, or a tokenizer's file alone. One of the few modules that know Node.
 *
 * A list of ranks does not name its special tokens. Beside weights the release is known; of a file alone the names are
 * taken that are right from Llama 3.1 on, or those of Llama 4 where there are as many ranks as in its file.
 *
 * @module
 */
import { basename } from 'node:path';

import type { ByteSource } from '../source/byte-source.js';
import { type OpenPathOptions, openPath } from '../source/open-path-node.js';
import { sliceSource } from '../source/slice.js';
import { readWhole } from '../source/whole.js';
import type { Vocabulary } from '../tokenizer/vocabulary.js';
import { LlamaError } from './model.js';

/** A vocabulary and where it was found. */
export interface OpenedVocabulary {
  /** The path that was found. */
  readonly path: string;
  /** Its tokens. */
  readonly vocabulary: Vocabulary;
}

/** Largest file of a tokenizer that is read, in bytes; the parsers have limits of their own. */
const TOKENIZER_BYTES_LIMIT = 256 << 20;

/**
 * Reads the vocabulary of a Meta folder, a Hugging Face folder, a GGUF file (also one of a vocabulary alone), a `tokenizer.model` or a
 * `tokenizer.json`; of models the headers too.
 *
 * @throws LlamaError `llama/no-tokenizer` for a model without one, and as `openModel` does
 * @throws TokenizerError and SourceError as the files can be refused for
 */
export async function openVocabulary(pathOrName: string, options: OpenPathOptions = {}): Promise<OpenedVocabulary> {
  const opened = await openPath(pathOrName, options);
  const { path } = opened;
  if (opened.kind === 'file' && /tokenizer\.(?:model|json)$/.test(basename(path))) {
    return { path, vocabulary: await readTokenizer(opened.source, path) };
  }
  if (opened.kind === 'file' && path.endsWith('.gguf')) {
    const { readVocabularyOnly } = await import('./gguf-model.js');
    // closing a part of it leaves the file open for a second look
    const { source } = opened;
    const found = await readVocabularyOnly(sliceSource(source, 0, source.size)).catch(async (cause: unknown) => {
      await source.close();
      throw cause;
    });
    if (found !== undefined) {
      await source.close();
      return { path, vocabulary: found };
    }
  }
  const { openModelAt } = await import('./open-path-node.js');
  await using model = await openModelAt(opened);
  if (model.vocabulary !== undefined) return { path: model.path, vocabulary: model.vocabulary };
  throw new LlamaError('llama/no-tokenizer', 'there is no tokenizer in this model', {
    path: model.path,
    hint: 'put tokenizer.model or tokenizer.json beside the weights, or name such a file',
  });
}

/** Closes the source. */
async function readTokenizer(source: ByteSource, path: string): Promise<Vocabulary> {
  try {
    const bytes = await readWhole(source, TOKENIZER_BYTES_LIMIT);
    if (path.endsWith('.json')) {
      const { parseTokenizerJson } = await import('../tokenizer/tokenizer-json-read.js');
      return parseTokenizerJson(bytes, { path });
    }
    const { parseTokenizerModel } = await import('../tokenizer/tokenizer-model.js');
    const { generationOfRanks } = await import('../tokenizer/special-tokens.js');
    const { countTiktokenRanks } = await import('../tokenizer/tiktoken.js');
    const generation = generationOfRanks(countTiktokenRanks(bytes));
    return parseTokenizerModel(bytes, { path, generation, endOfTurn: false });
  } finally {
    await source.close();
  }
}
