/**
 * What a tokenizer is, without its tokens: enough to show it, at a tenth of the cost of reading it.
 *
 * The lines of a tiktoken file are counted, not decoded, so a fault in one of them goes unseen here;
 * `parseTokenizerModel` finds it.
 *
 * @module
 */
import { type InfillTokens, infillTokens } from './infill.js';
import { END_OF_TURN, SPECIAL_OFFSET, specialTokenNames } from './special-tokens.js';
import { countTiktokenRanks } from './tiktoken.js';
import { recogniseTokenizer } from './recognise.js';
import type { TokenizerModelOptions } from './tokenizer-model.js';
import type { Vocabulary } from './vocabulary.js';
import { expectVocabularySize } from './vocabulary-size.js';

/** Size and special tokens of a vocabulary. */
export interface TokenizerSummary extends Pick<Vocabulary, 'kind' | 'size' | 'baseSize' | 'bosId' | 'eosId'> {
  /** Text of the token that ends a text or turn. */
  readonly endToken: string;
  /** Tokens around the parts of a text with a gap (Code Llama); absent where there are none. */
  readonly infill?: InfillTokens | undefined;
}

/** The summary of a vocabulary that is there. */
export function summaryOf(vocabulary: Vocabulary): TokenizerSummary {
  const { kind, size, baseSize, bosId, eosId, packedPieces } = vocabulary;
  // packed pieces are made one at a time, where the array of all would be made for the sake of one
  const endToken = packedPieces?.at(eosId) ?? vocabulary.pieces[eosId]!;
  const infill = kind === 'sentencepiece' ? infillTokens(vocabulary) : undefined;
  return { kind, size, baseSize, bosId, eosId, endToken, ...(infill === undefined ? {} : { infill }) };
}

/**
 * The summary of a `tokenizer.model`; some milliseconds for the 128,000 ranks of Llama 3.
 *
 * @throws SourceError and TokenizerError as `parseTokenizerModel` does, but for faults in lines of ranks
 */
export async function summariseTokenizerModel(
  bytes: Uint8Array,
  options: TokenizerModelOptions,
): Promise<TokenizerSummary> {
  const { path, generation, endOfTurn, vocabSize } = options;
  if (recogniseTokenizer(bytes, path) === 'sentencepiece') {
    const { parseTokenizerModel } = await import('./tokenizer-model.js');
    return summaryOf(parseTokenizerModel(bytes, options));
  }
  const baseSize = countTiktokenRanks(bytes);
  const names = specialTokenNames(generation);
  const offset = endOfTurn ? END_OF_TURN[generation] : SPECIAL_OFFSET.endOfText;
  const size = baseSize + names.length;
  if (vocabSize !== undefined) expectVocabularySize({ size, baseSize }, vocabSize, path);
  const bosId = baseSize + SPECIAL_OFFSET.beginOfText;
  return { kind: 'byte-level-bpe', size, baseSize, bosId, eosId: baseSize + offset, endToken: names[offset]! };
}
