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
import { expectNoDeparture } from './departure.js';
import { GGUF_KEY, LLAMA_4_SPLIT, ROLE_KEYS, SWITCH_KEYS } from './gguf-keys.js';
import { infillTokens } from './infill.js';
import { scoresOf } from './sentencepiece-write.js';
import type { StringList, TokenSwitch, Vocabulary } from './vocabulary.js';

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
 * `add_space_prefix` is written only where it is false and `remove_extra_whitespaces` where it is true, as in no Llama of
 * Meta's.
 *
 * @throws TokenizerError `tokenizer/unsupported` for a SentencePiece vocabulary without scores whose merges do not tell them,
 *   and for one whose tokenizer does what GGUF cannot say
 */
export function ggufTokenizerFields(vocabulary: Vocabulary): readonly GgufTokenizerField[] {
  expectNoDeparture(vocabulary);
  return vocabulary.kind === 'sentencepiece' ? sentencePieceFields(vocabulary) : byteLevelFields(vocabulary);
}

function byteLevelFields(vocabulary: Vocabulary): GgufTokenizerField[] {
  return [
    { key: GGUF_KEY.model, type: 'str', value: 'gpt2' },
    { key: GGUF_KEY.pre, type: 'str', value: vocabulary.split === 'llama4' ? LLAMA_4_SPLIT : 'llama-bpe' },
    { key: GGUF_KEY.tokens, type: 'arr[str]', value: vocabulary.packedPieces ?? vocabulary.pieces },
    { key: GGUF_KEY.types, type: 'arr[i32]', value: vocabulary.types },
    { key: GGUF_KEY.merges, type: 'arr[str]', value: vocabulary.merges() },
    ...specialFields(vocabulary, { bos: true, sep: false }),
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
    ...specialFields(vocabulary, { bos: true, eos: false }),
    ...infillFields(vocabulary),
  ];
  const { spaces } = vocabulary;
  if (spaces?.addPrefix === false) fields.push({ key: GGUF_KEY.addSpacePrefix, type: 'bool', value: false });
  if (spaces?.removeExtra === true) fields.push({ key: GGUF_KEY.removeExtraSpaces, type: 'bool', value: true });
  return fields;
}

/** Ids and switches as they are stated, and after them those that are not, as in the releases. */
function specialFields(
  { bosId, eosId, unknownId, stated }: Vocabulary,
  usual: Readonly<Partial<Record<TokenSwitch, boolean>>>,
): GgufTokenizerField[] {
  // where SentencePiece's own file says which token is unknown, the converter says nothing of it
  const ids = new Map((stated?.ids ?? []).filter(([role, id]) => role !== 'unk' || id !== unknownId));
  for (const [role, id] of [['bos', bosId], ['eos', eosId]] as const) if (!ids.has(role)) ids.set(role, id); // prettier-ignore
  const switches = new Map((stated?.switches ?? []).filter(([role, added]) => added || role in usual));
  for (const role of ['bos', 'eos', 'sep'] as const) {
    if (usual[role] !== undefined && !switches.has(role)) switches.set(role, usual[role]);
  }
  return [
    ...[...ids].map(([role, id]): GgufTokenizerField => ({ key: ROLE_KEYS[role], type: 'u32', value: id })),
    ...[...switches].map(([role, added]): GgufTokenizerField => ({
      key: SWITCH_KEYS[role],
      type: 'bool',
      value: added,
    })),
  ];
}

/** Those of Code Llama: the converter writes them for every vocabulary of 32,016 tokens. */
function infillFields(vocabulary: Vocabulary): GgufTokenizerField[] {
  const infill = infillTokens(vocabulary);
  if (infill === undefined) return [];
  const isStated = vocabulary.stated?.ids.some(([role]) => role === 'eot') === true;
  return [
    { key: GGUF_KEY.prefixId, type: 'u32', value: infill.prefix },
    { key: GGUF_KEY.suffixId, type: 'u32', value: infill.suffix },
    { key: GGUF_KEY.middleId, type: 'u32', value: infill.middle },
    ...(isStated ? [] : [{ key: ROLE_KEYS.eot, type: 'u32', value: infill.end } as const]),
  ];
}
