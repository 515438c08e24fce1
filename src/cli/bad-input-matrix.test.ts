/**
 * Everything that a checkpoint can be wrong in, and every command on it: one line with a code, exit code 2, and nothing
 * left behind; commands that need no Llama still answer.
 */
import { cpSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { describe, expect, it } from 'vitest';

import type { GgufMetadataEntry } from '../formats/gguf/plan.js';
import { copyOfModel, llamaInspect, llamaInspectJson, temporaryFolder } from '../testing/cli.js';
import { FIXTURES, modelFolder } from '../testing/fixtures.js';
import { SMALL_GGUF_METADATA, SMALL_GGUF_SHAPES, ggufBytes, smallHfFiles } from '../testing/small-checkpoints.js';

type Make = () => string;

/** What is wrong, how to make it, the code, and words of the message that name both sides. */
type Case = readonly [name: string, make: Make, code: string, words: readonly string[]];

/** A copy of a model of Meta's without its list, which would find the fault by hashes. */
function unlisted(name: string, change: (folder: string) => void): Make {
  return () => {
    const folder = copyOfModel(name);
    for (const file of readdirSync(folder)) if (file.endsWith('.chk')) rmSync(join(folder, file));
    change(folder);
    return folder;
  };
}

const params = (change: object, model = 'llama3-tiny'): Make =>
  unlisted(model, (folder) => {
    const path = join(folder, 'params.json');
    const changed: object = { ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...change };
    writeFileSync(path, JSON.stringify(changed));
  });

const shard = (from: string, number: string, as: string, model = 'llama3-tiny-4shards'): Make =>
  unlisted(model, (folder) => {
    cpSync(join(modelFolder(from), `consolidated.${number}.pth`), join(folder, `consolidated.${as}.pth`));
  });

const tokenizer = (from: string, model: string): Make =>
  unlisted(model, (folder) => {
    cpSync(join(modelFolder(from), 'tokenizer.model'), join(folder, 'tokenizer.model'));
  });

const hf = (change: object, files: Readonly<Record<string, string>> = {}): Make => {
  return () => {
    const folder = join(temporaryFolder(), 'hf');
    mkdirSync(folder);
    for (const [name, bytes] of Object.entries(smallHfFiles(change))) writeFileSync(join(folder, name), bytes);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return folder;
  };
};

const gguf = (
  entries: readonly GgufMetadataEntry[],
  shapes = SMALL_GGUF_SHAPES,
  without: readonly string[] = [],
): Make => {
  return () => {
    const path = join(temporaryFolder(), 'x.gguf');
    const changed = new Set([...entries.map(({ key }) => key), ...without]);
    const kept = SMALL_GGUF_METADATA.filter(({ key }) => !changed.has(key));
    writeFileSync(path, ggufBytes([...kept, ...entries], shapes));
    return path;
  };
};

const str = (key: string, value: string): GgufMetadataEntry => ({ key, type: 'str', value });
const u32 = (key: string, value: number): GgufMetadataEntry => ({ key, type: 'u32', value });

const LFS = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n';

const SHARDS: readonly Case[] = [
  [
    'a shard of another shape',
    shard('llama2-tiny-2shards', '01', '01'),
    'llama/mixed-shards',
    ['shape (512, 64) here, but (192, 128) in'],
  ],
  ['a whole model among shards', shard('llama3.2-tiny', '00', '02'), 'llama/mixed-shards', ['here, but (192, 128) in']],
  [
    'one model twice',
    shard('llama3.2-tiny', '00', '01', 'llama3.2-tiny'),
    'llama/mixed-shards',
    ['this is a whole checkpoint, but 2 are here'],
  ],
  [
    'a shard too few',
    unlisted('llama2-tiny-2shards', (folder) => rmSync(join(folder, 'consolidated.01.pth'))),
    'llama/missing-shard',
    ['parts of a checkpoint of 2, but one is here'],
  ],
  [
    'a shard missing in the middle',
    unlisted('llama3-tiny-4shards', (folder) => rmSync(join(folder, 'consolidated.01.pth'))),
    'llama/missing-shard',
    ['consolidated.01.pth is missing'],
  ],
  [
    'a params.json of another size',
    unlisted('llama3.2-tiny', (folder) => {
      cpSync(join(modelFolder('llama3-tiny-4shards'), 'params.json'), join(folder, 'params.json'));
    }),
    'llama/contradiction',
    [],
  ],
];

const PARAMS: readonly Case[] = [
  ['dim', params({ dim: 512 }), 'llama/wrong-shape', ['(720, 256)', '(720, 512)', 'of another model']],
  ['n_layers', params({ n_layers: 4 }), 'llama/contradiction', ['n_layers 4', 'of 3 layers']],
  ['n_heads', params({ n_heads: 8 }), 'llama/wrong-shape', ['wk.weight has shape (128, 256)', '(64, 256)']],
  ['n_kv_heads', params({ n_kv_heads: 4 }), 'llama/wrong-shape', ['wk.weight has shape (128, 256)', '(256, 256)']],
  ['n_kv_heads that do not divide', params({ n_kv_heads: 3 }), 'llama/bad-params', ['n_heads 4', 'n_kv_heads 3']],
  ['vocab_size', params({ vocab_size: 1440 }), 'llama/contradiction', ['vocab_size 1440', '720 rows']],
  ['ffn_dim_multiplier', params({ ffn_dim_multiplier: 1.3 }), 'llama/wrong-shape', ['(256, 256)', '(1024, 256)']],
  ['head_dim', params({ head_dim: 128 }), 'llama/bad-params', ['head_dim is 128', 'is 64']],
  ['norm_eps', params({ norm_eps: 0 }), 'llama/bad-params', ['norm_eps must be > 0, found 0']],
  ['rope_theta', params({ rope_theta: '500000' }), 'llama/bad-params', ['rope_theta must be number, found "500000"']],
  ['no dim', params({ dim: undefined }), 'llama/bad-params', ['dim is missing']],
  ['moe_args', params({ moe_args: {} }), 'llama/contradiction', ['of a Llama 4', 'the tensors are not']],
  [
    'cross-attention',
    params({ vision_num_cross_attention_layers: 1 }),
    'llama/contradiction',
    ['vision_num_cross_attention_layers 1', 'no tensor is of such a layer'],
  ],
  [
    'quantization_args',
    params({ quantization_args: { scheme: 'int4_weight_int8_dynamic_activation' } }),
    'llama/contradiction',
    ['quantization_args', 'no weight is int8'],
  ],
];

const TOKENIZERS: readonly Case[] = [
  [
    'of Llama 3 beside Llama 2',
    tokenizer('llama3-tiny', 'llama2-tiny'),
    'tokenizer/size-mismatch',
    ['720', '480 rows'],
  ],
  [
    'of Llama 2 beside Llama 3',
    tokenizer('llama2-tiny', 'llama3-tiny'),
    'tokenizer/size-mismatch',
    ['480', '720 rows'],
  ],
  ['of another Llama 3', tokenizer('llama3.2-tiny', 'llama3-tiny'), 'tokenizer/size-mismatch', ['1024', '720 rows']],
];

const HF: readonly Case[] = [
  ...['mistral', 'qwen2', 'gemma', 'phi3', 'mixtral', 'gpt2', 'whisper', 'llava'].map((type): Case => [
    type,
    hf({ model_type: type }),
    'llama/unsupported',
    [`model_type is "${type}"`, 'only "llama"'],
  ]),
  ['no model_type', hf({ model_type: undefined }), 'llama/unsupported', ['there is no model_type']],
  [
    'two architectures',
    hf({ architectures: ['MistralForCausalLM'] }),
    'llama/contradiction',
    ['architectures is ["MistralForCausalLM"]', 'model_type is "llama"'],
  ],
  ['layers', hf({ num_hidden_layers: 2 }), 'llama/contradiction', ['num_hidden_layers 2', 'of 1 layers']],
  ['a wide model', hf({ hidden_size: 16 }), 'llama/wrong-shape', ['(6, 8)', 'config.json asks for (6, 16)']],
  ['a vocabulary', hf({ vocab_size: 7 }), 'llama/wrong-shape', ['(6, 8)', 'config.json asks for (7, 8)']],
  ['an output', hf({ tie_word_embeddings: false }), 'llama/missing-tensor', ['the tensor lm_head.weight is missing']],
  ['half a rotation', hf({ partial_rotary_factor: 0.5 }), 'llama/unsupported', ['partial_rotary_factor is 0.5']],
  ['an error page', hf({}, { 'config.json': '<!DOCTYPE html><title>401</title>' }), 'source/html-page', ['HTML page']],
];

const GGUF: readonly Case[] = [
  ['layers', gguf([u32('llama.block_count', 2)]), 'llama/contradiction', ['llama.block_count 2', 'of 1 layers']],
  ['width', gguf([u32('llama.embedding_length', 16)]), 'llama/wrong-shape', ['(6, 8)', 'the metadata asks for']],
  ['vocabulary', gguf([u32('llama.vocab_size', 9)]), 'llama/contradiction', ['llama.vocab_size is 9', '6 rows']],
  ['missing key', gguf([], SMALL_GGUF_SHAPES, ['llama.context_length']), 'llama/bad-config', ['is missing']],
  [
    'missing tensor',
    gguf([], Object.fromEntries(Object.entries(SMALL_GGUF_SHAPES).filter(([name]) => !name.includes('attn_k')))),
    'llama/missing-tensor',
    ['the tensor blk.0.attn_k.weight is missing'],
  ],
];

/** GGUF files that are no Llama: `inspect` lists what is in them, with the reason. */
const OTHER_GGUF: readonly Case[] = [
  ...['qwen2', 'mamba', 'clip', 'llama4'].map((name): Case => [
    name,
    gguf([str('general.architecture', name)]),
    'llama/unsupported',
    [`is "${name}", only "llama"`],
  ]),
  ['none', gguf([], SMALL_GGUF_SHAPES, ['general.architecture']), 'llama/unsupported', ['no general.architecture']],
  ['adapter', gguf([str('general.type', 'adapter')]), 'llama/unsupported', ['general.type is "adapter"', '--lora']],
  ['vocabulary', gguf([], {}), 'llama/unsupported', ['there are no tensors', 'llama-inspect tokenize takes it']],
  ['imatrix', () => join(FIXTURES, 'imatrix', 'tiny.gguf'), 'llama/unsupported', ['is "imatrix"', '--imatrix']],
];

const GOOD = modelFolder('llama2-tiny');

/** Every command that opens a model, on this one; outputs go below `place`. */
function commandsOn(path: string, place: string): string[][] {
  return [
    ['convert', path, '--to', 'safetensors', '-o', join(place, 'deep', 'hf')],
    ['convert', path, '--to', 'gguf', '-o', join(place, 'deep', 'x.gguf')],
    ['convert', path, '--to', 'gguf', '--type', 'q8_0', '-o', join(place, 'deep', 'q.gguf')],
    ['convert', path, '--to', 'meta', '-o', join(place, 'deep', 'meta')],
    ['check', GOOD, path],
    ['diff', path, GOOD],
    ['logits', path, '--tokens', '1'],
    ['tokenize', path, 'hello'],
    ['fingerprint', path],
  ];
}

async function expectRefusal(argv: readonly string[], code: string, words: readonly string[]): Promise<void> {
  const { code: exit, stdout, stderr } = await llamaInspect(...argv);
  expect([argv[0], exit, stdout]).toEqual([argv[0], 2, '']);
  const [line = '', ...hints] = stderr.trimEnd().split('\n');
  expect(line).toMatch(/^error: .+ {3}\[[a-z]+\/[a-z-]+\]$/);
  expect(line).toContain(`[${code}]`);
  for (const hint of hints) expect(hint).toMatch(/^ {2}\S/);
  for (const word of words) expect(stderr.replace(/\s+/g, ' ')).toContain(word);
  expect(stderr).not.toMatch(/undefined|NaN|\[object|^\s+at /m);
  const { code: jsonExit, answer } = await llamaInspectJson<{ error: { code: string } }>(...argv);
  expect([jsonExit, answer.error.code]).toEqual([2, code]);
}

async function expectAllRefuse(make: Make, code: string, words: readonly string[]): Promise<void> {
  const [path, place] = [make(), temporaryFolder()];
  const before = readdirSync(dirname(path));
  for (const argv of commandsOn(path, place)) await expectRefusal(argv, code, words);
  expect(readdirSync(place)).toEqual([]);
  expect(readdirSync(dirname(path))).toEqual(before);
  expect((await llamaInspect('tensors', path)).code).toBe(0);
  expect((await llamaInspect('scan', path)).code).toBe(0);
}

describe.each([
  ['shards', SHARDS],
  ['params.json', PARAMS],
  ['a tokenizer', TOKENIZERS],
  ['config.json', HF],
  ['a GGUF file', GGUF],
])('%s', (_, cases) => {
  it.each(cases)('that is wrong is refused by every command: %s', async (_name, make, code, words) => {
    await expectRefusal(['inspect', make()], code, words);
    await expectAllRefuse(make, code, words);
    expect((await llamaInspect('verify', make())).code).toBe(1);
  });
});

describe('a GGUF file that is no Llama', () => {
  it.each(OTHER_GGUF)('is listed by inspect and refused by the others: %s', async (name, make, code, words) => {
    const { code: exit, stdout } = await llamaInspect('inspect', make());
    expect([exit, stdout.replace(/\s+/g, ' ')]).toEqual([0, expect.stringContaining(words[0] ?? '') as unknown]);
    if (name !== 'vocabulary') await expectAllRefuse(make, code, words);
    else await expectRefusal(['fingerprint', make()], code, words);
  });

  it('is tokenized with where it is a vocabulary alone', async () => {
    const model = join(temporaryFolder(), 'whole.gguf');
    expect((await llamaInspect('convert', GOOD, '--to', 'gguf', '-o', model)).code).toBe(0);
    const { openGgufFile } = await import('../formats/gguf/read.js');
    const { metadataEntry, readMetadataValues } = await import('../formats/gguf/metadata.js');
    const { openFileSource } = await import('../source/file.js');
    const file = await openGgufFile(await openFileSource(model));
    const entries = [...(await readMetadataValues(file.metadata, file.metadata.keys()))].map(metadataEntry);
    await file.close();
    const alone = join(temporaryFolder(), 'vocabulary.gguf');
    writeFileSync(alone, ggufBytes(entries, {}));
    const whole = await llamaInspectJson<{ tokens: unknown }>('tokenize', model, 'hello');
    const found = await llamaInspectJson<{ tokens: unknown }>('tokenize', alone, 'hello');
    expect(whole.answer.tokens).toHaveLength(4);
    expect([found.code, found.answer.tokens]).toEqual([0, whole.answer.tokens]);
  });
});

describe('a pointer of Git LFS in place of weights', () => {
  it('is called so by every command', async () => {
    const folder = hf({}, { 'model.safetensors': LFS })();
    const words = ['a safetensors file was expected, but this is a Git LFS pointer', 'git lfs pull'];
    for (const argv of [['inspect', folder], ...commandsOn(folder, temporaryFolder())]) {
      await expectRefusal(argv, 'source/lfs-pointer', words);
    }
  });
});

describe('shards in another order', () => {
  it('are known by their list alone: each is whole, and no shape tells their place', async () => {
    const folder = copyOfModel('llama3-tiny-4shards');
    renameSync(join(folder, 'consolidated.01.pth'), join(folder, 'x'));
    renameSync(join(folder, 'consolidated.02.pth'), join(folder, 'consolidated.01.pth'));
    renameSync(join(folder, 'x'), join(folder, 'consolidated.02.pth'));
    const { code, stdout } = await llamaInspect('verify', folder);
    expect([code, stdout]).toEqual([1, expect.stringContaining('2 of 6 listed files differ') as unknown]);
  });
});
