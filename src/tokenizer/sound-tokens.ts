/**
 * Faults that the tokens of no file may have.
 *
 * GGUF and `tokenizer.json` can spell them, a `tokenizer.model` cannot: so what is read from the one could not be written
 * as the other, or would be read as another model.
 *
 * @module
 */
import { type StringList, TOKEN_BYTES_LIMIT, TOKEN_TYPE, TokenizerError, type Vocabulary } from './vocabulary.js';

/**
 * Throws unless every token has a text of its own of at most {@link TOKEN_BYTES_LIMIT} bytes, and a score that is a number.
 * Rows without a token may have any text. About 30 ms for Llama 3.
 *
 * @throws TokenizerError `tokenizer/malformed`, and `tokenizer/unsupported` for a token that is too long
 */
export function expectSoundTokens(
  { kind, pieces, types, scores }: Pick<Vocabulary, 'kind' | 'pieces' | 'types' | 'scores'>,
  path: string | undefined,
): void {
  const ids = new Map<string, number>();
  for (const [id, piece] of pieces.entries()) {
    if (types[id] === TOKEN_TYPE.unused) continue;
    const before = ids.get(piece);
    ids.set(piece, id);
    if (piece === '') throw malformed(`token ${id} has no text`, path);
    if (before !== undefined) throw malformed(`tokens ${before} and ${id} are both ${JSON.stringify(piece)}`, path);
    if (isTooLong(piece, kind === 'byte-level-bpe' && types[id] === TOKEN_TYPE.normal)) {
      const message = `token ${id} has more than ${TOKEN_BYTES_LIMIT} bytes, the most a token may have`;
      throw new TokenizerError('tokenizer/unsupported', message, { path });
    }
  }
  for (const [id, score] of scores?.entries() ?? []) {
    if (!Number.isFinite(score)) throw malformed(`token ${id} has the score ${score}`, path);
  }
}

/** The ids of a merge's halves and of what they make. */
export interface MergeIds {
  /** Id of the left half. */
  readonly left: number;
  /** Id of the right half. */
  readonly right: number;
  /** Id of the token that they make. */
  readonly product: number;
}

/** The ids in a merge, `left right`, at that place of their list. @throws TokenizerError `tokenizer/malformed` for no tokens */
export function mergeIds(
  merge: string,
  place: number,
  ids: ReadonlyMap<string, number>,
  path: string | undefined,
): MergeIds {
  const space = merge.indexOf(' ');
  const [leftText, rightText] = [merge.slice(0, space), merge.slice(space + 1)];
  const [left, right, product] = [ids.get(leftText), ids.get(rightText), ids.get(leftText + rightText)];
  if (left !== undefined && right !== undefined && product !== undefined) return { left, right, product };
  throw malformed(`merge ${place}, ${JSON.stringify(merge)}, is not of two tokens into a third`, path);
}

/**
 * A list of merges that is looked through when it is first asked for; 0.2 s for Llama 3, which those who only look at the
 * size of a vocabulary do not wait for.
 */
export function soundMerges(merges: StringList, pieces: readonly string[], path: string | undefined): () => StringList {
  let isSound = false;
  return () => {
    if (isSound) return merges;
    const ids = new Map(pieces.map((piece, id) => [piece, id]));
    let place = 0;
    for (const merge of merges) mergeIds(merge, place++, ids, path);
    isSound = true;
    return merges;
  };
}

/** Most bytes of a unit of UTF-16. */
const MOST_BYTES = 3;

/** The alphabet of byte-level BPE has one character for each byte; all else is UTF-8. */
function isTooLong(piece: string, isSpelled: boolean): boolean {
  if (isSpelled || piece.length * MOST_BYTES <= TOKEN_BYTES_LIMIT) return piece.length > TOKEN_BYTES_LIMIT;
  return new TextEncoder().encode(piece).byteLength > TOKEN_BYTES_LIMIT;
}

function malformed(message: string, path: string | undefined): TokenizerError {
  return new TokenizerError('tokenizer/malformed', message, { path });
}
