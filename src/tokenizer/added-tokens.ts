/**
 * Tokens that are matched in the text as a whole, before it is split.
 *
 * The first one in the text goes first, and of those that begin at one place the longest.
 *
 * @module
 */
import type { Vocabulary } from './vocabulary.js';

/**
 * Finds tokens in text by their spelling, in a sorted list.
 *
 * The last token that does not come after the text is the longest one that the text begins with, or has it as its own
 * begin: so one search finds it, and the tokens that are the begin of others lead back from there. Tokens that share
 * their letters cost a few comparisons of their length at each place, not one for each of them.
 */
export class AddedTokens {
  readonly #texts: readonly string[];
  readonly #ids: readonly number[];
  /** Place of the longest other token that a token begins with, -1 for none. */
  readonly #begins: Int32Array;
  /** Units of UTF-16 that tokens begin with. */
  readonly #firsts: ReadonlySet<number>;

  /** @param tokens - texts, of which empty ones are never found, and ids */
  constructor(tokens: Iterable<readonly [text: string, id: number]>) {
    const sorted = [...new Map(tokens)].filter(([text]) => text !== '').sort(([a], [b]) => (a < b ? -1 : 1));
    const texts = sorted.map(([text]) => text);
    this.#texts = texts;
    this.#ids = sorted.map(([, id]) => id);
    this.#begins = new Int32Array(texts.length);
    for (const [place, text] of texts.entries()) {
      let begin = place - 1;
      while (begin >= 0 && !text.startsWith(texts[begin]!)) begin = this.#begins[begin]!;
      this.#begins[place] = begin;
    }
    this.#firsts = new Set(texts.map((text) => text.charCodeAt(0)));
  }

  /** The text's parts in order: ids of tokens, and the text between them, which is never empty. */
  *split(text: string): Generator<string | number> {
    let start = 0;
    for (let at = 0; this.#ids.length > 0 && at < text.length; at++) {
      if (!this.#firsts.has(text.charCodeAt(at))) continue;
      const found = this.#at(text, at);
      if (found < 0) continue;
      if (at > start) yield text.slice(start, at);
      yield this.#ids[found]!;
      start = at + this.#texts[found]!.length;
      at = start - 1;
    }
    if (start < text.length) yield text.slice(start);
  }

  /** Place of the longest token that begins there, -1 for none. */
  #at(text: string, at: number): number {
    const texts = this.#texts;
    let [low, high] = [0, texts.length];
    // units that the text has in common with the tokens around the range, and so with each in it
    let [lowCommon, highCommon] = [0, 0];
    while (low < high) {
      const middle = (low + high) >> 1;
      const token = texts[middle]!;
      let common = Math.min(lowCommon, highCommon);
      while (common < token.length && token.charCodeAt(common) === text.charCodeAt(at + common)) common++;
      // past the end of the text there is no unit, and the longer one comes after
      const comesAfter = common < token.length && !(token.charCodeAt(common) < text.charCodeAt(at + common));
      if (comesAfter) [high, highCommon] = [middle, common];
      else [low, lowCommon] = [middle + 1, common];
    }
    let found = low - 1;
    while (found >= 0 && !text.startsWith(texts[found]!, at)) found = this.#begins[found]!;
    return found;
  }
}

/** The tokens of a vocabulary that are wanted; their pieces are their spelling. */
export function addedTokensOf(
  { pieces, types }: Vocabulary,
  isWanted: (id: number, type: number) => boolean,
): AddedTokens {
  const tokens: [string, number][] = [];
  for (const [id, type] of types.entries()) if (isWanted(id, type)) tokens.push([pieces[id]!, id]);
  return new AddedTokens(tokens);
}
