// @ts-check
/**
 * The validator of `params.json`, compiled ahead of time from its JSON Schema.
 *
 * Compiling at start-up would cost 120 ms and needs `new Function`, which a page's content security
 * policy may forbid. The compiled text imports nothing, so ajv stays a tool of development.
 *
 * @see https://ajv.js.org/standalone.html
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import Ajv2020 from 'ajv/dist/2020.js';
import standaloneCode from 'ajv/dist/standalone/index.js';

/** The schema that the validator is compiled from. */
export const PARAMS_SCHEMA = fileURLToPath(new URL('../docs/schema/params.schema.json', import.meta.url));

/** Where the compiled validator stands; committed, and a test checks that it is fresh. */
export const PARAMS_VALIDATOR = fileURLToPath(new URL('../src/llama/params-validator.generated.js', import.meta.url));

/** The text that {@link PARAMS_VALIDATOR} must have: an ES module that exports `validate`. */
export async function compileParamsValidator() {
  const ajv = new Ajv2020.default({ allErrors: true, allowUnionTypes: true, code: { source: true, esm: true } });
  ajv.addSchema(JSON.parse(await readFile(PARAMS_SCHEMA, 'utf8')), 'params');
  const code = standaloneCode.default(ajv, { validate: 'params' });
  const text = `// @ts-nocheck\n// Generated from docs/schema/params.schema.json by scripts/build.mjs: change that, not this.\n${code}\n`;
  if (/\brequire\(|^import /m.test(text))
    throw new Error('the validator must not import anything: simplify the schema');
  return text;
}

/** Compiles the validator anew; returns whether the file had to be written. */
export async function writeParamsValidator() {
  const text = await compileParamsValidator();
  const before = await readFile(PARAMS_VALIDATOR, 'utf8').catch(() => '');
  if (before === text) return false;
  await writeFile(PARAMS_VALIDATOR, text);
  return true;
}
