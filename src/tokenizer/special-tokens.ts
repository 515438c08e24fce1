/**
 * Names of the special tokens that follow the ranks of a tiktoken file: 256, or 2048 in Llama 4.
 *
 * The file itself does not name them; the release does. These are the names Hugging Face publishes, which
 * GGUF files carry too. Meta's own `tokenizer.py` differs for Llama 3.1 and later: there base + 5 is
 * `<|step_id|>` and base + 11 `<|image|>`, and the reserved names are numbered accordingly (base + 12 is
 * `<|reserved_special_token_2|>`, the last one number 245). Ids and meaning are the same.
 *
 * The names of Llama 4 are Meta's. Hugging Face's converter writes the first 1134 of them, and behind these a
 * token for padding that it names otherwise; the rest of the embedding's rows has no token there.
 *
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama3/tokenizer.py
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama4/tokenizer.py
 * @see https://huggingface.co/meta-llama/Llama-3.2-1B/blob/main/tokenizer_config.json
 * @module
 */
import type { SpecialTokenGeneration } from './vocabulary.js';

/** Where the tokens that begin and end a text stand, counted from the first special token. */
export const SPECIAL_OFFSET = { beginOfText: 0, endOfText: 1 } as const;

/** Where the token that ends a turn stands, counted from the first special token. */
export const END_OF_TURN: Readonly<Record<SpecialTokenGeneration, number>> = {
  ...{ llama3: 9, 'llama3.1': 9, llama4: 8 },
};

/** Where the token that ends a message stands, which a model may follow up, counted from the first special token. */
export const END_OF_MESSAGE = { 'llama3.1': 8, llama4: 7 } as const;

/** Ranks in the file of Llama 4; that of Llama 3 has 128,000. */
const LLAMA_4_RANKS = 200_000;

/** The release to which a list of so many ranks belongs, where nothing else tells: that of Llama 4, or else of Llama 3.1. */
export function generationOfRanks(count: number): SpecialTokenGeneration {
  return count === LLAMA_4_RANKS ? 'llama4' : 'llama3.1';
}

/** The names of a release, in id order. */
export function specialTokenNames(generation: SpecialTokenGeneration): readonly string[] {
  return NAMES[generation];
}

/**
 * The release whose list begins at `first`, or undefined when the names fit none. The list of Llama 4 may be the shorter
 * one of Hugging Face's converter, with nothing behind it.
 */
export function generationOfNames(pieces: readonly string[], first: number): SpecialTokenGeneration | undefined {
  for (const generation of GENERATIONS) {
    if (NAMES[generation].every((name, index) => pieces[first + index] === name)) return generation;
  }
  const isShort = pieces.length === first + CONVERTED_LLAMA_4.length;
  return isShort && CONVERTED_LLAMA_4.every((name, index) => pieces[first + index] === name) ? 'llama4' : undefined;
}

/** Begin and end of text, then the names given by a release, the holes filled by reserved tokens in order. */
function llama3Names(special: Readonly<Record<number, string>>): readonly string[] {
  let reserved = 0;
  return Array.from({ length: 256 }, (_, index) => {
    const name = special[index] ?? `reserved_special_token_${reserved++}`;
    return `<|${name}|>`;
  });
}

const COMMON = { 0: 'begin_of_text', 1: 'end_of_text', 6: 'start_header_id', 7: 'end_header_id', 9: 'eot_id' };

const LLAMA_4 = [
  ...['begin_of_text', 'end_of_text', 'fim_prefix', 'fim_middle', 'fim_suffix'],
  ...['header_start', 'header_end', 'eom', 'eot', 'step', ...reserved('text_post_train_', 0, 6)],
  // Meta's list has no reserved tokens 6 and 7
  ...['python_start', 'python_end', 'finetune_right_pad', ...reserved('text_post_train_', 8, 61)],
  ...['image_start', 'image_end', ...reserved('vision_', 0, 2), 'tile_x_separator', 'tile_y_separator'],
  ...[...reserved('vision_', 2, 4), 'image', ...reserved('vision_', 6, 1), 'patch', ...reserved('vision_', 7, 1041)],
  ...[...reserved('reasoning_', 0, 8), 'reasoning_thinking_start', 'reasoning_thinking_end'],
  ...reserved('', 0, 904),
].map((name) => `<|${name}|>`);

/** Names of reserved tokens, numbered from `first` on. */
function reserved(prefix: string, first: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}reserved_special_token_${first + index}`);
}

/** The list as Hugging Face's converter writes it: without the tokens of reasoning, and with its own token for padding. */
const CONVERTED_LLAMA_4 = [
  ...LLAMA_4.slice(0, LLAMA_4.indexOf('<|reasoning_reserved_special_token_0|>')),
  '<|finetune_right_pad_id|>',
];

const NAMES: Readonly<Record<SpecialTokenGeneration, readonly string[]>> = {
  llama3: llama3Names(COMMON),
  'llama3.1': llama3Names({ ...COMMON, 4: 'finetune_right_pad_id', 8: 'eom_id', 10: 'python_tag' }),
  llama4: LLAMA_4,
};
const GENERATIONS = Object.keys(NAMES) as SpecialTokenGeneration[];
