/**
 * Text to ids and back as Llama 3 and 4 do it: byte-level BPE.
 *
 * Text is split into words by the rule of Meta's code, which is another one in Llama 4. A word that is a token is that token, whatever the merges
 * would make of it (`ignore_merges`); the others are merged from their bytes.
 *
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama3/tokenizer.py
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama4/tokenizer.py
 * @module
 */
import { BpeMerger } from './bpe-merger.js';
import { ListRule, RankRule } from './join-rules.js';
import { wordEnd as llama3WordEnd } from './llama3-words.js';
import { wordEnd as llama4WordEnd } from './llama4-words.js';
import { mergesFollowRanks, tokensOfPieces } from './ranks-of-pieces.js';
import type { TextCodec } from './text-codec.js';
import type { TiktokenRanks } from './tiktoken.js';
import { ByteSink } from './utf8-repair.js';
import { TOKEN_TYPE, TokenizerError, type Vocabulary } from './vocabulary.js';

/** Encodes and decodes with a vocabulary of byte-level BPE. */
export class ByteLevelCodec implements TextCodec {
  readonly spellsControl = true;
  readonly #vocabulary: Vocabulary;
  readonly #tokens: TiktokenRanks;
  readonly #idOfByte: Int32Array;
  readonly #merger: BpeMerger;
  readonly #wordEnd: (bytes: Uint8Array, start: number, end: number) => number;

  /**
   * Indexes the tokens; 0.1 s for Llama 3 from a tiktoken file, more from others, whose merges are compared.
   *
   * @throws TokenizerError `tokenizer/unsupported` where a byte has no token
   */
  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    this.#wordEnd = vocabulary.split === 'llama4' ? llama4WordEnd : llama3WordEnd;
    this.#tokens = tokensOfPieces(vocabulary);
    this.#idOfByte = idsOfBytes(this.#tokens);
    const follows = mergesFollowRanks(vocabulary, this.#tokens);
    this.#merger = new BpeMerger(follows ? new RankRule(this.#tokens.index) : new ListRule(vocabulary));
  }

  encode(text: string, ids: number[]): void {
    const bytes = UTF8.encode(text);
    const { index } = this.#tokens;
    for (let start = 0; start < bytes.byteLength;) {
      const end = this.#wordEnd(bytes, start, bytes.byteLength);
      const id = index.findIn(bytes, start, end);
      if (id >= 0) ids.push(id);
      else this.#mergeWord(bytes, start, end, ids);
      start = end;
    }
  }

  bytesOf(id: number): Uint8Array {
    const { bytes, offsets } = this.#tokens;
    if (id < this.#vocabulary.baseSize) return bytes.subarray(offsets[id], offsets[id + 1]);
    if (this.#vocabulary.types[id] === TOKEN_TYPE.unused) return NOTHING;
    return UTF8.encode(this.#vocabulary.pieces[id]);
  }

  decode(ids: readonly number[]): Uint8Array {
    const { bytes, offsets } = this.#tokens;
    const { baseSize } = this.#vocabulary;
    const text = new ByteSink();
    for (const id of ids) {
      if (id < baseSize) text.copy(bytes, offsets[id]!, offsets[id + 1]!);
      else text.push(this.bytesOf(id));
    }
    return text.bytes;
  }

  #mergeWord(bytes: Uint8Array, start: number, end: number, ids: number[]): void {
    this.#merger.begin(bytes, start, end - start);
    for (let at = start; at < end; at++) this.#merger.add(this.#idOfByte[bytes[at]!]!, at + 1);
    this.#merger.merge((id) => ids.push(id));
  }
}

const UTF8 = new TextEncoder();
const NOTHING = new Uint8Array(0);

function idsOfBytes({ index }: TiktokenRanks): Int32Array {
  return Int32Array.from({ length: 256 }, (_, byte) => {
    const id = index.findIn(Uint8Array.of(byte), 0, 1);
    if (id >= 0) return id;
    throw new TokenizerError(
      'tokenizer/unsupported',
      `the byte ${byte} has no token, so not every text can be encoded`,
    );
  });
}
