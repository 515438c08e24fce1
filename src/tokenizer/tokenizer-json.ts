/**
 * Hugging Face's `tokenizer.json`, written byte for byte as its own library writes it.
 *
 * Meta's 3.1 to 3.3 releases carry merges as strings (`"a b"`); the library changed to pairs in version 0.20,
 * which nearly doubles the file: 17 MB for Llama 3. So the text is made in chunks and never held as a whole.
 * Padding tokens are left out, for the library counts what it finds.
 *
 * @see https://github.com/huggingface/tokenizers/blob/main/tokenizers/src/tokenizer/serialization.rs
 * @see https://github.com/huggingface/transformers/blob/main/src/transformers/convert_slow_tokenizer.py
 *   (TikTokenConverter, LlamaConverter)
 * @module
 */
import { expectNoDeparture } from './departure.js';
import { adds } from './stated-tokens.js';
import { SPLIT_PATTERNS } from './split-patterns.js';
import { type StringList, TOKEN_TYPE, TokenizerError, type Vocabulary } from './vocabulary.js';

/** How the file is written. */
export interface TokenizerJsonOptions {
  /** One string per merge, as Meta publishes it (default), or a pair of strings, as tokenizers 0.20 and later write it. */
  readonly mergesAs?: 'strings' | 'pairs' | undefined;
}

/**
 * The file's text in chunks of about 64 KiB; derives the merges.
 *
 * @throws TokenizerError `tokenizer/unsupported`, before the first chunk, for a vocabulary whose tokenizer does what the file
 *   is not made to say: among it to join spaces
 */
export function* tokenizerJson(vocabulary: Vocabulary, options: TokenizerJsonOptions = {}): Generator<string> {
  expectNoDeparture(vocabulary);
  if (vocabulary.spaces?.removeExtra === true) {
    const message =
      'the tokenizer makes one space of many (remove_extra_whitespaces), for which tokenizer.json has no setting';
    throw new TokenizerError('tokenizer/unsupported', message);
  }
  const asPairs = options.mergesAs === 'pairs';
  const frame =
    vocabulary.kind === 'sentencepiece' ? sentencePieceFrame(vocabulary, asPairs) : byteLevelFrame(vocabulary);
  // The frame ends with the model; its two long parts are put in before the closing braces.
  const closing = '\n  }\n}';
  yield `${JSON.stringify(frame, null, 2).slice(0, -closing.length)},\n    "vocab": {\n`;
  const { pieces, baseSize } = vocabulary;
  yield* joined(pieces.slice(0, baseSize), (piece, id) => `      ${JSON.stringify(piece)}: ${id}`);
  const merges = vocabulary.merges();
  if (merges.length === 0) {
    yield `\n    },\n    "merges": []${closing}`;
    return;
  }
  yield '\n    },\n    "merges": [\n';
  const spell = asPairs ? spellPair : spellMerge;
  yield* joined(merges, spell);
  yield `\n    ]${closing}`;
}

/** Characters gathered before they are handed on. */
const CHUNK_LENGTH = 65_536;

function* joined(texts: StringList, line: (text: string, index: number) => string): Generator<string> {
  let chunk = '';
  let index = 0;
  for (const text of texts) {
    chunk += index === 0 ? line(text, index) : `,\n${line(text, index)}`;
    index++;
    if (chunk.length < CHUNK_LENGTH) continue;
    yield chunk;
    chunk = '';
  }
  yield chunk;
}

function spellMerge(merge: string): string {
  return `      ${JSON.stringify(merge)}`;
}

function spellPair(merge: string): string {
  const space = merge.indexOf(' ');
  const [left, right] = [merge.slice(0, space), merge.slice(space + 1)];
  return `      [\n        ${JSON.stringify(left)},\n        ${JSON.stringify(right)}\n      ]`;
}

function byteLevelFrame(vocabulary: Vocabulary): object {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(vocabulary),
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        {
          type: 'Split',
          pattern: { Regex: SPLIT_PATTERNS[vocabulary.split ?? 'llama3'] },
          behavior: 'Isolated',
          invert: false,
        },
        { ...byteLevel, add_prefix_space: false, use_regex: false },
      ],
    },
    post_processor: {
      type: 'Sequence',
      processors: [{ ...byteLevel, trim_offsets: false }, ...templates(vocabulary)],
    },
    decoder: byteLevel,
    model: modelFrame({ unk_token: null, fuse_unk: false, byte_fallback: false, ignore_merges: true }),
  };
}

function sentencePieceFrame(vocabulary: Vocabulary, asPairs: boolean): object {
  const { unknownId, pieces, spaces } = vocabulary;
  const addPrefix = spaces?.addPrefix !== false;
  const space = { String: ' ' };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(vocabulary),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        ...(addPrefix ? [{ type: 'Prepend', prepend: '▁' }] : []),
        { type: 'Replace', pattern: space, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    post_processor: templates(vocabulary)[0] ?? null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(addPrefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    model: modelFrame({
      unk_token: pieces[unknownId ?? -1] ?? null,
      fuse_unk: true,
      byte_fallback: true,
      // The versions that wrote Llama 2's merges as strings did not know this setting.
      ...(asPairs ? { ignore_merges: false } : {}),
    }),
  };
}

interface ModelSettings {
  readonly unk_token: string | null;
  readonly fuse_unk: boolean;
  readonly byte_fallback: boolean;
  readonly ignore_merges?: boolean;
}

function modelFrame({ unk_token, ...rest }: ModelSettings): object {
  return {
    type: 'BPE',
    dropout: null,
    unk_token,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    ...rest,
  };
}

/**
 * What is put around a text: the begin token, and the end token too where the vocabulary says so. In a pair both texts
 * have them. Nothing where the vocabulary says that nothing is.
 */
function templates(vocabulary: Vocabulary): object[] {
  const { pieces, bosId, eosId } = vocabulary;
  const ids = { bos: adds(vocabulary, 'bos') ? [bosId] : [], eos: adds(vocabulary, 'eos') ? [eosId] : [] };
  if (ids.bos.length + ids.eos.length === 0) return [];
  const spell = (id: number, type_id: number): object => ({ SpecialToken: { id: pieces[id]!, type_id } });
  const part = (sequence: 'A' | 'B', type_id: number): object[] => [
    ...ids.bos.map((id) => spell(id, type_id)),
    { Sequence: { id: sequence, type_id } },
    ...ids.eos.map((id) => spell(id, type_id)),
  ];
  const tokens = [...ids.bos, ...ids.eos].map((id) => [
    pieces[id]!,
    { id: pieces[id]!, ids: [id], tokens: [pieces[id]!] },
  ]);
  return [
    {
      type: 'TemplateProcessing',
      single: part('A', 0),
      pair: [...part('A', 0), ...part('B', 1)],
      special_tokens: Object.fromEntries(tokens) as object,
    },
  ];
}

/** Tokens that are matched in the text before it is split. */
function addedTokens({ pieces, types }: Vocabulary): object[] {
  const added: readonly (number | undefined)[] = [TOKEN_TYPE.unknown, TOKEN_TYPE.control, TOKEN_TYPE.userDefined];
  return pieces.flatMap((content, id) => {
    if (!added.includes(types[id])) return [];
    const special = types[id] !== TOKEN_TYPE.userDefined;
    return [{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special }];
  });
}
