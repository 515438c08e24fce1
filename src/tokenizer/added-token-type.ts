/**
 * The type of a token that was added to a vocabulary.
 *
 * Files say whether it is special, and many say of tokens that structure a chat that they are not. llama.cpp's converter
 * goes by the spelling as well, and so do we: as a control token it is never made from what a user types.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/conversion/base.py (does_token_look_special)
 * @module
 */
import { TOKEN_TYPE } from './vocabulary.js';

/** {@link TOKEN_TYPE} of an added token: control where it is special or looks like it, else user defined. */
export function addedTokenType(content: string, special: boolean): number {
  return special || looksSpecial(content) ? TOKEN_TYPE.control : TOKEN_TYPE.userDefined;
}

/** Spellings of other families that are special whatever their files say. */
const SPECIAL_NAMES: readonly string[] = ['<pad>', '<mask>', '<2mass>', '[@BOS@]'];

function looksSpecial(content: string): boolean {
  if (SPECIAL_NAMES.includes(content)) return true;
  const framed = (open: string, close: string): boolean => content.startsWith(open) && content.endsWith(close);
  return framed('<|', '|>') || framed('<｜', '｜>') || framed('<unused', '>');
}
