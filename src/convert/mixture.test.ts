import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import type { DType } from '../dtype.js';
import type { TensorInfo } from '../formats/tensor.js';
import { FIXTURES } from '../testing/fixtures.js';
import { type FileTypeName, isFileType } from './file-types.js';
import { type MixtureOptions, chooseTypes } from './mixture.js';

type Runs = string | [type: string, layers: number][];

/** What llama.cpp's quantizer chose for a model of one shape and file type. */
interface Row {
  readonly n_layers: number;
  readonly n_heads: number;
  readonly n_kv_heads: number;
  readonly tied: boolean;
  readonly file_type: string;
  readonly failed?: number;
  readonly token_embd: string;
  readonly output: string | null;
  readonly [role: string]: Runs | number | boolean | null | undefined;
}

const ROLES = ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'];
const table = JSON.parse(readFileSync(join(FIXTURES, 'quants', 'quant-types.json'), 'utf8')) as Row[];

/** Tensors of a model whose rows all have the same length, in the order of a quantized file. */
function tensorsOf(nLayers: number, tied: boolean, rowLength = 256): TensorInfo[] {
  const matrix = (name: string): TensorInfo => ({ name: `${name}.weight`, dtype: 'float16', shape: [256, rowLength] });
  const vector = (name: string): TensorInfo => ({ name: `${name}.weight`, dtype: 'float32', shape: [256] });
  return [
    ...(tied ? [] : [matrix('output')]),
    ...[vector('output_norm'), vector('rope_freqs'), matrix('token_embd')],
    ...Array.from({ length: nLayers }, (_, layer) => [
      ...ROLES.map((role) => matrix(`blk.${layer}.${role}`)),
      vector(`blk.${layer}.attn_norm`),
    ]).flat(),
  ];
}

function choose(
  fileType: FileTypeName,
  { nLayers = 2, rowLength = 256, tied = false, hasImportance = false } = {},
  options: MixtureOptions = {},
): Map<string, DType> {
  const config = { nLayers, nHeads: 8, nKvHeads: 8 };
  const chosen = chooseTypes(
    fileType,
    { tensors: tensorsOf(nLayers, tied, rowLength), config, hasImportance },
    options,
  );
  return new Map([...chosen].map(([name, { dtype }]) => [name, dtype]));
}

/** Types of a role over the layers, run-length encoded as in the table. */
function runsOf(types: readonly string[]): Runs {
  const runs: [string, number][] = [];
  for (const type of types) {
    const last = runs.at(-1);
    if (last?.[0] === type) last[1]++;
    else runs.push([type, 1]);
  }
  return runs.length === 1 ? runs[0]![0] : runs;
}

describe('the types of tensors', () => {
  const byType = new Map<string, Row[]>();
  for (const row of table) byType.set(row.file_type, [...(byType.get(row.file_type) ?? []), row]);

  it('are known for every file type of the table', () => {
    expect(table.length).toBeGreaterThan(1000);
    expect([...byType.keys()].filter((name) => !isFileType(name.toLowerCase()))).toEqual([]);
  });

  it.each([...byType])('of %s are those that llama.cpp chooses', (fileType, rows) => {
    for (const row of rows) {
      const config = { nLayers: row.n_layers, nHeads: row.n_heads, nKvHeads: row.n_kv_heads };
      const input = { tensors: tensorsOf(row.n_layers, row.tied), config, hasImportance: false };
      const run = (): Map<string, { readonly dtype: DType }> =>
        chooseTypes(fileType.toLowerCase() as FileTypeName, input);
      if (row.failed !== undefined) {
        expect(run).toThrow(expect.objectContaining({ code: 'convert/needs-importance' }));
        continue;
      }
      const chosen = run();
      const type = (name: string): string | undefined => chosen.get(`${name}.weight`)?.dtype.toUpperCase();
      const found = Object.fromEntries(
        ROLES.map((role) => [
          role,
          runsOf(Array.from({ length: row.n_layers }, (_, layer) => type(`blk.${layer}.${role}`)!)),
        ]),
      );
      expect({ ...row, token_embd: type('token_embd'), output: type('output') ?? null, ...found }).toEqual(row);
    }
  });
});

describe('what is chosen beside the type', () => {
  it('leaves vectors and norms alone', () => {
    expect([...choose('q4_k_m').keys()].filter((name) => /norm|rope/.test(name))).toEqual([]);
  });

  it('gives all matrices one type when pure', () => {
    expect(new Set(choose('q4_k_m', { nLayers: 9, tied: true }, { pure: true }).values())).toEqual(new Set(['q4_k']));
  });

  it('takes the first pattern that is found, and counts the layers after it anew', () => {
    const tensorTypes = [
      { pattern: /blk\.0\.attn_v/, dtype: 'q8_0' as const },
      { pattern: /attn_[vk]/, dtype: 'q2_k' as const },
    ];
    const chosen = choose('q4_k_m', { nLayers: 2 }, { tensorTypes });
    expect([chosen.get('blk.0.attn_v.weight'), chosen.get('blk.1.attn_v.weight')]).toEqual(['q8_0', 'q2_k']);
    const shifted = choose('q3_k_m', { nLayers: 5 }, { tensorTypes: tensorTypes.slice(0, 1) });
    const values = Array.from({ length: 5 }, (_, layer) => shifted.get(`blk.${layer}.attn_v.weight`));
    expect(values).toEqual(['q8_0', 'q5_k', 'q5_k', 'q4_k', 'q4_k']);
  });

  it('gives the output and the embedding a type of their own', () => {
    const own = { outputType: 'float16', embeddingType: 'q8_0' } as const;
    const untied = choose('q4_k_m', {}, own);
    expect([untied.get('output.weight'), untied.get('token_embd.weight')]).toEqual(['float16', 'q8_0']);
    expect(choose('q4_k_m', { tied: true }, own).get('token_embd.weight')).toBe('q8_0');
    expect(choose('q4_k_m', { tied: true }, { outputType: 'q5_k' }).get('token_embd.weight')).toBe('q5_k');
  });

  it('refuses a type of its own whose blocks do not fit', () => {
    expect(() => choose('q4_0', { rowLength: 64 }, { outputType: 'q6_k' })).toThrow(
      expect.objectContaining({
        code: 'convert/bad-option',
        message: 'output.weight has rows of 64, no whole number of q6_k blocks of 256',
      }),
    );
  });
});

describe('rows that blocks do not divide', () => {
  it('get a type of smaller blocks', () => {
    const found = (fileType: FileTypeName, rowLength: number): (DType | undefined)[] => {
      const chosen = choose(fileType, { rowLength });
      return ['output', 'token_embd', 'blk.0.attn_q'].map((name) => chosen.get(`${name}.weight`));
    };
    // as in the oracle's models of 64 and 128
    expect(found('q4_k_m', 64)).toEqual(['q8_0', 'q5_0', 'q5_0']);
    expect(found('q6_k', 64)).toEqual(['q8_0', 'q8_0', 'q8_0']);
    expect(found('q5_k_s', 96)).toEqual(['q8_0', 'q5_1', 'q5_1']);
    expect(found('iq4_xs', 32)).toEqual(['q8_0', 'iq4_nl', 'iq4_nl']);
    expect(found('tq1_0', 64)).toEqual(['q8_0', 'q5_0', 'q4_0']);
  });

  it('become float16 where those do not divide them either', () => {
    expect(new Set(choose('q4_k_m', { rowLength: 48 }, { pure: true }).values())).toEqual(new Set(['float16']));
  });

  it('are refused where nothing stands in', () => {
    expect(() => choose('q4_0', { rowLength: 48 })).toThrow(
      expect.objectContaining({ code: 'convert/unsupported-type' }),
    );
  });
});

describe('types that need an importance matrix', () => {
  it('are refused without one, and named', () => {
    expect(() => choose('iq2_xxs')).toThrow(
      expect.objectContaining({
        code: 'convert/needs-importance',
        message: 'blk.0.attn_q.weight would become iq2_xxs, which is garbage without an importance matrix',
      }),
    );
    expect(choose('iq2_xxs', { hasImportance: true }).get('blk.0.attn_q.weight')).toBe('iq2_xxs');
  });

  it('guards the first layers with an importance matrix', () => {
    const types = choose('q4_0', { nLayers: 8, hasImportance: true });
    expect([types.get('blk.0.ffn_down.weight'), types.get('blk.1.ffn_down.weight')]).toEqual(['q4_1', 'q4_0']);
  });
});
