/**
 * A tokenizer's vocabulary, whichever file it came from.
 *
 * Llama 1 and 2 ship a SentencePiece protobuf, Llama 3 and later a list of base64 tokens with ranks
 * (tiktoken), both under the name `tokenizer.model`; `tokenizer.json` and GGUF hold the same facts in
 * other words. Pieces are spelled as GGUF and `tokenizer.json` spell them: SentencePiece pieces with
 * `▁` for a space, byte-level BPE tokens in GPT-2's printable alphabet, special tokens plainly.
 *
 * @module
 */
import { CheckpointError, type ErrorContext } from '../errors.js';

/** How the tokenizer splits text: SentencePiece BPE with scores, or byte-level BPE with merges. */
export type VocabularyKind = 'sentencepiece' | 'byte-level-bpe';

/** What a token is, numbered as SentencePiece and GGUF number it. */
export const TOKEN_TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** Which release's names the special tokens carry; undefined for SentencePiece vocabularies. */
export type SpecialTokenGeneration = 'llama3' | 'llama3.1' | 'llama4';

/** All tokens of a model, in id order. */
export interface Vocabulary {
  /** How text is split. */
  readonly kind: VocabularyKind;
  /** Number of tokens, special tokens included. */
  readonly size: number;
  /** Token text by id; see the module's header for the spelling. */
  readonly pieces: readonly string[];
  /** {@link TOKEN_TYPE} by id. */
  readonly types: Int32Array;
  /** SentencePiece log probabilities by id; absent for byte-level BPE. */
  readonly scores: Float32Array | undefined;
  /** Tokens before the special ones: equals `size` for SentencePiece. */
  readonly baseSize: number;
  /** Release whose special token names are used. */
  readonly generation: SpecialTokenGeneration | undefined;
  /** Id of the token that begins a text. */
  readonly bosId: number;
  /** Id of the token that ends a text (a turn, for chat models). */
  readonly eosId: number;
  /**
   * BPE merges in priority order, each `left right`. Derived on first call and kept; 280,147 entries for
   * Llama 3. Empty for SentencePiece, whose scores say the same.
   */
  merges(): readonly string[];
}

/** Causes for which a tokenizer is refused. */
export type TokenizerErrorCode =
  | 'tokenizer/unrecognised'
  | 'tokenizer/malformed'
  | 'tokenizer/truncated'
  | 'tokenizer/unsupported'
  | 'tokenizer/size-mismatch';

/** A tokenizer file that cannot be understood, or does not fit the model. */
export class TokenizerError extends CheckpointError {
  declare readonly code: TokenizerErrorCode;

  constructor(code: TokenizerErrorCode, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
