/**
 * Bits per weight and what other types would take, as a person reads them.
 */
import { describe, expect, it } from 'vitest';

import { ConvertError } from '../convert/plan.js';
import type { SizeForecast } from '../convert/what-if.js';
import { weightTallies } from '../llama/weight-tallies.js';
import { type Line, renderLines } from './lines.js';
import { weightLine, weightTables } from './weights.js';
import { shareOfPresent, whatIfLines } from './what-if.js';

const text = (lines: readonly Line[]): string => renderLines(lines);

const matrix = (name: string, dtype: string, byteLength: number) => {
  return { name: `layers.0.${name}.weight`, dtype, shape: [64, 64], byteLength };
};
const NORM = { name: 'norm.weight', dtype: 'float32', shape: [64], byteLength: 256 };
const ONE_TYPE = weightTallies([matrix('attention.wq', 'q8_0', 4352), matrix('attention.wk', 'q8_0', 4352), NORM]);
const MIXED = weightTallies([matrix('attention.wq', 'q4_k', 2304), matrix('attention.wv', 'q6_k', 3360), NORM]);

describe('weightLine', () => {
  it('names the one type of all matrices, and what a GGUF file calls it', () => {
    expect(text(weightLine({ ...ONE_TYPE, fileType: undefined }))).toBe('  q8_0, 8.68 bits per weight\n');
    expect(text(weightLine({ ...ONE_TYPE, fileType: 7 }))).toBe('  q8_0, 8.68 bits per weight · file type q8_0\n');
    expect(text(weightLine({ ...ONE_TYPE, fileType: 999 }))).toBe('  q8_0, 8.68 bits per weight · file type 999\n');
  });

  it('names no type where there are several', () => {
    expect(text(weightLine({ ...MIXED, fileType: 15 }))).toBe('  5.74 bits per weight · file type q4_k_m\n');
  });

  it('goes by all tensors where there is no matrix, and says nothing of nothing', () => {
    expect(text(weightLine({ ...weightTallies([NORM]), fileType: undefined }))).toBe('  float32, 32 bits per weight\n');
    expect(weightLine({ ...weightTallies([]), fileType: 0 })).toEqual([]);
  });
});

describe('weightTables', () => {
  it('shows the types and parts of a mixture', () => {
    expect(text(weightTables(MIXED))).toBe(
      [
        '  type     tensors  parameters    bytes  bits per weight',
        '  q4_k           1       4.1 K   2.3 kB             4.50',
        '  q6_k           1       4.1 K  3.36 kB             6.56',
        '  float32        1          64    256 B            32.00',
        '',
        '  part       types       parameters    bytes  bits per weight',
        '  attention  q4_k, q6_k      8.19 K  5.66 kB             5.53',
        '  norms      float32             64    256 B            32.00',
        '',
      ].join('\n'),
    );
  });

  it('shows nothing where all matrices have one type, and no parts where there is one', () => {
    expect(weightTables(ONE_TYPE)).toEqual([]);
    const odd = [
      { name: 'a', dtype: 'float32', shape: [2, 2], byteLength: 16 },
      { name: 'b', dtype: 'x\u001b', shape: [0, 2], byteLength: 0 },
    ];
    expect(text(weightTables(weightTallies(odd)))).toBe(
      [
        '  type     tensors  parameters  bytes  bits per weight',
        '  float32        1           4   16 B            32.00',
        '  x\\u001b        1           0    0 B',
        '',
      ].join('\n'),
    );
  });
});

const FORECAST: SizeForecast = {
  ...{ type: 'q4_k_m', byteLength: 6000, tensorByteLength: 5000, bitsPerWeight: 4.891 },
  ...{ needsImportance: false, fallbacks: [], problem: undefined },
};
const PRESENT = { byteLength: 12_000, types: weightTallies([NORM]).types, fileType: undefined };

describe('whatIfLines', () => {
  const WRITE = '  to write one of them: llama-inspect convert PATH --to gguf --type TYPE -o FILE';

  it('shows sizes, and remarks in lines of their own where there are several', () => {
    const fallbacks = [
      { dtype: 'q5_0', insteadOf: 'q4_k', tensorCount: 12 },
      { dtype: 'q8_0', insteadOf: 'q6_k', tensorCount: 2 },
    ] as const;
    const forecasts: SizeForecast[] = [
      { ...FORECAST, type: 'f16', byteLength: 12_000, bitsPerWeight: 16 },
      { ...FORECAST, fallbacks },
      { ...FORECAST, type: 'iq2_xs', needsImportance: true },
      { ...FORECAST, type: 'tq1_0' },
    ];
    expect(text(whatIfLines(forecasts, { ...PRESENT, fileType: 1 }))).toBe(
      [
        '  as GGUF  bytes  bits per weight  of now',
        '  f16      12 kB            16.00   100 %  its type now',
        '  q4_k_m    6 kB             4.89    50 %  12 q5_0 in place of q4_k',
        '                                           2 q8_0 in place of q6_k',
        '  iq2_xs    6 kB             4.89    50 %  needs an importance matrix',
        '  tq1_0     6 kB             4.89    50 %  for ternary models',
        '',
        '  in place of: the blocks of the type do not divide the rows of these tensors',
        ...[WRITE, ''],
      ].join('\n'),
    );
  });

  it('says what is impossible', () => {
    const problem = new ConvertError('convert/unsupported-type', 'a has rows of 48');
    const none = { byteLength: undefined, tensorByteLength: undefined, bitsPerWeight: undefined };
    const impossible: SizeForecast = { ...FORECAST, type: 'q8_0', ...none, problem };
    expect(text(whatIfLines([impossible], PRESENT))).toBe(
      [
        '  as GGUF  bytes  bits per weight  of now',
        '  q8_0                                     impossible',
        ...['', '  a has rows of 48', ''],
      ].join('\n'),
    );
    expect(text(whatIfLines([impossible, FORECAST], PRESENT))).toContain(WRITE);
  });

  it('counts tensors alone where there is no tokenizer', () => {
    const forecast = { ...FORECAST, byteLength: undefined, tensorByteLength: 128 };
    const shown = text(whatIfLines([forecast], PRESENT));
    expect(shown).toContain('  q4_k_m   128 B             4.89    50 %\n');
    expect(shown).toContain(
      '  there is no tokenizer that a GGUF file could hold: the bytes are of the\n    tensors alone\n',
    );
    expect(shown).not.toContain('to write one');
  });

  it('warns of quantizing what is quantized', () => {
    expect(text(whatIfLines([FORECAST], { ...PRESENT, types: ONE_TYPE.types }))).toContain(
      '  the weights are quantized already: another quantized type loses twice, and\n    convert wants --allow-requantize\n',
    );
    expect(text(whatIfLines([FORECAST], PRESENT))).not.toContain('already');
  });
});

describe('shareOfPresent', () => {
  it('is unknown where there is nothing', () => {
    expect(shareOfPresent(FORECAST, { ...PRESENT, byteLength: 0 })).toBeUndefined();
    expect(shareOfPresent(FORECAST, PRESENT)).toBe(0.5);
  });
});
