import { describe, expect, it } from 'vitest';

import { collapseLayers, expandLayers } from './collapse-layers.js';
import { tensorTable } from './tensor-table.js';

function tensor(name: string, shape = [4, 8], dtype = 'bfloat16') {
  return { name, shape, dtype, byteLength: 64 };
}

const names = (tensors: ReturnType<typeof tensor>[]): string[] => collapseLayers(tensors).map(({ name }) => name);

describe('collapseLayers', () => {
  it('puts equal tensors of all layers into one row, where the first of them stands', () => {
    const tensors = [0, 1, 2].flatMap((layer) => [tensor(`layers.${layer}.wq`), tensor(`layers.${layer}.norm`, [8])]);
    expect(names([tensor('embed'), ...tensors, tensor('output')])).toEqual([
      ...['embed', 'layers.{0–2}.wq', 'layers.{0–2}.norm', 'output'],
    ]);
  });

  it('keeps a layer that is odd apart', () => {
    const odd = [
      tensor('l.0.w'),
      tensor('l.1.w', [4, 9]),
      tensor('l.2.w'),
      tensor('l.3.w', [4, 8], 'float32'),
      tensor('l.4.w'),
    ];
    expect(names(odd)).toEqual(['l.{0,2,4}.w', 'l.1.w', 'l.3.w']);
  });

  it('puts the layers of other types below the first, as a mixture of types has them all over the model', () => {
    const layer = (number: number, dtype: string) => [
      tensor(`l.${number}.w`, [4, 8], dtype),
      tensor(`l.${number}.norm`, [8], 'float32'),
    ];
    expect(names([...layer(0, 'q6_k'), ...layer(1, 'q4_k'), ...layer(2, 'q6_k')])).toEqual([
      ...['l.{0,2}.w', 'l.1.w', 'l.{0–2}.norm'],
    ]);
  });

  it('sorts the numbers and joins their ranges', () => {
    expect(names([10, 2, 3, 1, 7].map((layer) => tensor(`a.${layer}.b`)))).toEqual(['a.{1–3,7,10}.b']);
  });

  it('takes only the first number between dots for the layer', () => {
    expect(names([tensor('l.0.experts.0.w'), tensor('l.0.experts.1.w'), tensor('conv1.w'), tensor('7')])).toEqual([
      ...['l.0.experts.0.w', 'l.0.experts.1.w', 'conv1.w', '7'],
    ]);
  });

  it('can be left out', () => {
    expect(expandLayers([tensor('l.0.w'), tensor('l.1.w')]).map(({ name }) => name)).toEqual(['l.0.w', 'l.1.w']);
  });
});

describe('tensorTable', () => {
  it('counts where there is something to count', () => {
    expect(tensorTable(collapseLayers([tensor('l.0.w'), tensor('l.1.w'), tensor('norm', [])]))).toEqual([
      '  tensor     shape   dtype     bytes  ×',
      '  l.{0–1}.w  4 × 8   bfloat16   64 B  2',
      '  norm       scalar  bfloat16   64 B',
    ]);
    expect(tensorTable(collapseLayers([tensor('w')]), { more: [['output', '= w']], title: 'weights' })).toEqual([
      '  weights  shape  dtype     bytes',
      '  w        4 × 8  bfloat16   64 B',
      '  output   = w',
    ]);
  });

  it('is not widened by a name without end', () => {
    const lines = tensorTable(collapseLayers([tensor('x'.repeat(1e6)), tensor('a\u001b')]));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(300);
    expect(lines[2]).toContain('a\\u001b');
  });
});
