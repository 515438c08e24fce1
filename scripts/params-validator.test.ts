/**
 * The compiled validator is the one that the schema gives, and needs nothing at run time.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';

import Ajv2020 from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';

import { validate } from '../src/llama/params-validator.generated.js';
import { PARAMS_SCHEMA, PARAMS_VALIDATOR, compileParamsValidator } from './params-validator.mjs';

describe('the validator of params.json', () => {
  it('is fresh: run `npm run build` when this fails', async () => {
    expect(await readFile(PARAMS_VALIDATOR, 'utf8')).toBe(await compileParamsValidator());
  });

  it('imports nothing', async () => {
    expect(await readFile(PARAMS_VALIDATOR, 'utf8')).not.toMatch(/\brequire\b|\bimport\b/);
  });

  it.each([
    { dim: 64, n_layers: 2, n_heads: 4 },
    { dim: 64, n_layers: 2, n_heads: 4, vocab_size: -1, anything: 'else' },
    { dim: 64.5, n_layers: 2, n_heads: 4 },
    { dim: '64', n_layers: 0, n_heads: 4, use_scaled_rope: 'yes' },
    { n_heads: null },
    [],
    'text',
    null,
  ])('says of %j what ajv says when it interprets the schema', async (value) => {
    const ajv = new Ajv2020.default({ allErrors: true, allowUnionTypes: true });
    const interpreted = ajv.compile(JSON.parse(await readFile(PARAMS_SCHEMA, 'utf8')) as object);
    expect(validate(value)).toBe(interpreted(value));
    expect(validate.errors).toEqual(interpreted.errors);
  });
});
