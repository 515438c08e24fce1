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
import { type TokenizerSummary, summariseTokenizerModel, summaryOf } from '../tokenizer/summary.js';
import type { TokenizerModelOptions } from '../tokenizer/tokenizer-model.js';
import type { SpecialTokenGeneration, Vocabulary } from '../tokenizer/vocabulary.js';
import type { Decision } from './model.js';
import { isInstructName } from './model-name.js';

/** What the tokenizer's file does not say. */
export interface TokenizerQuestion {
  /** Name of the model: instruct models end turns, not texts. */
  readonly name: string;
  /** Rows of the embedding, which the tokenizer must fit; undefined where it may be smaller. */
  readonly vocabSize: number | undefined;
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
  /** The file itself, of either kind. */
  readonly tokenizerModelFile: Uint8Array | undefined;
}

/** A folder without a tokenizer, or one whose tokenizer was not asked for. */
export const NO_TOKENIZER: FolderTokenizer = {
  ...{ vocabulary: undefined, decisions: [], sentencePieceFile: undefined, tokenizerModelFile: undefined },
};

/** Largest `tokenizer.model` read; the largest published one (Llama 4) has 3.6 MB. */
const TOKENIZER_BYTES_LIMIT = 64 << 20;

/**
 * Reads `tokenizer.model`; one read of the whole file.
 *
 * @throws TokenizerError `tokenizer/size-mismatch` and all that the file itself can be refused for
 */
export async function readFolderTokenizer(folder: Folder, question: TokenizerQuestion): Promise<FolderTokenizer> {
  const found = await readTokenizerFile(folder, question);
  if (found === undefined) return NO_TOKENIZER;
  const { parseTokenizerModel } = await import('../tokenizer/tokenizer-model.js');
  const vocabulary = parseTokenizerModel(found.bytes, found.options);
  const sentencePieceFile = vocabulary.kind === 'sentencepiece' ? found.bytes : undefined;
  const decisions = endDecision(summaryOf(vocabulary), found.options.endOfTurn);
  return { vocabulary, decisions, sentencePieceFile, tokenizerModelFile: found.bytes };
}

/** The tokenizer without its tokens, for inspecting. @throws as {@link readFolderTokenizer}, but for faults in ranks */
export async function summariseFolderTokenizer(
  folder: Folder,
  question: TokenizerQuestion,
): Promise<{ readonly summary: TokenizerSummary | undefined; readonly decisions: readonly Decision[] }> {
  const found = await readTokenizerFile(folder, question);
  if (found === undefined) return { summary: undefined, decisions: [] };
  const summary = await summariseTokenizerModel(found.bytes, found.options);
  return { summary, decisions: endDecision(summary, found.options.endOfTurn) };
}

async function readTokenizerFile(
  folder: Folder,
  { name, parent, generation, vocabSize }: TokenizerQuestion,
): Promise<{ readonly bytes: Uint8Array; readonly options: TokenizerModelOptions } | undefined> {
  const source = await openTokenizer(folder, parent);
  if (source === undefined) return undefined;
  try {
    const bytes = await readWhole(source, TOKENIZER_BYTES_LIMIT);
    return { bytes, options: { path: source.name, generation, endOfTurn: isInstructName(name), vocabSize } };
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

function endDecision({ kind, eosId, endToken }: TokenizerSummary, endOfTurn: boolean): Decision[] {
  if (kind !== 'byte-level-bpe') return [];
  const because = endOfTurn
    ? 'the name says it is an instruct model'
    : 'the name does not say that it is an instruct model';
  return [{ about: 'end token', value: `${eosId} ${endToken}`, because }];
}
