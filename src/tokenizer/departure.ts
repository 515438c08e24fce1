/**
 * What a `tokenizer.json` does to text that no Llama of Meta's does; `sentencepiece.ts` has that of SentencePiece's models.
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
  const [normalizer, splitter] = [member(document, 'normalizer').value, member(document, 'pre_tokenizer').value];
  return (
    normalizing(normalizer, kind) ??
    splitting(splitter, kind) ??
    (kind === 'sentencepiece' ? spacing(normalizer, splitter) : undefined) ??
    merging(member(document, 'model').value as JsonPart, kind) ??
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
  throw new TokenizerError('tokenizer/unsupported', `the tokenizer ${departure}, which no Llama does`, {
    hint: 'convert --to safetensors carries the tokenizer files of a Hugging Face folder along as they are',
  });
}

/** A step of a normalizer or splitter, or another object of the file. */
export type JsonPart = Readonly<Record<string, unknown>>;

/** The parts of a sequence, or the one that there is; sequences in sequences do not occur and are no part that is known. */
export function partsOf(value: unknown, key: string): JsonPart[] {
  if (typeof value !== 'object' || value === null) return [];
  const parts: unknown = (value as JsonPart)['type'] === 'Sequence' ? (value as JsonPart)[key] : [value];
  return Array.isArray(parts)
    ? parts.filter((part): part is JsonPart => typeof part === 'object' && part !== null)
    : [];
}

function normalizing(value: unknown, kind: VocabularyKind): string | undefined {
  const strange = partsOf(value, 'normalizers').find((part) => kind === 'byte-level-bpe' || !isSpacing(part));
  return strange === undefined ? undefined : `normalizes text (${String(strange['type'])})`;
}

/** A step that makes a space of SentencePiece's: the one before the text, or those in it. */
function isSpacing({ type, prepend, pattern, content }: JsonPart): boolean {
  if (type === 'Prepend') return prepend === '▁';
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

/** How spaces become `▁`, of which the text is to have one more: not none, and not two. */
function spacing(normalizer: unknown, splitter: unknown): string | undefined {
  const steps = partsOf(normalizer, 'normalizers').map(({ type }) => type);
  const [metaspace] = partsOf(splitter, 'pretokenizers');
  if (metaspace === undefined) return steps.includes('Replace') ? undefined : 'leaves spaces as they are';
  const { replacement, split, prepend_scheme: scheme } = metaspace;
  if (replacement !== '▁') return `spells a space ${JSON.stringify(replacement)}`;
  if (split !== false) return 'splits text before each space';
  return steps.includes('Prepend') && scheme !== 'never' ? 'puts a space before the text twice' : undefined;
}

/** Settings of the model under which words are merged otherwise. */
function merging(model: JsonPart, kind: VocabularyKind): string | undefined {
  const { dropout, ignore_merges: ignoresMerges = false } = model;
  if (typeof dropout === 'number' && dropout > 0) return 'merges at random (dropout)';
  const affix = ['continuing_subword_prefix', 'end_of_word_suffix'].find((key) => (model[key] ?? '') !== '');
  if (affix !== undefined) return `marks the parts of a word (${affix})`;
  if (ignoresMerges === (kind === 'byte-level-bpe')) return undefined;
  return kind === 'byte-level-bpe'
    ? 'merges words that are tokens (ignore_merges)'
    : 'takes a text that is a token for it (ignore_merges)';
}

/** Ways to match an added token that take in more than its spelling. */
const WAYS = ['lstrip', 'rstrip', 'single_word'];

function matching(value: unknown): string | undefined {
  for (const token of Array.isArray(value) ? value : []) {
    const { content, ...settings } = (token ?? {}) as JsonPart;
    const way = WAYS.find((key) => settings[key] === true);
    if (way !== undefined) return `matches the added token ${JSON.stringify(content)} with ${way}`;
  }
  return undefined;
}
