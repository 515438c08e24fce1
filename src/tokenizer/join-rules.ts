/**
 * The three ways in which vocabularies say what is joined first.
 *
 * A tiktoken file by the rank of the token that results, SentencePiece by its score, `tokenizer.json` and GGUF by
 * the place of the pair in a list.
 *
 * @module
 */
import { type JoinRule, PRIORITIES_LIMIT } from './bpe-merger.js';
import { mergeIds } from './sound-tokens.js';
import type { TokenIndex } from './token-index.js';
import { TokenizerError, type Vocabulary } from './vocabulary.js';

/** Two tokens join where a token has their bytes, the one of least id first. */
export class RankRule implements JoinRule {
  readonly #index: TokenIndex;

  constructor(index: TokenIndex) {
    this.#index = index;
  }

  join(_left: number, _right: number, bytes: Uint8Array, start: number, end: number): number {
    return this.#index.findIn(bytes, start, end);
  }

  priority(join: number): number {
    return join;
  }

  product(join: number): number {
    return join;
  }
}

/** Two tokens join where a token has their bytes, the one of highest score first. */
export class ScoreRule extends RankRule {
  readonly #places: Int32Array;

  /** @param scores - by id */
  constructor(index: TokenIndex, scores: Float32Array) {
    super(index);
    const falling = Float32Array.from(new Set(scores)).sort().reverse();
    const places = new Map(Array.from(falling, (score, place) => [score, place]));
    this.#places = Int32Array.from(scores, (score) => places.get(score) ?? 0);
  }

  override priority(join: number): number {
    return this.#places[join]!;
  }
}

/** Two tokens join where a list has the pair, the first of the list first. */
export class ListRule implements JoinRule {
  /** Place in the list by `left * size + right`. */
  readonly #joins = new Map<number, number>();
  readonly #products: Int32Array;
  readonly #size: number;

  /**
   * Goes through all merges; about 0.3 s for Llama 3.
   *
   * @throws TokenizerError `tokenizer/malformed` for a merge of what are no tokens, `tokenizer/unsupported` for more
   *   than 2^22 merges
   */
  constructor(vocabulary: Vocabulary) {
    const { pieces, size, baseSize } = vocabulary;
    const list = vocabulary.merges();
    if (list.length > PRIORITIES_LIMIT) {
      const message = `the tokenizer has ${list.length} merges; there are at most ${PRIORITIES_LIMIT}`;
      throw new TokenizerError('tokenizer/unsupported', message);
    }
    this.#size = size;
    this.#products = new Int32Array(list.length);
    const ids = new Map(pieces.slice(0, baseSize).map((piece, id) => [piece, id]));
    let place = 0;
    for (const merge of list) {
      const { left, right, product } = mergeIds(merge, place, ids, undefined);
      const pair = left * size + right;
      if (!this.#joins.has(pair)) this.#joins.set(pair, place);
      this.#products[place++] = product;
    }
  }

  join(left: number, right: number): number {
    if (left < 0 || right < 0) return -1;
    return this.#joins.get(left * this.#size + right) ?? -1;
  }

  priority(join: number): number {
    return join;
  }

  product(join: number): number {
    return this.#products[join]!;
  }
}
