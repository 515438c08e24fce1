/**
 * The `tokenizer.ggml.*` keys of a GGUF file, as llama.cpp's converter writes them.
 *
 * The order is part of the file's bytes. Two keys differ by kind: SentencePiece files end with
 * `add_eos_token`, because the Hugging Face folder the converter reads says so, byte-level BPE files with
 * `add_sep_token`. The unknown token has no key; readers go by its type.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#tokenizer
 * @module
 */
import { GGUF_KEY } from './gguf-keys.js';
import { scoresOf } from './sentencepiece-write.js';
import type { StringList, Vocabulary } from './vocabulary.js';

export { vocabularyFromGguf } from './gguf-vocabulary.js';

/** A key, its type by the names of the GGUF specification, and its value. */
export type GgufTokenizerField = { readonly key: string } & (
  | { readonly type: 'str'; readonly value: string }
  | { readonly type: 'u32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'arr[str]'; readonly value: StringList }
  | { readonly type: 'arr[f32]'; readonly value: Float32Array }
  | { readonly type: 'arr[i32]'; readonly value: Int32Array }
);

/**
 * The vocabulary's keys in the order of the file; derives the merges of byte-level BPE.
 *
 * `add_space_prefix` is written only where it is false, which no Llama of Meta's is.
 *
 * @throws TokenizerError `tokenizer/unsupported` for a SentencePiece vocabulary without scores whose merges do not tell them
 */
export function ggufTokenizerFields(vocabulary: Vocabulary): readonly GgufTokenizerField[] {
  return vocabulary.kind === 'sentencepiece' ? sentencePieceFields(vocabulary) : byteLevelFields(vocabulary);
}

function byteLevelFields(vocabulary: Vocabulary): GgufTokenizerField[] {
  return [
    { key: GGUF_KEY.model, type: 'str', value: 'gpt2' },
    { key: GGUF_KEY.pre, type: 'str', value: 'llama-bpe' },
    { key: GGUF_KEY.tokens, type: 'arr[str]', value: vocabulary.packedPieces ?? vocabulary.pieces },
    { key: GGUF_KEY.types, type: 'arr[i32]', value: vocabulary.types },
    { key: GGUF_KEY.merges, type: 'arr[str]', value: vocabulary.merges() },
    { key: GGUF_KEY.bosId, type: 'u32', value: vocabulary.bosId },
    { key: GGUF_KEY.eosId, type: 'u32', value: vocabulary.eosId },
    { key: GGUF_KEY.addBos, type: 'bool', value: true },
    { key: GGUF_KEY.addSep, type: 'bool', value: false },
  ];
}

function sentencePieceFields(vocabulary: Vocabulary): GgufTokenizerField[] {
  const scores = scoresOf(vocabulary);
  const fields: GgufTokenizerField[] = [
    { key: GGUF_KEY.model, type: 'str', value: 'llama' },
    { key: GGUF_KEY.pre, type: 'str', value: 'default' },
    { key: GGUF_KEY.tokens, type: 'arr[str]', value: vocabulary.pieces },
    { key: GGUF_KEY.scores, type: 'arr[f32]', value: scores },
    { key: GGUF_KEY.types, type: 'arr[i32]', value: vocabulary.types },
    { key: GGUF_KEY.bosId, type: 'u32', value: vocabulary.bosId },
    { key: GGUF_KEY.eosId, type: 'u32', value: vocabulary.eosId },
    { key: GGUF_KEY.addBos, type: 'bool', value: true },
    { key: GGUF_KEY.addEos, type: 'bool', value: false },
  ];
  if (vocabulary.spaces?.addPrefix === false) fields.push({ key: GGUF_KEY.addSpacePrefix, type: 'bool', value: false });
  return fields;
}
