import { expect, it } from 'vitest';

import { syntheticModel } from '../testing/synthetic-model.js';
import { LlamaError, expectTensor } from './model.js';

it('gives the tensor of a name, or says that it is missing', () => {
  const model = syntheticModel();
  expect(expectTensor(model, 'norm.weight').shape).toEqual([32]);
  expect(() => expectTensor(model, 'layers.2.ffn_norm.weight')).toThrow(LlamaError);
  expect(() => expectTensor(model, 'layers.2.ffn_norm.weight')).toThrow(
    expect.objectContaining({
      ...{ code: 'llama/missing-tensor', path: 'synthetic', message: 'the tensor layers.2.ffn_norm.weight is missing' },
    }),
  );
});
