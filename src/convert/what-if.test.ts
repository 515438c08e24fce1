import { describe, expect, it } from 'vitest';

import { CheckpointError } from '../errors.js';
import { inspectModel } from '../llama/inspect.js';
import type { LlamaModel } from '../llama/model.js';
import { openModel } from '../llama/open-model.js';
import { openFixture } from '../testing/fixture-models.js';
import { TEXT_MODELS, expectedJson } from '../testing/fixtures.js';
import { syntheticModel } from '../testing/synthetic-model.js';
import { fixtureVocabulary } from '../testing/vocabularies.js';
import { convert, planConversion } from './convert.js';
import { type FileTypeName, fileTypeNames, isFileType } from './file-types.js';
import { memoryOutput } from './output.js';
import { forecastSizes } from './what-if.js';

/** Sizes of the files that llama.cpp's programs made of a fixture, by our name for the type. */
function expectedSizes(name: string): [FileTypeName, number][] {
  const files = Object.entries(expectedJson<Record<string, { file_size?: number }>>(name, 'gguf.json'));
  return files.flatMap(([key, { file_size: size }]) => {
    const type = key.replace(/^(?:convert|quantize)-/, '').toLowerCase();
    return isFileType(type) && size !== undefined ? [[type, size] as [FileTypeName, number]] : [];
  });
}

/** What the plan of a conversion says, unless it is refused. */
function plannedSize(model: LlamaModel, type: FileTypeName): number | undefined {
  try {
    return planConversion(model, { to: 'gguf', type, allowRequantize: true }).byteLength;
  } catch (cause) {
    if (cause instanceof CheckpointError) return undefined;
    throw cause;
  }
}

/** What remains of a model when the bytes of a weight are asked for: nothing. */
function withoutWeights(model: LlamaModel): LlamaModel {
  const unreadable = (): never => {
    throw new Error('a weight was read');
  };
  const tensors = [...model.tensors].map(([name, tensor]) => [name, { ...tensor, readRows: unreadable }] as const);
  return { ...model, tensors: new Map(tensors) };
}

/** The fixture as a GGUF file of that type. */
async function asGguf(name: string, type: FileTypeName): Promise<LlamaModel> {
  await using model = await openFixture(name);
  const output = memoryOutput();
  await convert(model, output, { to: 'gguf', fileName: 'x.gguf', type });
  return await openModel(output.files.get('x.gguf')!);
}

describe.each(TEXT_MODELS)('forecastSizes of %s', (name) => {
  it('are the sizes of the files that llama.cpp makes', async () => {
    await using model = await openFixture(name);
    const expected = expectedSizes(name);
    expect(expected.length).toBeGreaterThan(10);
    const forecasts = forecastSizes(
      withoutWeights(model),
      expected.map(([type]) => type),
    );
    expect(forecasts.map(({ type, byteLength }) => [type, byteLength])).toEqual(expected);
  });

  it('are those of the plans', async () => {
    await using model = await openFixture(name);
    for (const { type, byteLength } of forecastSizes(model, fileTypeNames())) {
      const size = plannedSize(model, type);
      if (size !== undefined) expect([type, byteLength]).toEqual([type, size]);
    }
  });
});

describe('forecastSizes', () => {
  it('of an instruct model count the chat template', async () => {
    await using model = await openFixture('llama3.2-tiny');
    const instruct = { ...model, name: 'Llama-tiny-Instruct' };
    const [forecast] = forecastSizes(instruct, ['q8_0']);
    expect(forecast?.byteLength).toBe(plannedSize(instruct, 'q8_0'));
    expect(forecast?.byteLength).toBeGreaterThan(forecastSizes(model, ['q8_0'])[0]!.byteLength! + 3000);
  });

  it('of a GGUF file are those of its plans, whatever pairs it has', async () => {
    for (const own of ['bf16', 'q8_0'] as const) {
      await using model = await asGguf('llama3.2-tiny', own);
      const gguf = model.gguf!;
      const bare = { ...gguf, metadata: gguf.metadata.filter(({ key }) => !/file_type|tokenizer/.test(key)) };
      for (const variant of [model, { ...model, gguf: bare, vocabulary: undefined }]) {
        const compared = forecastSizes(variant, fileTypeNames()).filter(({ type, byteLength }) => {
          const size = plannedSize(variant, type);
          if (size !== undefined) expect([type, byteLength]).toEqual([type, size]);
          return size !== undefined;
        });
        expect(compared.length).toBeGreaterThan(3);
      }
    }
  });

  it('count bits as an inspection of the file does', async () => {
    await using model = await openFixture('llama3.2-tiny');
    const [forecast] = forecastSizes(model, ['q8_0']);
    await using quantized = await asGguf('llama3.2-tiny', 'q8_0');
    expect(forecast?.bitsPerWeight).toBe(inspectModel(quantized).bitsPerWeight);
  });

  it('are of every type that needs no importance matrix, from large to small', async () => {
    await using model = await openFixture('llama3.2-tiny');
    const forecasts = forecastSizes(model);
    const types = forecasts.map(({ type }) => type);
    expect(types.slice(0, 4)).toEqual(['f32', 'f16', 'bf16', 'q8_0']);
    expect(types).toEqual(expect.arrayContaining(['q6_k', 'q4_k_m', 'q2_k', 'iq4_xs', 'iq3_s']));
    for (const type of ['q2_k_s', 'iq2_xxs', 'iq1_s', 'q4_k']) expect(types).not.toContain(type);
    const sizes = forecasts.map(({ byteLength }) => byteLength);
    expect(sizes).toEqual([...sizes].sort((a, b) => b! - a!));
  });

  it('say where an importance matrix is needed', async () => {
    await using model = await openFixture('llama3.2-tiny');
    const needs = forecastSizes(model, ['iq2_xs', 'q2_k', 'q2_k_s']).map(({ needsImportance }) => needsImportance);
    expect(needs).toEqual([true, false, true]);
    const [forecast] = forecastSizes(model, ['iq2_xs']);
    expect(forecast?.bitsPerWeight).toBeLessThan(4);
  });

  it('say which matrices get another type', () => {
    const vocabulary = fixtureVocabulary('llama3-tiny');
    const model = { ...syntheticModel({ dim: 64, ffnDim: 96, headDim: 16 }), vocabulary };
    const [forecast] = forecastSizes(model, ['q4_k_m']);
    expect(forecast?.fallbacks).toEqual(
      expect.arrayContaining([{ dtype: 'q5_0', insteadOf: 'q4_k', tensorCount: expect.any(Number) as number }]),
    );
    expect(forecastSizes(model, ['q8_0'])[0]?.fallbacks).toEqual([]);
  });

  it('say why a type is impossible', () => {
    const [wrong, right] = forecastSizes(syntheticModel(), ['q8_0', 'f16']); // rows of 48
    expect(wrong).toMatchObject({
      ...{ byteLength: undefined, tensorByteLength: undefined, bitsPerWeight: undefined, needsImportance: false },
      problem: { code: 'convert/unsupported-type' },
    });
    expect(right?.problem).toBeUndefined();
  });

  it.each([
    ['no tokenizer', undefined],
    ['one of SentencePiece without its scores', { ...fixtureVocabulary('llama2-tiny'), scores: undefined }],
  ])('have no file but tensors where there is %s', (_, vocabulary) => {
    const model = { ...syntheticModel({ dim: 64, ffnDim: 64, headDim: 16 }), vocabulary };
    const [forecast] = forecastSizes(model, ['f32']);
    const { byteLength: tensorByteLength } = inspectModel(model);
    expect(forecast).toMatchObject({ byteLength: undefined, tensorByteLength, bitsPerWeight: 32 });
    expect(plannedSize(model, 'f32')).toBeUndefined();
  });
});
