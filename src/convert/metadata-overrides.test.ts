import { describe, expect, it } from 'vitest';

import { openModel } from '../llama/open-model.js';
import { openDirectory } from '../source/directory.js';
import { modelFolder } from '../testing/fixtures.js';
import { convert, planConversion } from './convert.js';
import { parseMetadataOverride, withOverrides } from './metadata-overrides.js';
import { memoryOutput } from './output.js';

const METADATA = [
  { key: 'general.name', type: 'str', value: 'a' },
  { key: 'general.ready', type: 'bool', value: false },
  { key: 'llama.context_length', type: 'u32', value: 2048 },
  { key: 'tokenizer.ggml.tokens', type: 'arr[str]', value: ['a'] },
] as const;

const withTexts = (...texts: string[]) => withOverrides(METADATA, texts.map(parseMetadataOverride));

describe('values for the metadata', () => {
  it('take the place of those that are there, in their type, and stand behind them where they are new', () => {
    expect(
      withTexts(
        ...['general.name=b = c', 'general.ready=true', 'llama.context_length:u32=4096', 'general.author='],
        ...[
          'my.number:i8=-7',
          'my.float:F64=1e-3',
          'tokenizer.ggml.padding_token_id=4',
          'tokenizer.ggml.add_bos_token=false',
        ],
        ...['general.sampling.temp=0.7', 'general.sampling.top_k=20', 'general.sampling.sequence=kp'],
      ),
    ).toEqual([
      { key: 'general.name', type: 'str', value: 'b = c' },
      { key: 'general.ready', type: 'bool', value: true },
      { key: 'llama.context_length', type: 'u32', value: 4096 },
      METADATA[3],
      { key: 'general.author', type: 'str', value: '' },
      { key: 'my.number', type: 'i8', value: -7 },
      { key: 'my.float', type: 'f64', value: 0.001 },
      { key: 'tokenizer.ggml.padding_token_id', type: 'u32', value: 4 },
      { key: 'tokenizer.ggml.add_bos_token', type: 'bool', value: false },
      { key: 'general.sampling.temp', type: 'f32', value: 0.7 },
      { key: 'general.sampling.top_k', type: 'i32', value: 20 },
      { key: 'general.sampling.sequence', type: 'str', value: 'kp' },
    ]);
    expect(withOverrides(METADATA)).toEqual(METADATA);
  });

  it.each([
    ['name', 'no pair'],
    ['general.name', 'no pair'],
    ['=x', 'no pair'],
    ['general.architecture=qwen', 'follows from the tensors'],
    ['llama.attention.head_count=3', 'follows from the tensors'],
    ['split.count=3', 'follows from the tensors'],
    ['general.name:u8=3', 'is of type str, not u8'],
    ['my.key:arr=3', 'there is no type "arr"'],
    ['my.key:int=3', 'there is no type "int"'],
    ['llama.context_length=x', 'is of type u32'],
    ['llama.context_length=-1', 'is of type u32'],
    ['llama.context_length=1.5', 'is of type u32'],
    ['my.float:f32= ', 'is of type f32'],
    ['my.float:f32=Infinity', 'is of type f32'],
    ['my.float:f32=1e39', 'is of type f32'],
    ['my.count:u64=18446744073709551615', 'beyond 2^53 are neither written nor read'],
    ['my.count:i64=-9223372036854775808', 'beyond 2^53 are neither written nor read'],
    ['my.count:u64=18446744073709551616', 'is of type u64'],
    ['general.ready=1', 'is of type bool'],
    ['tokenizer.ggml.tokens=x', 'is an array'],
  ])('are refused: %s', (text, message) => {
    expect(() => withTexts(text)).toThrow(
      expect.objectContaining({ code: 'convert/bad-option', message: expect.stringContaining(message) as string }),
    );
  });

  it('are set once', () => {
    expect(() => withTexts('a.b=1', 'a.b=2')).toThrow(expect.objectContaining({ message: 'a.b is set twice' }));
  });

  it('stand in the file', async () => {
    await using model = await openModel(await openDirectory(modelFolder('llama3.2-tiny')));
    const output = memoryOutput();
    await convert(model, output, { to: 'gguf', metadata: [{ key: 'general.name', value: 'Ada' }] });
    await using again = await openModel(output.files.get('llama3.2-tiny.gguf')!);
    expect(again.gguf?.metadata.find(({ key }) => key === 'general.name')?.value).toBe('Ada');
  });

  it.each([
    ['llama3.2-tiny', 'tokenizer.ggml.bos_token_id=999999', 'bos_token_id'],
    ['llama3.2-tiny', 'tokenizer.ggml.model=foo', 'is of the kind "foo"'],
    ['llama3.2-tiny', 'tokenizer.ggml.pre=qwen2', 'by the rule "qwen2"'],
    ['llama3.2-tiny', 'llama.context_length=0', 'llama.context_length must be a positive integer'],
    ['llama3.2-tiny', 'llama.attention.layer_norm_rms_epsilon=0', 'epsilon must be a positive number'],
    ['llama3.2-tiny', 'llama.attention.layer_norm_rms_epsilon=1e-60', 'epsilon must be a positive number, found 0'],
    ['llama3.2-tiny', 'llama.rope.freq_base=10001', 'divisors that follow no rule'],
    ['llama3.2-tiny', 'llama.rope.scaling.type=linear', 'llama.rope.scaling.type is "linear"'],
    ['llama3.2-tiny', 'general.type=adapter', 'general.type is "adapter"'],
    ['llama2-tiny', 'tokenizer.ggml.eos_token_id=480', 'eos_token_id'],
  ])('with which the file could not be read again are refused: %s, %s', async (name, text, message) => {
    await using model = await openModel(await openDirectory(modelFolder(name)));
    const metadata = [parseMetadataOverride(text)];
    expect(() => planConversion(model, { to: 'gguf', metadata })).toThrow(
      expect.objectContaining({ code: 'convert/bad-option', message: expect.stringContaining(message) as string }),
    );
  });

  it('may change what a reader takes', async () => {
    await using model = await openModel(await openDirectory(modelFolder('llama2-tiny')));
    const texts = ['llama.rope.freq_base=5e5', 'llama.context_length=77', 'tokenizer.ggml.eos_token_id=4'];
    const output = memoryOutput();
    await convert(model, output, { to: 'gguf', metadata: texts.map(parseMetadataOverride) });
    await using again = await openModel(output.files.get('llama2-tiny.gguf')!);
    expect(again.config).toMatchObject({ ropeTheta: 500000, contextLength: 77 });
    expect(again.vocabulary?.eosId).toBe(4);
  });
});
