/**
 * Values that a person sets in the metadata of a GGUF file: `general.author=Meta`, `tokenizer.ggml.padding_token_id=4`.
 *
 * A pair that the file has keeps its type, and keys that llama.cpp reads have the type it reads; new keys are strings
 * unless a type is given. What describes the tensors is not a person's to set.
 *
 * @module
 */
import type { GgufMetadataEntry } from '../formats/gguf/plan.js';
import { type GgufNumberType, isInRange, numberFormat, valueTypeOfId } from '../formats/gguf/value-types.js';
import { ConvertError } from './plan.js';

/** A value to be set. */
export interface MetadataOverride {
  /** The key. */
  readonly key: string;
  /** Type of the value in the file; that of the pair, or of llama.cpp, or a string when absent. */
  readonly type?: string | undefined;
  /** The value as text. */
  readonly value: string;
}

type ScalarType = GgufNumberType | 'bool' | 'str';

/** Types of keys that llama.cpp reads and a file need not have. */
const KNOWN_TYPES: readonly (readonly [pattern: RegExp, type: ScalarType])[] = [
  [/^tokenizer\.ggml\.\w+_token_id$/, 'u32'],
  [/^tokenizer\.ggml\.(?:add_\w+|remove_extra_whitespaces|escape_whitespaces)$/, 'bool'],
  [/^general\.sampling\.(?:top_k|penalty_last_n|mirostat)$/, 'i32'],
  [/^general\.sampling\.(?!sequence$)\w+$/, 'f32'],
  [/^llama\.rope\.(?:freq_base|scaling\.(?:factor|attn_factor))$/, 'f32'],
  [/^llama\.context_length$/, 'u32'],
  [/^(?:general\.base_model|general\.dataset)\.count$/, 'u32'],
];

/** Keys that follow from the tensors, or say how they are to be read. */
const DESCRIBES_TENSORS =
  /^(?:general\.(?:architecture|alignment|file_type|quantization_version)|split\..*|quantize\.imatrix\..*|llama\.(?:block_count|embedding_length|feed_forward_length|vocab_size|expert_\w+|attention\.(?:head_count|head_count_kv|key_length|value_length)|rope\.dimension_count))$/;

/**
 * Takes `key=value` or `key:type=value` apart.
 *
 * @throws ConvertError `convert/bad-option`
 */
export function parseMetadataOverride(text: string): MetadataOverride {
  const [, key, type, value] = /^([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+)(?::([A-Za-z0-9]+))?=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) {
    throw refused(`${JSON.stringify(text)} is no pair for the metadata`, 'give KEY=VALUE or KEY:TYPE=VALUE');
  }
  return { key, type: type?.toLowerCase(), value };
}

/**
 * The pairs with these values in them: in their places where the keys are there, behind the others where not.
 *
 * @throws ConvertError `convert/bad-option`
 */
export function withOverrides(
  metadata: readonly GgufMetadataEntry[],
  overrides: readonly MetadataOverride[] = [],
): GgufMetadataEntry[] {
  const entries = new Map(metadata.map((entry) => [entry.key, entry]));
  const set = new Set<string>();
  for (const override of overrides) {
    const { key } = override;
    if (DESCRIBES_TENSORS.test(key)) throw refused(`${key} follows from the tensors and cannot be set`);
    if (set.has(key)) throw refused(`${key} is set twice`);
    set.add(key);
    entries.set(key, entryOf(override, entries.get(key)?.type));
  }
  return [...entries.values()];
}

function entryOf(
  { key, type, value }: MetadataOverride,
  own: GgufMetadataEntry['type'] | undefined,
): GgufMetadataEntry {
  if (own?.startsWith('arr[') === true) throw refused(`${key} is an array, which cannot be set`);
  const fixed = own ?? KNOWN_TYPES.find(([pattern]) => pattern.test(key))?.[1];
  if (fixed !== undefined && type !== undefined && type !== fixed) {
    throw refused(`${key} is of type ${fixed}, not ${type}`);
  }
  return valueOf(key, scalarType(type ?? fixed ?? 'str'), value);
}

/** Numbers of GGUF's types: there are no more. */
const TYPE_COUNT = 13;

function scalarType(name: string): ScalarType {
  const types = Array.from({ length: TYPE_COUNT }, (_, id) => valueTypeOfId(id));
  const type = types.find((known) => known === name && known !== 'arr');
  if (type !== undefined && type !== 'arr') return type;
  const names = types.filter((known) => known !== 'arr').join(', ');
  throw refused(`there is no type ${JSON.stringify(name)} for a value`, `types are ${names}`);
}

function valueOf(key: string, type: ScalarType, text: string): GgufMetadataEntry {
  if (type === 'str') return { key, type, value: text };
  if (type === 'bool') {
    if (text === 'true' || text === 'false') return { key, type, value: text === 'true' };
  } else {
    const value = Number(text);
    const isNumber = text.trim() !== '' && Number.isFinite(type === 'f32' ? Math.fround(value) : value);
    if (isNumber && isInRange(numberFormat(type), value)) return { key, type, value };
    if (isWide(type, text))
      throw refused(`${key} is ${text}; 64-bit integers beyond 2^53 are neither written nor read`);
  }
  throw refused(`${key} is of type ${type}, which ${JSON.stringify(text)} is not`);
}

/** Whether a text is a number of a 64-bit type, which JavaScript's numbers may not hold. */
function isWide(type: GgufNumberType, text: string): boolean {
  if (!/^-?\d+$/.test(text)) return false;
  const value = BigInt(text);
  return (
    (type === 'u64' && BigInt.asUintN(64, value) === value) || (type === 'i64' && BigInt.asIntN(64, value) === value)
  );
}

function refused(message: string, hint?: string): ConvertError {
  return new ConvertError('convert/bad-option', message, { hint });
}
