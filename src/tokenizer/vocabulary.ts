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
import type { PackedStrings, StringList } from '../formats/packed-strings.js';

export { PackedStrings, type StringList } from '../formats/packed-strings.js';

/** How the tokenizer splits text: SentencePiece BPE with scores, or byte-level BPE with merges. */
export type VocabularyKind = 'sentencepiece' | 'byte-level-bpe';

/** What a token is, numbered as SentencePiece and GGUF number it. */
export const TOKEN_TYPE = {
  /** A piece of text. */
  normal: 1,
  /** Stands for text that no piece covers. */
  unknown: 2,
  /** Never made from text: begin and end of a text, headers of a chat. */
  control: 3,
  /** Added by a user; matched as a whole. */
  userDefined: 4,
  /** A row of the embedding without a token. */
  unused: 5,
  /** A single byte, for text that no piece covers. */
  byte: 6,
} as const;

/** Most tokens a vocabulary may have: five times as many as Llama 4, the largest so far. */
export const TOKENS_LIMIT = 1 << 20;

/**
 * Longest token of a `tokenizer.model` in bytes, twice the longest of Llama 3 (a run of spaces). Deriving merges tries
 * every cut of a token, so its time grows with the square of the length.
 */
export const TOKEN_BYTES_LIMIT = 256;

/** Which release's names the special tokens carry. */
export type SpecialTokenGeneration = 'llama3' | 'llama3.1' | 'llama4';

/** By which release's rule byte-level BPE splits text into words before it looks for tokens. */
export type SplitRule = 'llama3' | 'llama4';

/** What SentencePiece does to the spaces of a text before it splits it. */
export interface SpaceRules {
  /** Whether a space is put before the text (`add_dummy_prefix`); so it is in every Llama. */
  readonly addPrefix: boolean;
  /** Whether runs of spaces become one and the ends are trimmed (`remove_extra_whitespaces`); not so in any Llama. */
  readonly removeExtra: boolean;
  /** Whether only the text's own begin has the space (`prepend_scheme: first`); else each part after a token found in it. */
  readonly onlyFirst?: boolean | undefined;
  /** Whether what begins with a space already is given none (the splitter `Metaspace`). */
  readonly unlessSpace?: boolean | undefined;
  /** Whether the model's own user-defined tokens are matched in the text with its space, as SentencePiece itself does. */
  readonly addedInside?: boolean | undefined;
  /** Ids of added tokens that are found only with a space before them, which they take in (`normalized` after `Prepend`). */
  readonly afterSpace?: readonly number[] | undefined;
}

/** What a special token is for, as Hugging Face names it. */
export type TokenRole = 'bos' | 'eos' | 'unk' | 'sep' | 'pad' | 'mask' | 'eot';

/** What a tokenizer may put around a text by itself. */
export type TokenSwitch = 'bos' | 'eos' | 'sep';

/** Special tokens as the files of a model state them, in the order in which llama.cpp's converter writes them. */
export interface StatedTokens {
  /** Ids by role. */
  readonly ids: readonly (readonly [role: TokenRole, id: number])[];
  /** Whether the token of a role is put around a text. */
  readonly switches: readonly (readonly [role: TokenSwitch, added: boolean])[];
}

/** All tokens of a model, in id order. */
export interface Vocabulary {
  /** How text is split. */
  readonly kind: VocabularyKind;
  /** Number of tokens, special tokens and padding included. */
  readonly size: number;
  /** Token text by id; see the module's header for the spelling. Made on the first access where they are packed. */
  readonly pieces: readonly string[];
  /** The same pieces, where the file had them as bytes: to be preferred where strings are not needed. */
  readonly packedPieces?: PackedStrings | undefined;
  /** {@link TOKEN_TYPE} by id. */
  readonly types: Int32Array;
  /** SentencePiece log probabilities by id; absent for byte-level BPE, and where `tokenizer.json` left them out. */
  readonly scores: Float32Array | undefined;
  /**
   * Tokens that text is split into: all pieces of a SentencePiece model, the ranks of a tiktoken file.
   * Special tokens of byte-level BPE, tokens added later and padding come after.
   */
  readonly baseSize: number;
  /** Release whose special token names follow the base; undefined for SentencePiece and for names of no known list. */
  readonly generation: SpecialTokenGeneration | undefined;
  /** How text is split into words; byte-level BPE only, and that of Llama 3 where absent. */
  readonly split?: SplitRule | undefined;
  /** Id of the token that begins a text. */
  readonly bosId: number;
  /** Id of the token that ends a text (a turn, for chat models). */
  readonly eosId: number;
  /** What else the files of a fine-tune state about special tokens; absent where they are those of a release of Meta's. */
  readonly stated?: StatedTokens | undefined;
  /**
   * What the source's tokenizer does to text that no Llama's does, in a few words; such a vocabulary can only be carried
   * along in the files that it came in.
   */
  readonly departure?: string | undefined;
  /** Id of the token that stands for what cannot be spelled; SentencePiece only. */
  readonly unknownId: number | undefined;
  /** What happens to spaces; SentencePiece only. */
  readonly spaces: SpaceRules | undefined;
  /**
   * BPE merges in priority order, each `left right`. Derived on the first call and kept; 280,147 entries in
   * about 50 ms for Llama 3, packed. SentencePiece models hold none: theirs follow from the scores.
   */
  merges(): StringList;
  /** Whether the merges of byte-level BPE are known to be those that follow from the ids, as in a tiktoken file. */
  readonly mergesFollowIds?: boolean | undefined;
}

/** The token of an id; undefined where there is none. Where tokens are packed no other becomes a string. */
export function pieceAt(vocabulary: Vocabulary, id: number | undefined): string | undefined {
  if (id === undefined) return undefined;
  const { packedPieces } = vocabulary;
  return packedPieces === undefined ? vocabulary.pieces[id] : packedPieces.at(id);
}

/** A token that is matched in the text before it is split. */
export interface AddedPiece {
  /** Its id. */
  readonly id: number;
  /** Its text. */
  readonly content: string;
  /** Whether it is left out of texts that people read. */
  readonly special: boolean;
}

/** Tokens that are matched in the text before it is split, by id. */
export function addedPieces(vocabulary: Vocabulary): AddedPiece[] {
  const added: readonly number[] = [TOKEN_TYPE.unknown, TOKEN_TYPE.control, TOKEN_TYPE.userDefined];
  const found: AddedPiece[] = [];
  vocabulary.types.forEach((type, id) => {
    if (!added.includes(type)) return;
    found.push({ id, content: pieceAt(vocabulary, id) ?? '', special: type !== TOKEN_TYPE.userDefined });
  });
  return found;
}

/** Causes for which a tokenizer is refused. */
export type TokenizerErrorCode =
  | 'tokenizer/unrecognised'
  | 'tokenizer/malformed'
  | 'tokenizer/truncated'
  | 'tokenizer/unsupported'
  | 'tokenizer/size-mismatch'
  | 'tokenizer/no-such-token'
  | 'tokenizer/bad-template';

/** A tokenizer file that cannot be understood, or does not fit the model. */
export class TokenizerError extends CheckpointError {
  declare readonly code: TokenizerErrorCode;

  constructor(code: TokenizerErrorCode, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
