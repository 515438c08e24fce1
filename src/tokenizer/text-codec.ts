/**
 * What the two kinds of tokenizers have in common.
 *
 * @module
 */

/** Text to ids and back, for text without special tokens. */
export interface TextCodec {
  /** Whether control tokens are spelled when ids are decoded, unless it is said otherwise. */
  readonly spellsControl: boolean;
  /**
   * Adds the ids of a text to `ids`.
   *
   * @param isFirst - whether the text begins here; otherwise a token that was found in it stands before
   */
  encode(text: string, ids: number[], isFirst: boolean): void;
  /** Bytes that a token stands for, control tokens spelled. */
  bytesOf(id: number): Uint8Array;
  /** UTF-8 of the text that the tokens stand for, possibly invalid. */
  decode(ids: readonly number[], control: boolean): Uint8Array;
}
