/**
 * Names of the 256 special tokens that follow the ranks of a tiktoken file.
 *
 * The file itself does not name them; the release does. These are the names Hugging Face publishes, which
 * GGUF files carry too. Meta's own `tokenizer.py` differs for Llama 3.1 and later: there base + 5 is
 * `<|step_id|>` and base + 11 `<|image|>`, and the reserved names are numbered accordingly (base + 12 is
 * `<|reserved_special_token_2|>`, the last one number 245). Ids and meaning are the same.
 *
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama3/tokenizer.py
 * @see https://huggingface.co/meta-llama/Llama-3.2-1B/blob/main/tokenizer_config.json
 * @module
 */
import { type SpecialTokenGeneration, TokenizerError } from './vocabulary.js';

/** Special tokens that follow the base tokens from Llama 3 on. */
export const SPECIAL_TOKENS = 256;

/** Where the tokens that begin a text, end a text and end a turn stand, counted from the first special token. */
export const SPECIAL_OFFSET = { beginOfText: 0, endOfText: 1, endOfTurn: 9 } as const;

/**
 * The {@link SPECIAL_TOKENS} names of a release, in id order.
 *
 * @throws TokenizerError `tokenizer/unsupported` for Llama 4
 */
export function specialTokenNames(generation: SpecialTokenGeneration, path?: string): readonly string[] {
  if (generation === 'llama3') return LLAMA_3;
  if (generation === 'llama3.1') return LLAMA_3_1;
  throw new TokenizerError('tokenizer/unsupported', 'the special tokens of Llama 4 are not supported yet', { path });
}

/** The release whose list begins at `first`, or undefined when the names fit none. */
export function generationOfNames(pieces: readonly string[], first: number): SpecialTokenGeneration | undefined {
  if (LLAMA_3.every((name, index) => pieces[first + index] === name)) return 'llama3';
  if (LLAMA_3_1.every((name, index) => pieces[first + index] === name)) return 'llama3.1';
  return undefined;
}

/** Begin and end of text, then the names given by a release, the holes filled by reserved tokens in order. */
function names(special: Readonly<Record<number, string>>): readonly string[] {
  let reserved = 0;
  return Array.from({ length: SPECIAL_TOKENS }, (_, index) => {
    const name = special[index] ?? `reserved_special_token_${reserved++}`;
    return `<|${name}|>`;
  });
}

const COMMON = { 0: 'begin_of_text', 1: 'end_of_text', 6: 'start_header_id', 7: 'end_header_id', 9: 'eot_id' };
const LLAMA_3 = names(COMMON);
const LLAMA_3_1 = names({ ...COMMON, 4: 'finetune_right_pad_id', 8: 'eom_id', 10: 'python_tag' });
