/**
 * A vocabulary from `tokenizer.model`, in either of its forms.
 *
 * A tiktoken file is silent about the special tokens and about which of them ends the model's answers: the
 * release decides the names, and instruct models end a turn where base models end a text.
 *
 * @module
 */
import { spellTokens } from './byte-alphabet.js';
import { byteLevelMerges, sentencePieceMerges } from './merges.js';
import { recogniseTokenizer } from './recognise.js';
import { parseSentencePiece, SENTENCEPIECE_BPE, type SentencePieceModel } from './sentencepiece.js';
import { END_OF_TURN, SPECIAL_OFFSET, specialTokenNames } from './special-tokens.js';
import { parseTiktoken } from './tiktoken.js';
import {
  type SpecialTokenGeneration,
  type StringList,
  TOKEN_TYPE,
  TokenizerError,
  type Vocabulary,
} from './vocabulary.js';
import { expectVocabularySize } from './vocabulary-size.js';

export { recogniseTokenizer, type TokenizerForm } from './recognise.js';

/** What the file does not say. */
export interface TokenizerModelOptions {
  /** Release whose special tokens follow the ranks; SentencePiece files name their own. */
  readonly generation: SpecialTokenGeneration;
  /** Whether `<|eot_id|>` (`<|eot|>` in Llama 4) ends the model's answers, as in instruct models, rather than `<|end_of_text|>`. */
  readonly endOfTurn: boolean;
  /** Rows of the embedding; the tokenizer must have as many tokens. Left unchecked where absent. */
  readonly vocabSize?: number | undefined;
  /** The file, for errors. */
  readonly path?: string | undefined;
}

/** Most bytes of a `tokenizer.model`: nine times Llama 4's. Keeps the work on a made-up file to seconds. */
const TOKENIZER_MODEL_BYTES_LIMIT = 32 << 20;

/**
 * Parses a `tokenizer.model`; about 50 ms for the 128,000 ranks of Llama 3.
 *
 * @throws SourceError as `recogniseTokenizer` does
 * @throws TokenizerError `tokenizer/unrecognised`, `tokenizer/malformed`, `tokenizer/truncated`,
 *   `tokenizer/unsupported` and, with `vocabSize`, `tokenizer/size-mismatch`
 */
export function parseTokenizerModel(bytes: Uint8Array, options: TokenizerModelOptions): Vocabulary {
  const { path, vocabSize } = options;
  if (bytes.byteLength > TOKENIZER_MODEL_BYTES_LIMIT) {
    const message = `${bytes.byteLength} bytes are too many for a tokenizer.model, which has at most ${TOKENIZER_MODEL_BYTES_LIMIT}`;
    throw new TokenizerError('tokenizer/unsupported', message, { path });
  }
  const vocabulary =
    recogniseTokenizer(bytes, path) === 'tiktoken'
      ? vocabularyOfRanks(bytes, options)
      : vocabularyOfPieces(parseSentencePiece(bytes, path), path);
  if (vocabSize !== undefined) expectVocabularySize(vocabulary, vocabSize, path);
  return vocabulary;
}

function vocabularyOfRanks(bytes: Uint8Array, { generation, endOfTurn, path }: TokenizerModelOptions): Vocabulary {
  const names = specialTokenNames(generation);
  const ranks = parseTiktoken(bytes, path);
  const packedPieces = spellTokens(ranks, names);
  const size = packedPieces.length;
  const baseSize = size - names.length;
  let merges: StringList | undefined;
  return {
    kind: 'byte-level-bpe',
    size,
    get pieces() {
      return packedPieces.toStrings();
    },
    packedPieces,
    types: new Int32Array(size).fill(TOKEN_TYPE.normal).fill(TOKEN_TYPE.control, baseSize),
    scores: undefined,
    baseSize,
    generation,
    split: generation === 'llama4' ? 'llama4' : 'llama3',
    bosId: baseSize + SPECIAL_OFFSET.beginOfText,
    eosId: baseSize + (endOfTurn ? END_OF_TURN[generation] : SPECIAL_OFFSET.endOfText),
    unknownId: undefined,
    spaces: undefined,
    merges: () => (merges ??= byteLevelMerges(ranks, packedPieces)),
    mergesFollowIds: true,
  };
}

function vocabularyOfPieces(model: SentencePieceModel, path: string | undefined): Vocabulary {
  const { pieces, types, scores, bosId, eosId, unknownId, modelType } = model;
  if (modelType !== SENTENCEPIECE_BPE) {
    const message = `the SentencePiece model is of type ${modelType}; a Llama's is of type ${SENTENCEPIECE_BPE} (BPE)`;
    throw new TokenizerError('tokenizer/unsupported', message, { path });
  }
  const expectTypeAt = (id: number, type: number, what: string): void => {
    if (types[id] === type) return;
    const found = types[id] === undefined ? `${id}, which does not exist` : `${id}, which is of type ${types[id]}`;
    const message = `the SentencePiece model names token ${found}, as the one for ${what}; that is of type ${type}`;
    throw new TokenizerError('tokenizer/malformed', message, { path });
  };
  expectTypeAt(unknownId, TOKEN_TYPE.unknown, 'unknown text');
  expectTypeAt(bosId, TOKEN_TYPE.control, 'the begin of a text');
  expectTypeAt(eosId, TOKEN_TYPE.control, 'the end of a text');
  let merges: StringList | undefined;
  return {
    ...{ kind: 'sentencepiece', size: pieces.length, baseSize: pieces.length, generation: undefined },
    ...{ pieces, types, scores, bosId, eosId, unknownId },
    spaces: { addPrefix: model.addDummyPrefix, removeExtra: model.removeExtraWhitespaces, addedInside: true },
    departure: model.departure,
    merges: () => (merges ??= sentencePieceMerges(pieces, scores)),
  };
}
