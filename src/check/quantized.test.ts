import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { convert } from '../convert/convert.js';
import { type FileTypeName, fileTypeNames, isPlainFileType } from '../convert/file-types.js';
import type { ConvertOptions } from '../convert/options.js';
import { memoryOutput } from '../convert/output.js';
import { ConvertError } from '../convert/plan.js';
import { readImportanceMatrix } from '../formats/imatrix/read.js';
import type { LlamaModel } from '../llama/model.js';
import { openModel } from '../llama/open-model.js';
import { memorySource } from '../source/memory.js';
import { openFixture } from '../testing/fixture-models.js';
import { FIXTURES, TEXT_MODELS } from '../testing/fixtures.js';
import { compareModels } from './compare-models.js';
import type { ModelComparison } from './comparison.js';

const TYPES = fileTypeNames().filter((type) => !isPlainFileType(type));

/** Two trained models and one with random weights are held to every type, the others to those in common use. */
const EVERY_TYPE: readonly string[] = ['llama3.2-tiny', 'llama2-tiny', 'llama31-micro-untied'];
const COMMON: readonly FileTypeName[] = ['q8_0', 'q6_k', 'q5_k_m', 'q4_k_m', 'q4_0', 'iq4_xs', 'q3_k_m', 'q2_k'];

async function converted(model: LlamaModel, options: Omit<ConvertOptions, 'to'>): Promise<LlamaModel> {
  const output = memoryOutput();
  await convert(model, output, { ...options, to: 'gguf', fileName: 'x.gguf' });
  return openModel(output.files.get('x.gguf')!);
}

/** The quantized model; undefined for types that need importances, and where blocks do not divide the rows. */
async function quantized(model: LlamaModel, type: FileTypeName): Promise<LlamaModel | undefined> {
  try {
    return await converted(model, { type });
  } catch (cause) {
    const isExpected = cause instanceof ConvertError && /needs-importance|unsupported-type/.test(cause.code);
    if (!isExpected) throw cause;
    return undefined;
  }
}

function failures({ findings }: ModelComparison): string[] {
  return findings.filter(({ level }) => level === 'failure').map(({ subject, message }) => `${subject}: ${message}`);
}

describe.each(TEXT_MODELS)('%s', (name) => {
  let model: LlamaModel;
  const made: FileTypeName[] = [];
  beforeAll(async () => {
    model = await openFixture(name);
  });
  afterAll(() => model.close());

  it.each(EVERY_TYPE.includes(name) ? TYPES : COMMON)('is the same beside its %s file', async (type) => {
    const other = await quantized(model, type);
    if (other === undefined) return;
    made.push(type);
    const comparison = await compareModels(model, other);
    expect(failures(comparison)).toEqual([]);
    expect(comparison.verdict).toBe('same-within-type');
    expect(comparison.tensors.some(({ outcome }) => outcome === 'rounded')).toBe(true);
    expect(comparison.logits.map(({ placement }) => placement)).toEqual(['near', 'far']);
    await other.close();
  });

  it('was made in nearly every type that needs no importances', () => {
    expect(made).toEqual(expect.arrayContaining([...COMMON]));
    expect(made.length).toBeGreaterThanOrEqual(EVERY_TYPE.includes(name) ? 20 : COMMON.length);
  });
});

/** Types that are made with importances, most of them never without. */
const WEIGHTED = TYPES.filter((type) => /^(?:iq[12]|iq3_xx?s|q2_k_s|q4_k_m|q6_k|q8_0)/.test(type));

describe('llama3.2-tiny', () => {
  let model: LlamaModel;
  beforeAll(async () => {
    model = await openFixture('llama3.2-tiny');
  });
  afterAll(() => model.close());

  it.each(WEIGHTED)('is the same beside its %s file made with an importance matrix', async (type) => {
    const bytes = new Uint8Array(readFileSync(join(FIXTURES, 'imatrix/tiny.gguf')));
    const matrix = await readImportanceMatrix(memorySource(bytes, 'tiny.gguf'));
    await using other = await converted(model, { type, importance: { matrix, file: 'tiny.gguf' } });
    expect(failures(await compareModels(model, other))).toEqual([]);
  });

  it.each(COMMON.filter((type) => type !== 'q2_k'))('is the same beside a file with nothing but %s', async (type) => {
    await using other = await converted(model, { type, pure: true });
    expect(failures(await compareModels(model, other))).toEqual([]);
  });

  it('is the same quantized twice, within both types', async () => {
    await using a = await converted(model, { type: 'q8_0' });
    await using b = await converted(model, { type: 'q4_k_m' });
    const { verdict, tensors } = await compareModels(a, b);
    expect(verdict).toBe('same-within-type');
    const first = tensors.find((tensor) => tensor.name === 'layers.0.attention.wq.weight');
    expect(first).toMatchObject({ outcome: 'rounded', roundedTo: ['q8_0', 'q4_k'] });
  });
});
