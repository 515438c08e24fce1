/**
 * Names of the keys in the tokenizer section of a GGUF file.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#tokenizer
 * @module
 */
import type { TokenRole, TokenSwitch } from './vocabulary.js';

/** The keys of GGUF's tokenizer section. */
export const GGUF_KEY = {
  model: 'tokenizer.ggml.model',
  pre: 'tokenizer.ggml.pre',
  tokens: 'tokenizer.ggml.tokens',
  scores: 'tokenizer.ggml.scores',
  types: 'tokenizer.ggml.token_type',
  merges: 'tokenizer.ggml.merges',
  bosId: 'tokenizer.ggml.bos_token_id',
  eosId: 'tokenizer.ggml.eos_token_id',
  prefixId: 'tokenizer.ggml.prefix_token_id',
  suffixId: 'tokenizer.ggml.suffix_token_id',
  middleId: 'tokenizer.ggml.middle_token_id',
  eotId: 'tokenizer.ggml.eot_token_id',
  unknownId: 'tokenizer.ggml.unknown_token_id',
  addBos: 'tokenizer.ggml.add_bos_token',
  addEos: 'tokenizer.ggml.add_eos_token',
  addSep: 'tokenizer.ggml.add_sep_token',
  addSpacePrefix: 'tokenizer.ggml.add_space_prefix',
  removeExtraSpaces: 'tokenizer.ggml.remove_extra_whitespaces',
} as const;

/** Keys of the ids of special tokens; the misspelling is the format's. */
export const ROLE_KEYS: Readonly<Record<TokenRole, string>> = {
  bos: GGUF_KEY.bosId,
  eos: GGUF_KEY.eosId,
  unk: GGUF_KEY.unknownId,
  sep: 'tokenizer.ggml.seperator_token_id',
  pad: 'tokenizer.ggml.padding_token_id',
  mask: 'tokenizer.ggml.mask_token_id',
  eot: GGUF_KEY.eotId,
};

/** Keys that say whether a token is put around a text. */
export const SWITCH_KEYS: Readonly<Record<TokenSwitch, string>> = {
  bos: GGUF_KEY.addBos,
  eos: GGUF_KEY.addEos,
  sep: GGUF_KEY.addSep,
};

/** Name under which llama.cpp knows the way Llama 4 splits text. */
export const LLAMA_4_SPLIT = 'llama4';
