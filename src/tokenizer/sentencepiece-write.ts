/**
 * SentencePiece models, written: the `tokenizer.model` of Llama 1 and 2.
 *
 * Pieces, scores and types are written exactly. What neither GGUF nor `tokenizer.json` holds is how the model was
 * trained: which texts, how many, with which settings. None of it changes how a text is split, and it is left out,
 * with one exception: the 32,000 pieces of Llama 1 and 2 are known, and so is what follows them in Meta's file.
 *
 * @see https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto
 * @module
 */
import { crc32 } from '../zip/crc32.js';
import { WireWriter } from './protobuf-write.js';
import { recoverScores } from './recover-scores.js';
import { SENTENCEPIECE_BPE } from './sentencepiece.js';
import { TOKEN_TYPE, TokenizerError, type Vocabulary } from './vocabulary.js';

/**
 * A model of these pieces; for the vocabulary of Llama 1 and 2 Meta's own file, byte for byte.
 *
 * @throws TokenizerError `tokenizer/unsupported` where the scores are missing and do not follow from the merges, and
 *   where no token stands for unknown text, or a text begins or ends with a token that is none of control
 */
export function sentencePieceBytes(vocabulary: Vocabulary): Uint8Array {
  const { pieces, types, unknownId } = vocabulary;
  if (unknownId === undefined) {
    throw new TokenizerError(
      'tokenizer/unsupported',
      'no token stands for unknown text, as a SentencePiece model needs',
    );
  }
  expectControl(vocabulary, vocabulary.bosId, 'begins');
  expectControl(vocabulary, vocabulary.eosId, 'ends');
  const scores = scoresOf(vocabulary);
  const model = new WireWriter();
  for (const [id, piece] of pieces.entries()) {
    const message = new WireWriter().bytesField(1, UTF8.encode(piece)).floatField(2, scores[id]!);
    if (types[id] !== TOKEN_TYPE.normal) message.numberField(3, types[id]!);
    model.bytesField(1, message.bytes);
  }
  if (isLlama2(model.bytes)) return model.raw(decode(LLAMA_2_SETTINGS)).bytes.slice();
  return model
    .bytesField(2, trainerSettings(vocabulary, unknownId).bytes)
    .bytesField(3, normalizerSettings(vocabulary).bytes)
    .bytes.slice();
}

function expectControl({ pieces, types }: Vocabulary, id: number, role: string): void {
  if (types[id] === TOKEN_TYPE.control) return;
  const message = `a text ${role} with ${JSON.stringify(pieces[id])}, which is no control token, as it must be in a SentencePiece model`;
  throw new TokenizerError('tokenizer/unsupported', message);
}

/**
 * The scores of a SentencePiece vocabulary, recovered where the file left them out.
 *
 * @throws TokenizerError `tokenizer/unsupported` where they cannot be
 */
export function scoresOf(vocabulary: Vocabulary): Float32Array {
  const scores = vocabulary.scores ?? recoverScores(vocabulary);
  if (scores !== undefined) return scores;
  const message =
    'the SentencePiece scores are missing: tokenizer.json leaves them out, and the order of its merges is not the one that scores by id give';
  throw new TokenizerError('tokenizer/unsupported', message, {
    hint: 'put the tokenizer.model of this model into its folder',
  });
}

const UTF8 = new TextEncoder();

/** Settings of `TrainerSpec` that readers go by; the defaults of the definition are not written. */
function trainerSettings({ size, pieces, types, bosId, eosId }: Vocabulary, unknownId: number): WireWriter {
  const trainer = new WireWriter().numberField(3, SENTENCEPIECE_BPE).numberField(4, size);
  if (types.includes(TOKEN_TYPE.byte)) trainer.numberField(35, 1);
  if (unknownId !== 0) trainer.numberField(40, unknownId);
  if (bosId !== 1) trainer.numberField(41, bosId);
  if (eosId !== 2) trainer.numberField(42, eosId);
  // the library goes by these names, not by the ids
  const named = [[45, '<unk>', unknownId], [46, '<s>', bosId], [47, '</s>', eosId]] as const; // prettier-ignore
  for (const [field, usual, id] of named) {
    if (pieces[id] !== usual) trainer.bytesField(field, UTF8.encode(pieces[id]));
  }
  return trainer;
}

/** Settings of `NormalizerSpec`: text is left as it is, but for its spaces. */
function normalizerSettings({ spaces }: Vocabulary): WireWriter {
  return new WireWriter()
    .bytesField(1, UTF8.encode('identity'))
    .numberField(3, spaces?.addPrefix === false ? 0 : 1)
    .numberField(4, spaces?.removeExtra === true ? 1 : 0);
}

/** Length and CRC-32 of the pieces in the file of Llama 1 and 2. */
const LLAMA_2_PIECES = { byteLength: 499_437, crc: 0x6ab4ea25 };

function isLlama2(pieces: Uint8Array): boolean {
  return pieces.byteLength === LLAMA_2_PIECES.byteLength && crc32(pieces) === LLAMA_2_PIECES.crc;
}

/** What follows the pieces there, in base64: where they were trained, on what, and with which settings. */
const LLAMA_2_SETTINGS =
  'EocCCjsvbGFyZ2VfZXhwZXJpbWVudHMvdGhlb3JlbS9kYXRhc2V0cy9NRVJHRUQvYWxsLnRlc3QxLm1lcmdlZBItc3BtX21vZGVs' +
  'XzMya18yMDBNX2NoYXJjb3YwOTk5OTVfYWxsb3dXU09fX3YyGAIggPoBMAA6BHRleHRVufx/P1iAhK9fcMCEPX0AAEA/gAFQiAEC' +
  'kAHgIJgBAaABEKgBAbABAbgBAcABAMgBAdABAYACAYgCAZACAJgCAaICAMACAMgCAdACAtgC////////////AeICBSDigYcg6gIF' +
  'PHVuaz7yAgM8cz76AgQ8L3M+ggMFPHBhZD6IAwCQAwCdAwAAAACgAwAaEgoIaWRlbnRpdHkSABgBIAAyAA==';

function decode(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
