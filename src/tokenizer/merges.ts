/**
 * BPE merges derived from a vocabulary that does not list them.
 *
 * Neither form of `tokenizer.model` holds merges: in tiktoken the rank of a token is the priority of every
 * pair that makes it, in SentencePiece its score is. `tokenizer.json` and GGUF want the pairs spelled out, so
 * a token is cut in all ways whose halves are tokens too. The order of the result decides how text is split;
 * it is the order in which Hugging Face's converters write it.
 *
 * @see https://github.com/huggingface/transformers/blob/main/src/transformers/convert_slow_tokenizer.py
 *   (TikTokenConverter, generate_merges)
 * @module
 */
import { PackedStrings } from '../formats/packed-strings.js';
import type { TiktokenRanks } from './tiktoken.js';
import { continues, type TokenTable } from './token-table.js';

/**
 * Merges of byte-level BPE: tokens in id order, the cuts of one token by the id of the left half, then of the
 * right one. 280,147 merges from the 128,000 tokens of Llama 3 in about 50 ms; each is kept as a number.
 *
 * @param ranks - the tokens' bytes
 * @param spelled - the same tokens in GPT-2's alphabet, one character for a byte; others may follow
 */
export function byteLevelMerges({ offsets, index }: TiktokenRanks, spelled: TokenTable): PackedStrings {
  const count = offsets.length - 1;
  const found = new FoundCuts(count * USUAL_CUTS_PER_TOKEN);
  for (let rank = 0; rank < count; rank++) {
    const start = offsets[rank]!;
    const end = offsets[rank + 1]!;
    for (let cut = start + 1; cut < end; cut++) {
      const left = index.find(start, cut);
      if (left >= 0 && index.find(cut, end) >= 0) found.add(rank, cut - start, left);
    }
  }
  return new CutTokens(spelled, found.cuts);
}

/** Llama 3 has 2.2. */
const USUAL_CUTS_PER_TOKEN = 3;

/**
 * A merge as one number: the id of the token it makes, and below it the bytes of its left half.
 *
 *     31  28 27                   8 7            0
 *     +-----+----------------------+--------------+
 *     |  0  |      id of token     | bytes before |
 *     +-----+----------------------+--------------+
 *
 * A vocabulary has at most 2^20 tokens of 256 bytes, the last of which is never before a cut.
 */
const CUT_BITS = 8;
const CUT_MASK = 2 ** CUT_BITS - 1;

/** Collects merges; those of one token in the order of their left halves' ids. */
class FoundCuts {
  #cuts: Uint32Array;
  #count = 0;
  /** Token whose merges are being added. */
  #id = -1;
  /** Ids of their left halves, of which there are `#added`. */
  readonly #lefts = new Uint32Array(2 ** CUT_BITS);
  #added = 0;

  constructor(capacity: number) {
    this.#cuts = new Uint32Array(capacity);
  }

  get cuts(): Uint32Array {
    return this.#cuts.subarray(0, this.#count);
  }

  /** Puts the merge behind those of lesser left halves; they are few, and mostly in order already. */
  add(id: number, byteLength: number, left: number): void {
    if (id !== this.#id) this.#added = 0;
    this.#id = id;
    if (this.#count === this.#cuts.length) this.#grow();
    const cuts = this.#cuts;
    const lefts = this.#lefts;
    let at = this.#count++;
    let nth = this.#added++;
    for (; nth > 0 && lefts[nth - 1]! > left; at--, nth--) {
      cuts[at] = cuts[at - 1]!;
      lefts[nth] = lefts[nth - 1]!;
    }
    cuts[at] = (id << CUT_BITS) | byteLength;
    lefts[nth] = left;
  }

  #grow(): void {
    const larger = new Uint32Array(2 * this.#count + 1);
    larger.set(this.#cuts);
    this.#cuts = larger;
  }
}

/** Tokens with a space where they are cut. */
class CutTokens extends PackedStrings {
  readonly #tokens: TokenTable;
  readonly #cuts: Uint32Array;
  readonly utf8Length: number;

  constructor(tokens: TokenTable, cuts: Uint32Array) {
    super();
    this.#tokens = tokens;
    this.#cuts = cuts;
    let utf8Length = 0;
    for (let index = 0; index < cuts.length; index++) utf8Length += this.byteLengthOf(index);
    this.utf8Length = utf8Length;
  }

  *[Symbol.iterator](): Generator<string, undefined> {
    const texts = this.#tokens.toStrings();
    for (const merge of this.#cuts) {
      const text = texts[merge >>> CUT_BITS]!;
      const cut = merge & CUT_MASK;
      yield `${text.slice(0, cut)} ${text.slice(cut)}`;
    }
  }

  get length(): number {
    return this.#cuts.length;
  }

  byteLengthOf(index: number): number {
    return this.#tokens.byteLengthOf(this.#cuts[index]! >>> CUT_BITS) + 1;
  }

  copyInto(index: number, target: Uint8Array, at: number): void {
    const { bytes, offsets } = this.#tokens;
    const merge = this.#cuts[index]!;
    const id = merge >>> CUT_BITS;
    const end = offsets[id + 1]!;
    let before = merge & CUT_MASK; // characters still to come before the space
    let to = at;
    for (let from = offsets[id]!; from < end; from++) {
      const byte = bytes[from]!;
      if (!continues(byte) && before-- === 0) target[to++] = SPACE;
      target[to++] = byte;
    }
  }
}

const SPACE = 0x20;

/**
 * Merges of a SentencePiece BPE model: by falling score, then by falling length of the left and of the right
 * half (in characters), then in the order that {@link byteLevelMerges} has.
 *
 * @param pieces - all pieces by id
 * @param scores - their scores by id
 */
export function sentencePieceMerges(pieces: readonly string[], scores: Float32Array): string[] {
  const ids = idsOf(pieces);
  const cuts = pieces.flatMap((piece, id) => {
    const score = scores[id]!;
    return cutsOf(piece, ids).map(({ merge, cut }) => {
      const left = codePoints(piece.slice(0, cut));
      return { merge, score, left, right: codePoints(piece) - left };
    });
  });
  cuts.sort((a, b) => b.score - a.score || b.left - a.left || b.right - a.right);
  return cuts.map(({ merge }) => merge);
}

interface Cut {
  /** The halves with a space between them. */
  readonly merge: string;
  /** UTF-16 units of the left half. */
  readonly cut: number;
  /** Id of the left half; no two cuts of a piece have the same. */
  readonly leftId: number;
}

/** The cuts of a piece into two tokens, by the id of the left one. */
function cutsOf(piece: string, ids: ReadonlyMap<string, number>): Cut[] {
  const cuts: Cut[] = [];
  for (let cut = 1; cut < piece.length; cut++) {
    const left = piece.slice(0, cut);
    const leftId = ids.get(left);
    if (leftId === undefined) continue;
    const right = piece.slice(cut);
    if (ids.has(right)) cuts.push({ merge: `${left} ${right}`, cut, leftId });
  }
  return cuts.sort((a, b) => a.leftId - b.leftId);
}

function idsOf(pieces: readonly string[]): Map<string, number> {
  return new Map(pieces.map((piece, id) => [piece, id]));
}

function codePoints(text: string): number {
  return Array.from(text).length;
}
