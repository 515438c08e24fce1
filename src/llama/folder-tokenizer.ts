/**
 * The tokenizer of a folder: `tokenizer.model` beside the weights, or in the folder above.
 *
 * Llama 1 and 2 keep one tokenizer for all sizes in the root of the download. Whether a model ends its
 * turns with another token than its texts is not in the file; it is decided by the folder's name.
 *
 * @module
 */
import type { ByteSource } from '../source/byte-source.js';
import type { Folder } from '../source/folder.js';
import { readWhole } from '../source/whole.js';
import { parseTokenizerModel } from '../tokenizer/tokenizer-model.js';
import type { SpecialTokenGeneration, Vocabulary } from '../tokenizer/vocabulary.js';
import type { Decision } from './model.js';
import { isInstructName } from './model-name.js';

/** What the tokenizer's file does not say. */
export interface TokenizerQuestion {
  /** Name of the model: instruct models end turns, not texts. */
  readonly name: string;
  /** Rows of the embedding, which the tokenizer must fit. */
  readonly vocabSize: number;
  /** Release whose special tokens follow the ranks. */
  readonly generation: SpecialTokenGeneration;
  /** Folder above, looked into when the folder itself has no tokenizer. */
  readonly parent?: Folder | undefined;
}

/** A vocabulary, if there is one, and what was decided about it. */
export interface FolderTokenizer {
  /** Tokens; undefined when neither folder has a tokenizer. */
  readonly vocabulary: Vocabulary | undefined;
  /** Choices and their reasons. */
  readonly decisions: readonly Decision[];
  /** The file itself when it is SentencePiece's. */
  readonly sentencePieceFile: Uint8Array | undefined;
}

/** Largest `tokenizer.model` read; the largest published one (Llama 4) has 3.6 MB. */
const TOKENIZER_BYTES_LIMIT = 64 << 20;

/**
 * Reads `tokenizer.model`; one read of the whole file.
 *
 * @throws TokenizerError `tokenizer/size-mismatch` and all that the file itself can be refused for
 */
export async function readFolderTokenizer(folder: Folder, question: TokenizerQuestion): Promise<FolderTokenizer> {
  const source = await openTokenizer(folder, question.parent);
  if (source === undefined) return { vocabulary: undefined, decisions: [], sentencePieceFile: undefined };
  try {
    const bytes = await readWhole(source, TOKENIZER_BYTES_LIMIT);
    const endOfTurn = isInstructName(question.name);
    const vocabulary = parseTokenizerModel(bytes, {
      ...{ path: source.name, generation: question.generation, endOfTurn, vocabSize: question.vocabSize },
    });
    const sentencePieceFile = vocabulary.kind === 'sentencepiece' ? bytes : undefined;
    return { vocabulary, decisions: endDecision(vocabulary, endOfTurn), sentencePieceFile };
  } finally {
    await source.close();
  }
}

async function openTokenizer(folder: Folder, parent: Folder | undefined): Promise<ByteSource | undefined> {
  for (const place of [folder, parent]) {
    if (place !== undefined && (await place.has('tokenizer.model'))) return place.open('tokenizer.model');
  }
  return undefined;
}

function endDecision(vocabulary: Vocabulary, endOfTurn: boolean): Decision[] {
  if (vocabulary.kind !== 'byte-level-bpe') return [];
  const token = vocabulary.pieces[vocabulary.eosId]!;
  const because = endOfTurn
    ? 'the name says it is an instruct model'
    : 'the name does not say that it is an instruct model';
  return [{ about: 'end token', value: `${vocabulary.eosId} ${token}`, because }];
}
