import { describe, expect, it } from 'vitest';

import { type DType, blockLayout, byteLengthOf, elementCount, isQuantized } from './dtype.js';
import { TEXT_MODELS, expectedJson } from './testing/fixtures.js';

interface LlamaCppFile {
  readonly alignment: number;
  readonly data_start: number;
  readonly file_size: number;
  readonly tensors: { readonly type: string; readonly dims: number[]; readonly offset: number }[];
}

const GGML_NAMES: Readonly<Record<string, DType>> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };

function filesOf(model: string): [string, LlamaCppFile][] {
  const facts = expectedJson<Record<string, LlamaCppFile>>(model, 'gguf.json');
  return Object.entries(facts).filter(([name]) => /^(?:convert|quantize)-/.test(name));
}

describe('sizes in bytes', () => {
  it('are those by which llama.cpp places the tensors of a file, for each of its types', () => {
    const seen = new Set<string>();
    for (const [name, { alignment, data_start, file_size, tensors }] of TEXT_MODELS.flatMap(filesOf)) {
      tensors.forEach(({ type, dims, offset }, index) => {
        const end = tensors[index + 1]?.offset ?? file_size - data_start;
        const dtype = GGML_NAMES[type] ?? (type.toLowerCase() as DType);
        const length = byteLengthOf(dtype, elementCount(dims));
        expect(Math.ceil((offset + length) / alignment) * alignment, `${name} ${type}`).toBe(end);
        seen.add(type);
      });
    }
    const types = ['BF16', 'F16', 'F32', 'IQ4_NL', 'IQ4_XS', 'Q2_K', 'Q3_K', 'Q4_0', 'Q4_1', 'Q4_K', 'Q5_0', 'Q5_1'];
    expect([...seen].sort()).toEqual([...types, 'Q5_K', 'Q6_K', 'Q8_0', 'TQ1_0', 'TQ2_0']);
  });

  // element_size() of these in PyTorch 2
  it.each([
    ['float64', 8],
    ['float32', 4],
    ['bfloat16', 2],
    ['float8_e4m3fn', 1],
    ['complex64', 8],
    ['complex128', 16],
    ['int64', 8],
    ['uint16', 2],
    ['bool', 1],
    ['qint32', 4],
  ] as const)('of %s are %d an element, as in PyTorch', (dtype, size) => {
    expect(byteLengthOf(dtype, 5)).toBe(5 * size);
    expect(isQuantized(dtype)).toBe(false);
  });

  it('cover whole blocks', () => {
    expect(blockLayout('q6_k')).toEqual({ blockElements: 256, blockBytes: 210 });
    expect([0, 1, 256, 257].map((elements) => byteLengthOf('q6_k', elements))).toEqual([0, 210, 210, 420]);
    expect(byteLengthOf('quint4x2', 3)).toBe(2);
    expect(isQuantized('q6_k')).toBe(true);
  });
});

it('counts the one element of a scalar and none of an empty tensor', () => {
  expect([[], [7], [2, 3, 4], [5, 0, 5]].map(elementCount)).toEqual([1, 7, 24, 0]);
});
