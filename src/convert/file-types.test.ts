import { describe, expect, it } from 'vitest';

import { FILE_TYPES, fileTypeNames, fileTypeOfId, isFileType, isPlainFileType } from './file-types.js';

describe('isFileType', () => {
  it('knows the names of types, and nothing that every object has', () => {
    expect(Object.keys(FILE_TYPES).every(isFileType)).toBe(true);
    for (const name of ['', 'F32', 'float32', 'q4', 'constructor', 'toString', '__proto__']) {
      expect(isFileType(name)).toBe(false);
    }
  });
});

describe('fileTypeOfId', () => {
  it.each([
    [0, 'f32'],
    [1, 'f16'],
    [12, 'q3_k_m'],
    [15, 'q4_k_m'],
    [17, 'q5_k_m'],
    [32, 'bf16'],
    [4, undefined], // llama.cpp had it once
    [1e6, undefined],
  ])('%d is %s', (id, name) => {
    expect(fileTypeOfId(id)).toBe(name);
  });
});

describe('fileTypeNames', () => {
  it('has every number once', () => {
    const ids = fileTypeNames().map((name) => FILE_TYPES[name].id);
    expect(ids).toHaveLength(new Set(ids).size);
    expect(new Set(ids)).toEqual(new Set(Object.values(FILE_TYPES).map(({ id }) => id)));
    expect(fileTypeNames()).not.toContain('q4_k');
  });
});

describe('isPlainFileType', () => {
  it('tells types without blocks', () => {
    expect(Object.keys(FILE_TYPES).filter((name) => isFileType(name) && isPlainFileType(name))).toEqual([
      ...['f32', 'f16', 'bf16'],
    ]);
  });
});
