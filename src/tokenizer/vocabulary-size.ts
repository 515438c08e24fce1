/**
 * Whether a vocabulary fits the embedding, and padding where it may be smaller.
 *
 * Meta's own code refuses a tokenizer that has not exactly as many tokens as the embedding has rows. Hugging
 * Face models may have rows that no token uses; llama.cpp names such rows `[PADn]` after their id.
 *
 * @module
 */
import { TOKEN_TYPE, TOKENS_LIMIT, TokenizerError, type Vocabulary } from './vocabulary.js';

/** Score that llama.cpp's converter gives to padding tokens of SentencePiece vocabularies. */
export const PADDING_SCORE = -10_000;

/** Score that it gives to tokens that were added to a trained model. */
export const ADDED_SCORE = -1000;

/**
 * Throws unless there are as many tokens as the embedding has rows.
 *
 * @throws TokenizerError `tokenizer/size-mismatch`
 */
export function expectVocabularySize(
  vocabulary: Pick<Vocabulary, 'size' | 'baseSize'>,
  rows: number,
  path?: string,
): void {
  if (vocabulary.size !== rows) throw sizeMismatch(vocabulary, rows, path);
}

/**
 * The vocabulary with a token for each of `rows` rows of the embedding: rows past the last token become
 * `[PADn]` of type unused, with score -10000 in SentencePiece vocabularies. The same object when nothing is missing.
 *
 * @throws TokenizerError `tokenizer/size-mismatch` when there are more tokens than rows, `tokenizer/unsupported`
 *   for more than {@link TOKENS_LIMIT} rows
 */
export function padVocabulary(vocabulary: Vocabulary, rows: number, path?: string): Vocabulary {
  const { size, pieces, types, scores } = vocabulary;
  if (size === rows) return vocabulary;
  if (size > rows) throw sizeMismatch(vocabulary, rows, path);
  if (rows > TOKENS_LIMIT) {
    const message = `the embedding has ${rows} rows; a tokenizer has at most ${TOKENS_LIMIT} tokens`;
    throw new TokenizerError('tokenizer/unsupported', message, { path });
  }
  const paddedTypes = new Int32Array(rows).fill(TOKEN_TYPE.unused);
  paddedTypes.set(types);
  const padding = Array.from({ length: rows - size }, (_, index) => `[PAD${size + index}]`);
  return {
    ...vocabulary,
    size: rows,
    pieces: [...pieces, ...padding],
    packedPieces: undefined,
    types: paddedTypes,
    scores: scores && padScores(scores, rows),
  };
}

function padScores(scores: Float32Array, rows: number): Float32Array {
  const padded = new Float32Array(rows).fill(PADDING_SCORE);
  padded.set(scores);
  return padded;
}

function sizeMismatch(
  vocabulary: Pick<Vocabulary, 'size' | 'baseSize'>,
  rows: number,
  path: string | undefined,
): TokenizerError {
  const { size, baseSize } = vocabulary;
  const parts = size === baseSize ? '' : ` (${baseSize} + ${size - baseSize} special)`;
  const message = `the tokenizer has ${size} tokens${parts}, the embedding ${rows} rows`;
  return new TokenizerError('tokenizer/size-mismatch', message, {
    path,
    hint: 'take the tokenizer that came with these weights',
  });
}
