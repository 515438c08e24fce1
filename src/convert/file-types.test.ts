import { describe, expect, it } from 'vitest';

import { FILE_TYPES, isFileType, isPlainFileType } from './file-types.js';

describe('isFileType', () => {
  it('knows the names of types, and nothing that every object has', () => {
    expect(Object.keys(FILE_TYPES).every(isFileType)).toBe(true);
    for (const name of ['', 'F32', 'float32', 'q4', 'constructor', 'toString', '__proto__']) {
      expect(isFileType(name)).toBe(false);
    }
  });
});

describe('isPlainFileType', () => {
  it('tells types without blocks', () => {
    expect(Object.keys(FILE_TYPES).filter((name) => isFileType(name) && isPlainFileType(name))).toEqual([
      ...['f32', 'f16', 'bf16'],
    ]);
  });
});
