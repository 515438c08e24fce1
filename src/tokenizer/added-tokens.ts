/**
 * Tokens that are matched in the text as a whole, before it is split.
 *
 * The first one in the text goes first, and of those that begin at one place the longest.
 *
 * @module
 */
import type { Vocabulary } from './vocabulary.js';

/** Finds tokens in text by their spelling. */
export class AddedTokens {
  /** Tokens by their text. */
  readonly #ids: ReadonlyMap<string, number>;
  /** Lengths of the tokens that begin with a unit of UTF-16, the longest first. */
  readonly #lengths: ReadonlyMap<number, readonly number[]>;

  /** @param tokens - texts, none empty, and ids */
  constructor(tokens: Iterable<readonly [text: string, id: number]>) {
    this.#ids = new Map(tokens);
    const lengths = new Map<number, Set<number>>();
    for (const text of this.#ids.keys()) {
      const first = text.charCodeAt(0);
      lengths.set(first, (lengths.get(first) ?? new Set()).add(text.length));
    }
    this.#lengths = new Map(Array.from(lengths, ([first, set]) => [first, [...set].sort((a, b) => b - a)]));
  }

  /** The text's parts in order: ids of tokens, and the text between them, which is never empty. */
  *split(text: string): Generator<string | number> {
    let start = 0;
    for (let at = 0; this.#ids.size > 0 && at < text.length; at++) {
      const found = this.#at(text, at);
      if (found === undefined) continue;
      if (at > start) yield text.slice(start, at);
      yield found.id;
      start = at + found.length;
      at = start - 1;
    }
    if (start < text.length) yield text.slice(start);
  }

  /** The longest token that begins there. */
  #at(text: string, at: number): { readonly id: number; readonly length: number } | undefined {
    for (const length of this.#lengths.get(text.charCodeAt(at)) ?? []) {
      if (at + length > text.length) continue;
      const id = this.#ids.get(text.slice(at, at + length));
      if (id !== undefined) return { id, length };
    }
    return undefined;
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
