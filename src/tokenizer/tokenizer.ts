/**
 * Text to token ids and back, with any Llama's vocabulary.
 *
 * Nothing in a text is special unless it is asked for: `<|eot_id|>` typed by a user is eight ordinary tokens. Ids are
 * those of Meta's code (tiktoken, SentencePiece) and of llama.cpp, which agree but for this: Meta's code for Llama 3
 * cuts texts at 400,000 characters and runs without white space at 25,000 before it splits them; here nothing is cut.
 *
 * @module
 */
import { type AddedTokens, addedTokensOf } from './added-tokens.js';
import { ByteLevelCodec } from './byte-level-codec.js';
import { expectNoDeparture } from './departure.js';
import { isInside, SentencePieceCodec } from './sentencepiece-codec.js';
import type { TextCodec } from './text-codec.js';
import { TOKEN_TYPE, TokenizerError, type Vocabulary } from './vocabulary.js';

/** What is put around a text, and what in it is special. */
export interface EncodeOptions {
  /** Whether the spelling of a control token in the text is that token; false if absent. */
  readonly special?: boolean | undefined;
  /** Whether the token that begins a text is put first, unless `special` found it there; false if absent. */
  readonly bos?: boolean | undefined;
  /** Whether the token that ends a text is put last; false if absent. */
  readonly eos?: boolean | undefined;
}

/** How ids become text. */
export interface DecodeOptions {
  /** Whether control tokens are spelled; if absent as Meta's code does: with Llama 3, but not with Llama 1 and 2. */
  readonly special?: boolean | undefined;
}

/** Encodes and decodes with one vocabulary. */
export class Tokenizer {
  /** The tokens. */
  readonly vocabulary: Vocabulary;
  readonly #codec: TextCodec;
  readonly #added: AddedTokens;
  #withControl: AddedTokens | undefined;

  /**
   * Indexes the vocabulary; about 0.1 s for Llama 3, 0.4 s where its merges come from a file and are looked at.
   *
   * @throws TokenizerError `tokenizer/unsupported` for byte-level BPE that lacks a byte and for a `tokenizer.json` that
   *   does more to text than a Llama's, `tokenizer/malformed` for
   *   merges that are not of tokens
   */
  constructor(vocabulary: Vocabulary) {
    expectNoDeparture(vocabulary);
    this.vocabulary = vocabulary;
    const isBytes = vocabulary.kind === 'byte-level-bpe';
    this.#codec = isBytes ? new ByteLevelCodec(vocabulary) : new SentencePieceCodec(vocabulary);
    this.#added = addedTokensOf(vocabulary, (id, type) => type === TOKEN_TYPE.userDefined && !isInside(vocabulary, id));
  }

  /**
   * The ids of a text. Time is n log n at most, whatever the text; memory about 60 bytes for each of its longest
   * word's bytes (SentencePiece: of all its bytes). Lone surrogates are encoded as U+FFFD.
   */
  encode(text: string, { special = false, bos = false, eos = false }: EncodeOptions = {}): number[] {
    const { vocabulary } = this;
    const ids: number[] = [];
    for (const part of this.#tokensFor(special).split(text)) {
      if (typeof part === 'number') ids.push(part);
      else this.#codec.encode(part, ids, ids.length === 0);
    }
    if (bos && !(special && ids[0] === vocabulary.bosId)) ids.unshift(vocabulary.bosId);
    if (eos) ids.push(vocabulary.eosId);
    return ids;
  }

  /**
   * The text of ids. Bytes that are no UTF-8 become U+FFFD; padding has no text.
   *
   * @throws TokenizerError `tokenizer/no-such-token`
   */
  decode(ids: readonly number[], options: DecodeOptions = {}): string {
    return TEXT.decode(this.decodeBytes(ids, options));
  }

  /**
   * The bytes of ids, of which {@link decode} makes text. Those of byte-level BPE may be no UTF-8; SentencePiece puts U+FFFD
   * for what is none.
   *
   * @throws TokenizerError `tokenizer/no-such-token`
   */
  decodeBytes(ids: readonly number[], { special = this.#codec.spellsControl }: DecodeOptions = {}): Uint8Array {
    for (const id of ids) this.#expectToken(id);
    const control = this.vocabulary.kind === 'sentencepiece' || special;
    const kept = control ? ids : ids.filter((id) => this.vocabulary.types[id] !== TOKEN_TYPE.control);
    return this.#codec.decode(kept, special);
  }

  /**
   * Bytes that one token stands for; control tokens are spelled.
   *
   * @throws TokenizerError `tokenizer/no-such-token`
   */
  bytesOf(id: number): Uint8Array {
    this.#expectToken(id);
    return this.#codec.bytesOf(id);
  }

  #tokensFor(special: boolean): AddedTokens {
    if (!special) return this.#added;
    const { vocabulary } = this;
    return (this.#withControl ??= addedTokensOf(
      vocabulary,
      (id, type) => SPLITTING.includes(type) && !isInside(vocabulary, id),
    ));
  }

  #expectToken(id: number): void {
    const { size } = this.vocabulary;
    if (Number.isInteger(id) && id >= 0 && id < size) return;
    const message = `there is no token ${id}; the vocabulary has ids 0 to ${size - 1}`;
    throw new TokenizerError('tokenizer/no-such-token', message);
  }
}

const SPLITTING: readonly number[] = [TOKEN_TYPE.control, TOKEN_TYPE.unknown, TOKEN_TYPE.userDefined];
const TEXT = new TextDecoder('utf-8', { ignoreBOM: true });
