/**
 * The smaller reports: errors, inspections, files, conversions, logits, the demonstration.
 */
import { describe, expect, it } from 'vitest';

import type { ConversionResult } from '../convert/convert.js';
import type { ConversionPlan } from '../convert/plan.js';
import { CheckpointError } from '../errors.js';
import type { Inspection } from '../llama/inspect.js';
import { noLoss } from '../quant/cast-loss.js';
import { SMALL_CONFIG } from '../testing/synthetic-model.js';
import { checkpointsLines, looseFilesLines } from './checkpoints.js';
import { type ConversionFacts, conversionLines } from './conversion.js';
import { demoLines } from './demo.js';
import { errorLines, warningLines } from './error.js';
import { fileLines } from './files.js';
import { insideLines, inspectionLines } from './inspection.js';
import { type Line, renderLines } from './lines.js';
import { logitsLines } from './logits.js';
import { intentLines, planLines } from './plan.js';
import { tensorsLines } from './tensors.js';

const text = (lines: readonly Line[]): string => renderLines(lines);

const INSPECTION: Inspection = {
  ...{ path: 'x/Llama3.2-1B-Instruct', name: 'Llama3.2-1B-Instruct', layout: 'meta', kind: 'text' },
  ...{ release: 'Llama 3.2 1B', config: SMALL_CONFIG, params: undefined, tokenizer: undefined },
  chatTemplate: undefined,
  ...{ parameterCount: 1_235_814_400, shardCount: 1, byteLength: 2_471_645_608, tensors: [], files: [] },
  ...{ decisions: [], notes: [], fileType: undefined, bitsPerWeight: undefined, types: [], groups: [] },
  identity: {
    ...{ certainty: 'shape', name: 'Llama 3.2 1B', releases: ['Llama-3.2-1B', 'Llama-3.2-1B-Instruct'] },
    ...{ variant: 'instruct', variantByName: true, contextLength: 131072, licences: ['llama3.2'], compared: [] },
  },
};

const headline = (more: Partial<Inspection>): string =>
  text(inspectionLines({ ...INSPECTION, ...more })).split('\n')[0] ?? '';

describe('errorLines', () => {
  const error = (context: ConstructorParameters<typeof CheckpointError>[2], message = 'it is broken'): string =>
    text(errorLines(new CheckpointError('zip/no-end-record', message, context)));

  it('is one line with path, offset and code, then the hint', () => {
    expect(error({ path: 'a.pth', offset: 499, hint: 'download it again' })).toBe(
      'error: a.pth: it is broken (at 0x1f3)   [zip/no-end-record]\n  download it again\n',
    );
    expect(error({})).toBe('error: it is broken   [zip/no-end-record]\n');
  });

  it('does not repeat what the message says', () => {
    expect(error({ path: 'a.pth', offset: 499 }, 'a.pth breaks at 0x1f3')).toBe(
      'error: a.pth breaks at 0x1f3   [zip/no-end-record]\n',
    );
  });

  it('is harmless and bounded, whatever the file is called', () => {
    const shown = error({ path: '\u001b[2J\n' }, 'x'.repeat(1e6));
    expect(shown).toContain('\\u001b[2J\\u000a: xxx');
    expect(shown.length).toBeLessThan(1100);
  });

  it('has a sister for warnings', () => {
    expect(text(warningLines(['mind this', 'and that']))).toBe('warning: mind this\nwarning: and that\n');
  });
});

describe('inspectionLines', () => {
  it.each<[Partial<Inspection>, string]>([
    [{}, 'Llama3.2-1B-Instruct   Meta checkpoint, 1 shard   1.24 B parameters   2.47 GB'],
    [{ name: 'Llama3.2-1B' }, 'Llama3.2-1B   Meta checkpoint, 1 shard   1.24 B parameters   2.47 GB'],
    [
      { name: 'llama-2-7b-chat', release: 'Llama 1 or 2 7B', layout: 'hf', shardCount: 3 },
      'llama-2-7b-chat   Hugging Face folder, 3 files of weights   1.24 B parameters',
    ],
    [{ name: 'x', release: undefined, layout: 'gguf' }, 'x   GGUF file   1.24 B parameters   2.47 GB'],
    [{ name: 'x', release: undefined, layout: 'file' }, 'x   file of tensors   1.24 B parameters   2.47 GB'],
  ])('%j', (more, expected) => {
    expect(headline(more)).toBe(expected);
  });

  it('shows hyperparameters with and without scaling', () => {
    const scaling = { factor: 32, lowFreqFactor: 1, highFreqFactor: 4, originalContextLength: 8192 };
    const config = { ...SMALL_CONFIG, ropeTheta: 500_000, ropeScaling: scaling, tied: true };
    expect(text(inspectionLines({ ...INSPECTION, config }))).toContain(
      '  rope θ 500000, scaled ×32 from 8192 · norm ε 1e-5 · context 2048\n  output tied to embedding\n',
    );
    expect(text(inspectionLines(INSPECTION))).toContain(
      '  dim 32 · 2 layers · 4 heads, 2 kv · head dim 8 · ffn 48 · vocab 29\n' +
        '  rope θ 10000 · norm ε 1e-5 · context 2048 · output of its own\n',
    );
  });

  it('shows what params.json says where nothing more is known', () => {
    const params = {
      ...{ dim: 64, n_layers: 4, n_heads: 4, n_kv_heads: 2, vocab_size: -1, multiple_of: 32, norm_eps: 1e-5 },
      ...{
        rope_theta: 1e4,
        use_scaled_rope: false,
        vision_num_cross_attention_layers: 2,
        vision_chunk_size: undefined,
        vision_max_num_chunks: 4,
        llama4: undefined,
        sections: [],
      },
      ...{ quantization_args: undefined, lora_args: undefined },
      ...{ ffn_dim_multiplier: undefined, head_dim: undefined, unknownKeys: [] },
    };
    const vision = { ...INSPECTION, config: undefined, params, notes: ['a vision model'] };
    expect(text(inspectionLines(vision))).toContain('\n  a vision model\n\n  dim 64 · 4 layers · 4 heads, 2 kv\n');
  });

  it('mentions checkpoints in sub-folders', () => {
    expect(text(insideLines(['x/original']))).toBe('\n  also a checkpoint: x/original\n');
    expect(insideLines([])).toEqual([]);
  });
});

describe('fileLines', () => {
  it('says what each file is for', () => {
    const names = ['config.json', 'model.safetensors', 'model.safetensors.index.json', 'notes.txt', 'tokenizer.json'];
    const files = [...names, 'tokenizer.model'].map((name) => ({ name, size: 10 }));
    const tokenizer = {
      kind: 'byte-level-bpe',
      size: 1024,
      baseSize: 768,
      bosId: 1,
      eosId: 2,
      endToken: 'end',
    } as const;
    expect(fileLines({ files, tokenizer })).toEqual([
      '  config.json                   10 B  hyperparameters',
      '  model.safetensors             10 B  weights',
      '  model.safetensors.index.json  10 B  which tensor lies in which file',
      '  notes.txt                     10 B',
      '  tokenizer.json                10 B  byte-level BPE, 768 + 256 special',
      '  tokenizer.model               10 B  tiktoken ranks, 768 + 256 special',
    ]);
    const pieces = { ...tokenizer, kind: 'sentencepiece', size: 32000, baseSize: 32000 } as const;
    const model = [{ name: 'tokenizer.model', size: 10 }];
    expect(fileLines({ files: model, tokenizer: pieces })).toEqual([
      '  tokenizer.model  10 B  SentencePiece, 32,000 tokens',
    ]);
    expect(fileLines({ files: model, tokenizer: undefined })).toEqual(['  tokenizer.model  10 B  tokenizer']);
  });
});

describe('folders of several things', () => {
  it('lists checkpoints in one line each', () => {
    const error = new CheckpointError('llama/no-params', 'there is no params.json');
    const found = [
      { path: 'x/one', inspection: INSPECTION, error: undefined },
      {
        path: 'x/two.gguf',
        inspection: { ...INSPECTION, identity: undefined, layout: 'gguf' },
        error: undefined,
      } as const,
      {
        path: 'x/three',
        inspection: { ...INSPECTION, identity: undefined, config: undefined, kind: 'vision', shardCount: 8 },
        error: undefined,
      } as const,
      { path: 'x/four', inspection: undefined, error },
    ];
    expect(text(checkpointsLines('x', found))).toBe(`4 checkpoints   in x   7.41 GB

  one       shaped like Llama 3.2 1B            1.24 B  2.47 GB  Meta
  two.gguf  dim 32, 2 layers                    1.24 B  2.47 GB  GGUF
  three     vision                              1.24 B  2.47 GB  Meta, 8 files
  four      cannot be read   [llama/no-params]

  to see one of them: llama-inspect inspect PATH
`);
  });

  it('lists files of tensors', () => {
    const files = [{ ...INSPECTION, name: 'a.pth' }];
    expect(text(looseFilesLines('x', files))).toBe(`no checkpoint, but 1 file of tensors   in x   2.47 GB

  a.pth  0 tensors  2.47 GB

  to see their tensors: llama-inspect tensors PATH
`);
  });
});

describe('tensorsLines', () => {
  it('goes file by file, with layers in one row unless all are wanted', () => {
    const tensor = (name: string, file: string) => ({ name, file, dtype: 'BF16', shape: [2, 2], byteLength: 8 });
    const tensors = [
      tensor('l.0.w', 'd/a.pth'),
      tensor('l.1.w', 'd/a.pth'),
      { ...tensor('x', 'd/b.pth'), sharedWith: 'y' },
    ];
    expect(text(tensorsLines(tensors))).toBe(`3 tensors   in 2 files   24 B

a.pth
  tensor     shape  dtype  bytes  ×
  l.{0–1}.w  2 × 2  BF16     8 B  2

b.pth
  tensor  shape  dtype  bytes
  x       2 × 2  BF16     8 B
  x and y are one storage
`);
    expect(text(tensorsLines(tensors, { all: true }))).toContain('  l.1.w   2 × 2  BF16     8 B\n');
    expect(text(tensorsLines([]))).toBe('0 tensors   in 0 files   0 B\n');
  });
});

describe('conversions', () => {
  const tensor = (name: string, dtype: 'float16' | 'float32') => {
    const row = { name, dtype, shape: [2, 2], readRows: async () => new Uint8Array() };
    const place = { fileOffset: 256, byteLength: 8, from: name, loss: undefined, importance: undefined, finite: false };
    return { ...row, ...place, kind: 'tensor', tensor: row } as const;
  };
  const plan: ConversionPlan = {
    ...{ to: 'safetensors', type: 'f16', dtype: 'float16', byteLength: 24, decisions: [], warnings: [] },
    files: [
      { name: 'a.safetensors', byteLength: 16, pieces: [tensor('l.0.w', 'float16'), tensor('l.1.w', 'float16')] },
      { name: 'b.safetensors', byteLength: 8, pieces: [tensor('norm', 'float32')] },
    ],
    beforeWriting: async () => {},
  };
  const result = (more: Partial<ConversionResult> = {}): ConversionResult => {
    return { plan, loss: noLoss(), lossyTensors: [], ...more };
  };
  const facts: ConversionFacts = { source: 'in', output: 'out', seconds: 1.94, peakMemory: 71e6 };

  it('say what is about to be written', () => {
    expect(text(intentLines(plan))).toBe('  3 tensors: 2 float16, 1 float32   2 files   24 B\n');
    expect(text(intentLines({ ...plan, files: plan.files.slice(0, 1) }))).toContain(
      '  2 tensors, all float16   1 file',
    );
    expect(text(intentLines({ ...plan, files: [] }))).toContain('  0 tensors');
  });

  it('show where each tensor would lie', () => {
    expect(text(planLines(plan, 'out', { all: true }))).toBe(`would write out 24 B
  nothing was written, because --dry-run was given

  3 tensors: 2 float16, 1 float32   2 files   24 B

  a.safetensors  16 B  2 tensors
  b.safetensors   8 B  1 tensor

  tensor  shape  dtype    offset  file
  l.0.w   2 × 2  float16   0x100  a.safetensors
  l.1.w   2 × 2  float16   0x100  a.safetensors
  norm    2 × 2  float32   0x100  b.safetensors
`);
  });

  it('say what was written, and how to prove it', () => {
    expect(text(conversionLines(result(), facts))).toBe(
      'wrote out   24 B   1.9 s   peak memory 71 MB\n  to prove it: llama-inspect check in out\n',
    );
    const odd = { ...facts, source: "it's", output: 'a b', ropeFactor: 32 };
    expect(text(conversionLines(result(), odd))).toContain(`check 'it'\\''s' 'a b' --rope-factor 32\n`);
  });

  it('count what casting lost, worst tensors first', () => {
    const loss = { overflowed: 1, flushedToZero: 2000, rounded: 3 };
    const lossyTensors = [
      { name: 'a', dtype: 'float16' as const, loss },
      { name: 'b', dtype: 'float16' as const, loss: { ...noLoss(), rounded: 1 } },
      { name: 'c', dtype: 'float16' as const, loss: { ...noLoss(), flushedToZero: 1 } },
      { name: 'd', dtype: 'float16' as const, loss },
    ];
    expect(text(conversionLines(result({ loss, lossyTensors }), facts))).toContain(
      `  casting to float16 changed values: 1 number overflowed to infinity, 2,000
    numbers became zero, 3 numbers rounded
    a: 1 number overflowed to infinity, 2,000 numbers became zero, 3 numbers
      rounded
    c: 1 number became zero
  to prove it:`,
    );
  });
});

describe('logitsLines', () => {
  it('names the likeliest tokens, in order', () => {
    const logits = Float32Array.of(0, 3, 1, 2, NaN, 9, 8, 7, 6, 5);
    const result = { tokens: [4, 0], positions: [0, 9], rows: [0, 1], vocabSize: 5, logits };
    expect(text(logitsLines(result, undefined, undefined))).toBe(`logits of 2 tokens   5 each

  position  token  likeliest next
         0  4      1 (3.00)        3 (2.00)  2 (1.00)
         9  0      0 (9.00)        1 (8.00)  2 (7.00)
`);
  });
});

describe('demoLines', () => {
  it('tells which command did not do what it should', () => {
    const steps = [
      { argv: ['verify', 'x'], expected: 0, exitCode: 0 },
      { argv: ['check', 'x', 'y'], expected: 0, exitCode: 1 },
    ];
    expect(text(demoLines(steps.slice(0, 1), 4))).toBe(
      'DEMO PASSED   1 command in 4.0 s   the temporary folder is removed\n',
    );
    expect(text(demoLines(steps, 4))).toBe(
      'DEMO FAILED   1 of 2 commands in 4.0 s\n  check x y: exit code 1, 0 was expected\n',
    );
  });
});
