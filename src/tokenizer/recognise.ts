/**
 * Which of its two forms a `tokenizer.model` has, told from its content.
 *
 * The name says nothing: Llama 1 and 2 keep a SentencePiece protobuf under it, Llama 3 and later a text of
 * tiktoken ranks, and a failed download an error page. The first bytes tell them apart.
 *
 * @module
 */
import { identifyBytes, type ContentKind } from '../source/identify.js';
import { describeMistake } from '../source/mistake.js';
import { TokenizerError } from './vocabulary.js';

/** The form of a tokenizer model. */
export type TokenizerForm = 'sentencepiece' | 'tiktoken';

/**
 * The form of a `tokenizer.model`; looks at a few hundred bytes.
 *
 * @throws SourceError `source/empty`, `source/html-page`, `source/error-document`, `source/lfs-pointer`,
 *   `source/other-format` and the like for what is known to be something else
 * @throws TokenizerError `tokenizer/unrecognised` for everything else
 */
export function recogniseTokenizer(bytes: Uint8Array, path?: string): TokenizerForm {
  if (startsWithRank(bytes)) return 'tiktoken';
  if (startsWithPiece(bytes)) return 'sentencepiece';
  const identification = identifyBytes(bytes, bytes.byteLength);
  if (!NAMELESS.includes(identification.kind)) throw describeMistake(identification, EXPECTED, path);
  throw new TokenizerError(
    'tokenizer/unrecognised',
    `${EXPECTED} was expected, but this is ${identification.sentence}`,
    { path, hint: 'take the tokenizer.model that came with the weights' },
  );
}

const EXPECTED = 'a SentencePiece model or a list of tiktoken ranks';
/** Kinds that say no more than that it is not a tokenizer. */
const NAMELESS: readonly ContentKind[] = ['text', 'unknown'];

/** Enough for a first line with the longest token there may be. */
const FIRST_LINE_BYTES = 512;
const RANK_LINE = /^[A-Za-z0-9+/]+={0,2} \d+(?:\r?\n|\r?$)/;

function startsWithRank(bytes: Uint8Array): boolean {
  const head = String.fromCharCode(...bytes.subarray(0, FIRST_LINE_BYTES));
  return RANK_LINE.test(head);
}

/** Tag of `ModelProto.pieces` and of the `piece` in it: field 1, length-delimited. */
const PIECE_TAG = 0x0a;
/** Tags that may follow the text of a piece: score and type. */
const AFTER_TEXT: readonly (number | undefined)[] = [0x15, 0x18];

/** The first message is a piece that begins with its text, both shorter than 128 bytes. */
function startsWithPiece(bytes: Uint8Array): boolean {
  const [outer, length = 0, inner, textLength = 0] = bytes;
  if (outer !== PIECE_TAG || inner !== PIECE_TAG || length >= 0x80) return false;
  return textLength + 2 === length || (textLength + 2 < length && AFTER_TEXT.includes(bytes[4 + textLength]));
}
