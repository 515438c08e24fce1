/**
 * What a `tokenizer.json` does to text that no Llama of Meta's does.
 *
 * GGUF and `tokenizer.model` have no words for it: a converted model would split text in another way than the one it was
 * trained with, and nobody would notice. So it is told, and refused where the file itself cannot be carried along.
 *
 * @module
 */
import { type JsonValue, member } from './json-value.js';
import { TokenizerError, type Vocabulary, type VocabularyKind } from './vocabulary.js';

/** The first thing that is done otherwise, in a few words; undefined where nothing is. */
export function departureOf(document: JsonValue, kind: VocabularyKind): string | undefined {
  return (
    normalizing(member(document, 'normalizer').value, kind) ??
    splitting(member(document, 'pre_tokenizer').value, kind) ??
    matching(member(document, 'added_tokens').value)
  );
}

/**
 * Throws for a vocabulary whose tokenizer does more than can be written or run.
 *
 * @throws TokenizerError `tokenizer/unsupported`
 */
export function expectNoDeparture({ departure }: Vocabulary): void {
  if (departure === undefined) return;
  throw new TokenizerError('tokenizer/unsupported', `tokenizer.json ${departure}, which no Llama does`, {
    hint: 'convert --to safetensors carries its tokenizer files along as they are',
  });
}

type Part = Readonly<Record<string, unknown>>;

/** The parts of a sequence, or the one that there is; sequences in sequences do not occur and are no part that is known. */
function partsOf(value: unknown, key: string): Part[] {
  if (typeof value !== 'object' || value === null) return [];
  const parts: unknown = (value as Part)['type'] === 'Sequence' ? (value as Part)[key] : [value];
  return Array.isArray(parts) ? parts.filter((part): part is Part => typeof part === 'object' && part !== null) : [];
}

function normalizing(value: unknown, kind: VocabularyKind): string | undefined {
  const strange = partsOf(value, 'normalizers').find((part) => kind === 'byte-level-bpe' || !isSpacing(part));
  return strange === undefined ? undefined : `normalizes text (${String(strange['type'])})`;
}

/** A step that makes a space of SentencePiece's: the one before the text, or those in it. */
function isSpacing({ type, pattern, content }: Part): boolean {
  if (type === 'Prepend') return true;
  return type === 'Replace' && JSON.stringify(pattern) === '{"String":" "}' && content === '▁';
}

/** How byte-level BPE splits by a regular expression is looked at where it is read. */
function splitting(value: unknown, kind: VocabularyKind): string | undefined {
  const known = kind === 'byte-level-bpe' ? ['Split', 'ByteLevel'] : ['Metaspace'];
  const parts = partsOf(value, 'pretokenizers');
  for (const part of parts) {
    const { type, add_prefix_space: addsSpace, use_regex: usesOwn, behavior = 'Isolated', invert } = part;
    if (!known.includes(String(type))) return `splits text by ${String(type)}`;
    if (type === 'ByteLevel' && addsSpace === true) return 'puts a space before the text';
    if (type === 'ByteLevel' && usesOwn !== false) return 'splits text as GPT-2 does';
    if (type === 'Split' && (behavior !== 'Isolated' || invert === true)) return 'splits text and drops or joins parts';
  }
  const isWhole = kind === 'byte-level-bpe' && !parts.some(({ type }) => type === 'Split');
  return isWhole ? 'does not split text into words' : undefined;
}

/** Ways to match an added token that take in more than its spelling. */
const WAYS = ['lstrip', 'rstrip', 'single_word'];

function matching(value: unknown): string | undefined {
  for (const token of Array.isArray(value) ? value : []) {
    const { content, ...settings } = (token ?? {}) as Part;
    const way = WAYS.find((key) => settings[key] === true);
    if (way !== undefined) return `matches the added token ${JSON.stringify(content)} with ${way}`;
  }
  return undefined;
}
