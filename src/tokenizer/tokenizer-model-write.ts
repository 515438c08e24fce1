/**
 * `tokenizer.model` from a vocabulary, whichever file it came from.
 *
 * The file has no room for two things that a vocabulary may have. A list of ranks names no special tokens: Meta's
 * code knows them by heart, so a vocabulary with others is refused. And a list of ranks holds no merges, so they
 * must be the ones that ranks give.
 *
 * @module
 */
import { encodeBase64Into } from './base64.js';
import { expectNoDeparture } from './departure.js';
import { mergesFollowRanks, tokensOfPieces } from './ranks-of-pieces.js';
import { sentencePieceBytes } from './sentencepiece-write.js';
import { specialTokenNames } from './special-tokens.js';
import { TokenizerError, type Vocabulary } from './vocabulary.js';

/**
 * The whole file: SentencePiece's protobuf or tiktoken's ranks, as the vocabulary's kind wants it. Byte for byte
 * Meta's file for the vocabularies of Llama 1, 2 and 3. About 0.3 s for Llama 3, whose merges are compared.
 *
 * @throws TokenizerError `tokenizer/unsupported` where the file cannot hold the vocabulary: special tokens that are
 *   no release's, merges that do not follow from ranks, scores that are not known
 */
export function tokenizerModelBytes(vocabulary: Vocabulary): Uint8Array {
  expectNoDeparture(vocabulary);
  return vocabulary.kind === 'sentencepiece' ? sentencePieceBytes(vocabulary) : tiktokenBytes(vocabulary);
}

function tiktokenBytes(vocabulary: Vocabulary): Uint8Array {
  const { size, baseSize, generation, pieces } = vocabulary;
  const expected = generation === undefined ? undefined : specialTokenNames(generation).length;
  if (size !== baseSize + (expected ?? -1)) {
    const [found, own] =
      expected === undefined
        ? [`${size - baseSize} tokens that are not those of a release`, 'its own special tokens']
        : [`${size - baseSize} tokens`, `its own ${expected}`];
    const message = `${found} follow the ${baseSize} of the text; a tokenizer.model cannot name them, and Meta's code expects ${own}`;
    throw new TokenizerError('tokenizer/unsupported', message, {
      hint: `the first one is ${JSON.stringify(pieces[baseSize])}, the last one ${JSON.stringify(pieces[size - 1])}`,
    });
  }
  const ranks = tokensOfPieces(vocabulary);
  if (!mergesFollowRanks(vocabulary, ranks)) {
    const message = 'the merges are not in the order of the tokens, which is all that a tokenizer.model can say';
    throw new TokenizerError('tokenizer/unsupported', message);
  }
  const { bytes, offsets } = ranks;
  const file = new Uint8Array(2 * bytes.byteLength + MOST_BYTES_PER_LINE * baseSize);
  let end = 0;
  for (let rank = 0; rank < baseSize; rank++) {
    end += encodeBase64Into(bytes, offsets[rank]!, offsets[rank + 1]!, file, end);
    for (const character of ` ${rank}\n`) file[end++] = character.charCodeAt(0);
  }
  return file.slice(0, end);
}

/** Space, seven digits, line feed and the padding of base64. */
const MOST_BYTES_PER_LINE = 16;
