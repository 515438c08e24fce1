import { describe, expect, it } from 'vitest';

import { generationOfNames, SPECIAL_TOKENS, specialTokenNames } from './special-tokens.js';

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
  ] as const)('%s has at base + %i the token %s', (generation, index, name) => {
    const names = specialTokenNames(generation);
    expect(names[index]).toBe(name);
    expect(new Set(names).size).toBe(SPECIAL_TOKENS);
  });

  it('does not know the names of Llama 4 yet', () => {
    expect(() => specialTokenNames('llama4', 'tokenizer.model')).toThrow(
      expect.objectContaining({ code: 'tokenizer/unsupported', path: 'tokenizer.model' }),
    );
  });
});

describe('generationOfNames', () => {
  it.each(['llama3', 'llama3.1'] as const)('finds %s', (generation) => {
    expect(generationOfNames(['a', 'b', ...specialTokenNames(generation)], 2)).toBe(generation);
  });

  it('finds none in other names', () => {
    const names = specialTokenNames('llama3').with(255, '<|other|>');
    expect(generationOfNames(names, 0)).toBeUndefined();
    expect(generationOfNames([], 0)).toBeUndefined();
  });
});
