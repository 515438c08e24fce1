import { describe, expect, it } from 'vitest';

import { END_OF_TURN, generationOfNames, generationOfRanks, specialTokenNames } from './special-tokens.js';

describe('specialTokenNames', () => {
  // Ids of the releases, counted from 128000; the lists in full are compared with llama.cpp's files elsewhere.
  it.each([
    ['llama3', 0, '<|begin_of_text|>'],
    ['llama3', 4, '<|reserved_special_token_2|>'],
    ['llama3', 8, '<|reserved_special_token_4|>'],
    ['llama3', 9, '<|eot_id|>'],
    ['llama3', 10, '<|reserved_special_token_5|>'],
    ['llama3', 255, '<|reserved_special_token_250|>'],
    ['llama3.1', 1, '<|end_of_text|>'],
    ['llama3.1', 4, '<|finetune_right_pad_id|>'],
    ['llama3.1', 5, '<|reserved_special_token_2|>'],
    ['llama3.1', 8, '<|eom_id|>'],
    ['llama3.1', 10, '<|python_tag|>'],
    ['llama3.1', 11, '<|reserved_special_token_3|>'],
    ['llama3.1', 255, '<|reserved_special_token_247|>'],
    // from 200000, by Meta's comments and the ids that config.json of the releases names
    ['llama4', 0, '<|begin_of_text|>'],
    ['llama4', 1, '<|end_of_text|>'],
    ['llama4', 2, '<|fim_prefix|>'],
    ['llama4', 5, '<|header_start|>'],
    ['llama4', 7, '<|eom|>'],
    ['llama4', 8, '<|eot|>'],
    ['llama4', 9, '<|step|>'],
    ['llama4', 10, '<|text_post_train_reserved_special_token_0|>'],
    ['llama4', 16, '<|python_start|>'],
    ['llama4', 17, '<|python_end|>'],
    ['llama4', 18, '<|finetune_right_pad|>'],
    ['llama4', 19, '<|text_post_train_reserved_special_token_8|>'],
    ['llama4', 79, '<|text_post_train_reserved_special_token_68|>'],
    ['llama4', 80, '<|image_start|>'],
    ['llama4', 84, '<|tile_x_separator|>'],
    ['llama4', 90, '<|image|>'],
    ['llama4', 92, '<|patch|>'],
    ['llama4', 93, '<|vision_reserved_special_token_7|>'],
    ['llama4', 1133, '<|vision_reserved_special_token_1047|>'],
    ['llama4', 1134, '<|reasoning_reserved_special_token_0|>'],
    ['llama4', 1142, '<|reasoning_thinking_start|>'],
    ['llama4', 1143, '<|reasoning_thinking_end|>'],
    ['llama4', 1144, '<|reserved_special_token_0|>'],
    ['llama4', 2047, '<|reserved_special_token_903|>'],
  ] as const)('%s has at base + %i the token %s', (generation, index, name) => {
    const names = specialTokenNames(generation);
    expect(names[index]).toBe(name);
    const count = generation === 'llama4' ? 2048 : 256;
    expect([names.length, new Set(names).size]).toEqual([count, count]);
  });

  it.each([
    ['llama3', '<|eot_id|>'],
    ['llama3.1', '<|eot_id|>'],
    ['llama4', '<|eot|>'],
  ] as const)('%s ends turns with %s', (generation, name) => {
    expect(specialTokenNames(generation)[END_OF_TURN[generation]]).toBe(name);
  });
});

describe('generationOfNames', () => {
  it.each(['llama3', 'llama3.1', 'llama4'] as const)('finds %s', (generation) => {
    expect(generationOfNames(['a', 'b', ...specialTokenNames(generation)], 2)).toBe(generation);
  });

  it('finds Llama 4 in the list that Hugging Face writes, where nothing follows', () => {
    const list = [...specialTokenNames('llama4').slice(0, 1134), '<|finetune_right_pad_id|>'];
    expect(generationOfNames(['a', ...list], 1)).toBe('llama4');
    expect(generationOfNames(['a', ...list, '<|added|>'], 1)).toBeUndefined();
    expect(generationOfNames(['a', ...list.slice(0, -1)], 1)).toBeUndefined();
  });

  it('finds none in other names', () => {
    const names = specialTokenNames('llama3').with(255, '<|other|>');
    expect(generationOfNames(names, 0)).toBeUndefined();
    expect(generationOfNames([], 0)).toBeUndefined();
  });
});

it('tells a file of Llama 4 by its number of ranks', () => {
  expect([generationOfRanks(200_000), generationOfRanks(128_000), generationOfRanks(512)]).toEqual([
    ...['llama4', 'llama3.1', 'llama3.1'],
  ]);
});
