/**
 * Importances as llama.cpp's own reader reads them, from files of both forms.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

import { memorySource } from '../../source/memory.js';
import { readImportanceMatrix } from './read.js';

const FOLDER = fileURLToPath(new URL('../../../fixtures/imatrix/', import.meta.url));

interface Loaded {
  readonly datasets: readonly string[];
  readonly chunkCount: number;
  readonly entries: Readonly<Record<string, string>>;
}
const { loaded } = JSON.parse(readFileSync(`${FOLDER}expected.json`, 'utf8')) as {
  readonly loaded: Readonly<Record<'dat' | 'gguf', Loaded>>;
};

function sha256(floats: Float32Array): string {
  return createHash('sha256').update(new Uint8Array(floats.buffer)).digest('hex');
}

describe.each(['dat', 'gguf'] as const)('the form %s', (form) => {
  it('gives what llama-quantize hands to its quantizer, bit for bit', async () => {
    const source = memorySource(readFileSync(`${FOLDER}tiny.${form}`));
    const { entries, ...rest } = await readImportanceMatrix(source);
    const { entries: expected, ...others } = loaded[form];
    expect(rest).toEqual({ ...others, form });
    expect(Object.fromEntries([...entries].map(([name, values]) => [name, sha256(values)]))).toEqual(expected);
  });
});
