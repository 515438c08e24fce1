/**
 * Hugging Face's `tokenizer.json`, written byte for byte as its own library writes it.
 *
 * Meta's 3.1 to 3.3 releases carry merges as strings (`"a b"`); the library changed to pairs in version 0.20,
 * which nearly doubles the file: 17 MB for Llama 3. So it is made in chunks and never held as a whole.
 * Padding tokens are left out, for the library counts what it finds.
 *
 * @see https://github.com/huggingface/tokenizers/blob/main/tokenizers/src/tokenizer/serialization.rs
 * @see https://github.com/huggingface/transformers/blob/main/src/transformers/convert_slow_tokenizer.py
 *   (TikTokenConverter, LlamaConverter)
 * @module
 */
import { expectNoDeparture } from './departure.js';
import { JsonText } from './json-text.js';
import { adds } from './stated-tokens.js';
import { SPLIT_PATTERNS } from './split-patterns.js';
import { TokenizerError, type Vocabulary, addedPieces, pieceAt } from './vocabulary.js';

/** How the file is written. */
export interface TokenizerJsonOptions {
  /** One string per merge, as Meta publishes it (default), or a pair of strings, as tokenizers 0.20 and later write it. */
  readonly mergesAs?: 'strings' | 'pairs' | undefined;
}

/** The file: its length, and its bytes as often as they are asked for. */
export interface TokenizerJsonFile {
  /** Number of bytes. */
  readonly byteLength: number;
  /** The bytes in chunks of about 64 KiB, each good until the next is asked for; some 100 ms for Llama 3. */
  readonly chunks: () => Generator<Uint8Array>;
}

/**
 * The file, counted but not kept; derives the merges. Peak memory: 128 KiB beside the vocabulary and its merges.
 *
 * @throws TokenizerError `tokenizer/unsupported` for a vocabulary whose tokenizer does what the file is not made to say:
 *   among it to join spaces
 */
export function tokenizerJson(vocabulary: Vocabulary, options: TokenizerJsonOptions = {}): TokenizerJsonFile {
  expectNoDeparture(vocabulary);
  if (vocabulary.spaces?.removeExtra === true) {
    const message =
      'the tokenizer makes one space of many (remove_extra_whitespaces), for which tokenizer.json has no setting';
    throw new TokenizerError('tokenizer/unsupported', message);
  }
  const asPairs = options.mergesAs === 'pairs';
  const frame =
    vocabulary.kind === 'sentencepiece' ? sentencePieceFrame(vocabulary, asPairs) : byteLevelFrame(vocabulary);
  const chunks = (): Generator<Uint8Array> => chunksOf(vocabulary, JSON.stringify(frame, null, 2), asPairs);
  let byteLength = 0;
  for (const chunk of chunks()) byteLength += chunk.byteLength;
  return { byteLength, chunks };
}

/** The frame ends with the model; its two long parts are put in before the closing braces. */
const CLOSING = '\n  }\n}';

function* chunksOf(vocabulary: Vocabulary, frame: string, asPairs: boolean): Generator<Uint8Array> {
  const out = new JsonText();
  out.add(`${frame.slice(0, -CLOSING.length)},\n    "vocab": {\n`);
  const pieces = vocabulary.packedPieces ?? vocabulary.pieces;
  yield* lines(out, vocabulary.baseSize, (id) => {
    out.addAscii('      ');
    out.addString(pieces, id);
    out.addAscii(`: ${id}`);
  });
  const merges = vocabulary.merges();
  out.add(`\n    },\n    "merges": [${merges.length === 0 ? '' : '\n'}`);
  yield* lines(out, merges.length, (index) => {
    out.addAscii(asPairs ? '      [\n        ' : '      ');
    if (asPairs) out.addHalves(merges, index, ',\n        ');
    else out.addString(merges, index);
    if (asPairs) out.addAscii('\n      ]');
  });
  out.add(`${merges.length === 0 ? '' : '\n    '}]${CLOSING}`);
  yield out.take();
}

function* lines(out: JsonText, count: number, addLine: (index: number) => void): Generator<Uint8Array> {
  for (let index = 0; index < count; index++) {
    if (index > 0) out.addAscii(',\n');
    addLine(index);
    if (out.isFull) yield out.take();
  }
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
  const { unknownId, spaces } = vocabulary;
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
      unk_token: pieceAt(vocabulary, unknownId) ?? null,
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
  const { bosId, eosId } = vocabulary;
  const ids = { bos: adds(vocabulary, 'bos') ? [bosId] : [], eos: adds(vocabulary, 'eos') ? [eosId] : [] };
  if (ids.bos.length + ids.eos.length === 0) return [];
  const spell = (id: number, type_id: number): object => ({ SpecialToken: { id: pieceAt(vocabulary, id), type_id } });
  const part = (sequence: 'A' | 'B', type_id: number): object[] => [
    ...ids.bos.map((id) => spell(id, type_id)),
    { Sequence: { id: sequence, type_id } },
    ...ids.eos.map((id) => spell(id, type_id)),
  ];
  const tokens = [...ids.bos, ...ids.eos].map((id) => {
    const piece = pieceAt(vocabulary, id) ?? '';
    return [piece, { id: piece, ids: [id], tokens: [piece] }];
  });
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
function addedTokens(vocabulary: Vocabulary): object[] {
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  return addedPieces(vocabulary).map(({ id, content, special }) => ({ id, content, ...flags, special }));
}
