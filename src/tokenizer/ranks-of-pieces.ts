/**
 * The ranks of a byte-level vocabulary that came from `tokenizer.json` or GGUF.
 *
 * Both list merges, a tiktoken file lists none: there the rank of a token is the priority of every pair that
 * makes it. So ranks stand for the merges only where the merges are the ones that follow from them, in their
 * order; that is so for every release of Meta's, and is checked, for a retrained vocabulary may differ.
 *
 * @module
 */
import { bytesOfPieces, spellTokens } from './byte-alphabet.js';
import { byteLevelMerges } from './merges.js';
import { TokenIndex } from './token-index.js';
import type { TiktokenRanks } from './tiktoken.js';
import { TOKEN_BYTES_LIMIT, TokenizerError, type Vocabulary } from './vocabulary.js';

/**
 * The base tokens as bytes, in id order.
 *
 * @throws TokenizerError `tokenizer/unsupported` for a token with a character outside GPT-2's alphabet or of more
 *   than {@link TOKEN_BYTES_LIMIT} bytes
 */
export function tokensOfPieces({ pieces, baseSize }: Vocabulary): TiktokenRanks {
  const tokens = bytesOfPieces(pieces, baseSize);
  const { offsets } = tokens;
  const index = new TokenIndex(tokens);
  for (let id = 0; id < baseSize; id++) {
    const length = offsets[id + 1]! - offsets[id]!;
    if (length > TOKEN_BYTES_LIMIT) {
      const message = `token ${id} has ${length} bytes; a token has at most ${TOKEN_BYTES_LIMIT}`;
      throw new TokenizerError('tokenizer/unsupported', message);
    }
    index.add(id);
  }
  return { ...tokens, index };
}

/** Whether the vocabulary's merges are those that follow from the ranks; derives these unless it is known, 0.2 s for Llama 3. */
export function mergesFollowRanks(vocabulary: Vocabulary, ranks: TiktokenRanks): boolean {
  if (vocabulary.mergesFollowIds === true) return true;
  const merges = vocabulary.merges();
  const derived = byteLevelMerges(ranks, spellTokens(ranks));
  if (derived.length !== merges.length) return false;
  const given = merges[Symbol.iterator]();
  for (const merge of derived) if (given.next().value !== merge) return false;
  return true;
}
