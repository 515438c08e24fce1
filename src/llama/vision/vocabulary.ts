/**
 * The vocabulary of Llama 3.2 Vision, which Hugging Face names in part otherwise than that of the text models.
 *
 * There the tokens that Meta's code calls `<|step_id|>` and by reserved numbers have those names, and the token for an image
 * stands behind all others, beyond the rows of the output. In the canonical form the names are those of Llama 3.1, as in
 * the folder of Meta's, whose file names none.
 *
 * @module
 */
import { specialTokenNames } from '../../tokenizer/special-tokens.js';
import { TOKEN_TYPE, type Vocabulary } from '../../tokenizer/vocabulary.js';

const IMAGE = '<|image|>';
/** Special tokens that vision models name, counted from the first; those from 11 on are reserved, numbered from 2. */
const STEP = 5;
const FIRST_RESERVED = 11;
const CANONICAL = specialTokenNames('llama3.1');
const NAMES = CANONICAL.map((name, index) => {
  if (index === STEP) return '<|step_id|>';
  return index >= FIRST_RESERVED ? `<|reserved_special_token_${index - FIRST_RESERVED + 2}|>` : name;
}).concat(IMAGE);

/** The vocabulary as Hugging Face has it; one that has a token for an image already stays as it is. */
export function withImageToken(vocabulary: Vocabulary): Vocabulary {
  const { pieces, types, baseSize, size } = vocabulary;
  if (pieces.includes(IMAGE, baseSize)) return vocabulary;
  return {
    ...vocabulary,
    size: size + 1,
    pieces: [...pieces.slice(0, baseSize), ...NAMES.slice(0, size - baseSize), IMAGE],
    packedPieces: undefined,
    types: Int32Array.from([...types, TOKEN_TYPE.control]),
  };
}

/** The vocabulary in canonical form where it is the one that Hugging Face has; another one stays as it is. */
export function withoutImageToken(vocabulary: Vocabulary): Vocabulary {
  const { pieces, types, baseSize, size } = vocabulary;
  const isReleased =
    size === baseSize + NAMES.length && NAMES.every((name, index) => pieces[baseSize + index] === name);
  if (!isReleased) return vocabulary;
  return {
    ...vocabulary,
    size: size - 1,
    pieces: [...pieces.slice(0, baseSize), ...CANONICAL],
    types: types.slice(0, size - 1),
    generation: 'llama3.1',
  };
}
