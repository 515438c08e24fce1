/** Which chat template goes where, and that templates of others pass through every conversion unchanged. */
import { describe, expect, it } from 'vitest';

import type { LlamaModel } from '../llama/model.js';
import { openModel } from '../llama/open-model.js';
import { inspectModel } from '../llama/inspect.js';
import { memoryFolder } from '../source/folder.js';
import { openFixture } from '../testing/fixture-models.js';
import { plannedText } from '../testing/planned-files.js';
import { CHAT_TEMPLATES, type ChatFormat } from '../tokenizer/chat-template/formats.js';
import type { ChatTemplates } from '../tokenizer/chat-template/templates.js';
import { withChosenTemplates } from './chat-template.js';
import { convert, planConversion } from './convert.js';
import type { ConvertOptions } from './options.js';
import { memoryOutput } from './output.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const MINE = '{#- mine -#}\n{{ messages[0].content }} — ünïcode\n';
const GIVEN = { text: '{{ bos_token }}', file: 'x/given.jinja' };
const NAMED: ChatTemplates = { main: MINE, named: [{ name: 'tool-use', template: '{{ tools }}' }, { name: 'rag', template: '{{ documents }}' }], from: 'somewhere' }; // prettier-ignore

/** The fixture with facts of its own, among them whether its name says that it is for chats. */
async function fixture(name: string, change: Partial<LlamaModel> = {}): Promise<LlamaModel> {
  const model = await openFixture(name);
  return { ...model, ...change };
}

/** What a conversion wrote, opened again. */
async function converted(model: LlamaModel, options: ConvertOptions): Promise<LlamaModel> {
  const output = memoryOutput();
  await convert(model, output, { ...options, ...(options.to === 'gguf' ? { fileName: 'x.gguf' } : {}) });
  if (options.to === 'gguf') return openModel(output.files.get('x.gguf')!);
  return openModel(memoryFolder(Object.fromEntries(output.files), 'x'));
}

/** Keys of a GGUF model's metadata from the tokens on. */
const lastKeys = ({ gguf }: LlamaModel): string[] =>
  gguf!.metadata.map(({ key }) => key).filter((key) => /^tokenizer\.(?!ggml\.(?:tokens|token_type|scores))/.test(key));

describe('the template of a model that has none', () => {
  it.each<[string, string, ChatFormat | undefined]>([
    ['llama2-tiny', 'llama-2-tiny-chat', 'llama2'],
    ['llama2-tiny', 'llama-2-tiny', undefined],
    ['llama3-tiny', 'Llama-3-tiny-Instruct', 'llama3'],
    ['llama3.2-tiny', 'Llama3.2-tiny-Instruct', 'llama3.1'],
    ['llama3.2-tiny', 'Llama3.2-tiny', undefined],
    ['llama3.2-tiny', 'Llama-Guard-3-tiny-Instruct', undefined],
    ['llama1-tiny', 'llama-7b-chat', undefined],
  ])('of the fixture %s called %s is that of %s, in both formats', async (name, called, format) => {
    await using model = await fixture(name, { name: called });
    for (const to of ['safetensors', 'gguf'] as const) {
      await using made = await converted(model, { to });
      expect(made.chatTemplates?.main).toBe(format && CHAT_TEMPLATES[format]);
      expect(made.chatTemplates?.named ?? []).toEqual([]);
      expect(inspectModel(made).chatTemplate?.ours).toBe(format);
    }
  });

  it('that is given is written where there is no tokenizer, too', async () => {
    await using model = await fixture('llama3.2-tiny', { vocabulary: undefined });
    await using made = await converted(model, { to: 'safetensors', chatTemplate: GIVEN });
    expect(made.vocabulary).toBeUndefined();
    expect(made.chatTemplates).toEqual({ main: GIVEN.text, named: [], from: 'chat_template.jinja' });
  });

  it('is told with its reason, and a base model’s is not spoken of', async () => {
    await using model = await fixture('llama3.2-tiny');
    const told = (name: string): string[] =>
      planConversion({ ...model, name }, { to: 'gguf' })
        .decisions.filter(({ about }) => about === 'chat template')
        .map(({ value, because }) => `${value}: ${because}`);
    expect(told('a-Instruct')).toEqual([
      'llama-inspect’s for Llama 3.1 to 3.3: the source has none, and it is an instruct model',
    ]);
    expect(told('Llama-Guard-3-1B-Instruct')).toEqual([
      'none: Llama Guard judges by a prompt of its own, which is no chat',
    ]);
    expect(told('a')).toEqual([]);
  });

  it('stays absent where its tokens are not there', async () => {
    await using model = await fixture('llama3.2-tiny', { name: 'a-Instruct' });
    const { vocabulary } = model;
    const pieces = vocabulary!.pieces.map((piece) => piece.replace('<|eot_id|>', '<|end|>'));
    const other = { ...model, vocabulary: { ...vocabulary!, pieces } };
    expect(withChosenTemplates(other, { to: 'gguf' }).chatTemplates).toBeUndefined();
  });

  it('stays absent in a GGUF file made of a GGUF file, which keeps its pairs', async () => {
    await using model = await fixture('llama3.2-tiny', { name: 'a-Instruct' });
    await using bare = await converted(model, { to: 'gguf', chatTemplate: null });
    await using again = await converted({ ...bare, name: 'a-Instruct' }, { to: 'gguf' });
    expect(again.gguf?.metadata).toEqual(bare.gguf?.metadata);
    await using folder = await converted({ ...bare, name: 'a-Instruct' }, { to: 'safetensors' });
    expect(folder.chatTemplates?.main).toBe(CHAT_TEMPLATES['llama3.1']);
  });
});

describe('where templates stand in a GGUF file', () => {
  it.each([
    ['llama3.2-tiny', 'tokenizer.ggml.add_sep_token'],
    ['llama2-tiny', 'tokenizer.ggml.add_eos_token'],
  ])('made of %s: behind %s, named ones before the main one, as gguf-py writes them', async (name, before) => {
    await using model = await fixture(name, { chatTemplates: NAMED });
    await using made = await converted(model, { to: 'gguf' });
    const keys = lastKeys(made);
    expect(keys.slice(keys.indexOf(before) + 1)).toEqual([
      'tokenizer.chat_template.tool_use',
      'tokenizer.chat_template.rag',
      'tokenizer.chat_templates',
      'tokenizer.chat_template',
    ]);
    const entry = made.gguf!.metadata.find(({ key }) => key === 'tokenizer.chat_templates');
    expect(entry).toMatchObject({ type: 'arr[str]', value: ['tool_use', 'rag'] });
  });

  it('before add_space_prefix, which the converter writes later', async () => {
    await using model = await fixture('llama2-tiny', { chatTemplates: { ...NAMED, named: [] } });
    const vocabulary = { ...model.vocabulary!, spaces: { addPrefix: false, removeExtra: false } };
    await using made = await converted({ ...model, vocabulary }, { to: 'gguf' });
    expect(lastKeys(made).slice(-2)).toEqual(['tokenizer.chat_template', 'tokenizer.ggml.add_space_prefix']);
  });
});

describe('templates of the source', () => {
  it('pass through both formats and back unchanged', async () => {
    const named = NAMED.named.map((one) => ({ ...one, name: one.name.replace('-', '_') }));
    await using model = await fixture('llama3.2-tiny', { chatTemplates: { ...NAMED, named } });
    const through = async (...formats: readonly ('gguf' | 'safetensors')[]): Promise<ChatTemplates | undefined> => {
      let current = model;
      for (const to of formats) current = await converted(current, { to });
      return current.chatTemplates;
    };
    const all = { main: MINE, named };
    expect(await through('safetensors')).toEqual({ ...all, from: 'tokenizer_config.json' });
    expect(await through('gguf')).toEqual({ ...all, from: 'the metadata' });
    expect(await through('gguf', 'safetensors', 'gguf', 'gguf')).toEqual({ ...all, from: 'the metadata' });
  });

  it('are told as the source’s own, and given up with a warning where Meta’s layout has no place for them', async () => {
    await using model = await fixture('llama3.2-tiny', { chatTemplates: NAMED });
    expect(planConversion(model, { to: 'gguf' }).decisions.at(-1)).toEqual({
      ...{ about: 'chat template', value: 'the source’s own', because: 'it is in somewhere of the source' },
    });
    const warning = "Meta's layout has no place for a chat template: that in somewhere is left out";
    expect(planConversion(model, { to: 'meta' }).warnings).toContain(warning);
    const ours = { ...model, chatTemplates: { main: CHAT_TEMPLATES.llama3, named: [], from: 'x' } };
    expect(planConversion(ours, { to: 'meta' }).warnings).not.toContain(warning);
  });

  it.each<[string, Record<string, string>, Partial<ChatTemplates> | undefined]>([
    ['a string', { 'tokenizer_config.json': JSON.stringify({ chat_template: MINE }) }, { main: MINE, named: [] }],
    ['nothing', { 'tokenizer_config.json': JSON.stringify({ chat_template: null }) }, undefined],
    ['an empty one', { 'tokenizer_config.json': JSON.stringify({ chat_template: '' }) }, undefined],
    [
      'a list',
      {
        'tokenizer_config.json': JSON.stringify({
          chat_template: [{ name: 'default', template: MINE }, ...NAMED.named],
        }),
      },
      { main: MINE, named: NAMED.named },
    ],
    [
      'a list without a main one',
      { 'tokenizer_config.json': JSON.stringify({ chat_template: NAMED.named }) },
      { main: undefined, named: NAMED.named },
    ],
    ['a file of its own', { 'chat_template.jinja': MINE }, { main: MINE, from: 'chat_template.jinja' }],
    [
      'a file of its own and another',
      { 'chat_template.jinja': MINE, 'tokenizer_config.json': '{"chat_template":"{{ 1 }}"}' },
      { main: MINE },
    ],
    [
      'the processor’s file',
      { 'chat_template.json': JSON.stringify({ chat_template: MINE }) },
      { main: MINE, from: 'chat_template.json' },
    ],
  ])('of a Hugging Face folder with %s', async (_, files, expected) => {
    // prettier-ignore
    const found = await folderWith(files);
    if (expected === undefined) expect(found).toBeUndefined();
    else expect(found).toMatchObject(expected);
  });

  it.each<[string, Record<string, Uint8Array | string>, string]>([
    [
      'a number',
      { 'tokenizer_config.json': '{"chat_template": 1}' },
      'chat_template must be a string or a list, found number',
    ],
    [
      'a list of strings',
      { 'tokenizer_config.json': '{"chat_template": ["{{ 1 }}"]}' },
      'each chat template of a list must have a name and a template',
    ],
    [
      'one name twice',
      { 'tokenizer_config.json': '{"chat_template": [{"name":"a","template":""},{"name":"a","template":""}]}' },
      'there are two chat templates named "a"',
    ],
    ['bytes that are no text', { 'chat_template.jinja': new Uint8Array([0xff, 0xfe, 0]) }, 'the file is not UTF-8'],
    ['an empty file', { 'chat_template.jinja': ' \n' }, 'the file is empty'],
    ['NUL bytes', { 'chat_template.jinja': '{{ a }}\0' }, 'the file holds NUL bytes: it is no text'],
    ['no tag', { 'chat_template.jinja': 'hello' }, 'this is no Jinja template: it has no {{ and no {% in it'],
  ])('are refused where the folder has %s', async (_, files, message) => {
    // prettier-ignore
    const error = await folderWith(files).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'tokenizer/bad-template', message });
  });

  it('are refused where a GGUF file has something else under their key', async () => {
    await using model = await fixture('llama3.2-tiny');
    await using made = await converted(model, { to: 'gguf' });
    const metadata = [...made.gguf!.metadata, { key: 'tokenizer.chat_template', type: 'u32', value: 1 } as const];
    const wrong = converted({ ...made, gguf: { ...made.gguf!, metadata } }, { to: 'gguf' });
    await expect(wrong).rejects.toMatchObject({
      ...{ code: 'tokenizer/bad-template', message: 'tokenizer.chat_template is no string' },
    });
  });
});

/** Chat templates of a folder that has these files too. */
async function folderWith(files: Readonly<Record<string, Uint8Array | string>>): Promise<ChatTemplates | undefined> {
  await using model = await fixture('llama3.2-tiny');
  const output = memoryOutput();
  await convert(model, output, { to: 'safetensors' });
  const more = Object.entries(files).map(
    ([name, file]) => [name, typeof file === 'string' ? utf8(file) : file] as const,
  );
  await using made = await openModel(
    memoryFolder({ ...Object.fromEntries(output.files), ...Object.fromEntries(more) }),
  );
  return made.chatTemplates;
}

describe('a template that is given', () => {
  it.each(['gguf', 'safetensors'] as const)('takes the place of every other in %s', async (to) => {
    await using base = await fixture('llama3.2-tiny');
    await using carrying = await converted({ ...base, chatTemplates: NAMED }, { to: 'gguf' });
    for (const source of [base, { ...base, name: 'a-Instruct' }, { ...base, chatTemplates: NAMED }, carrying]) {
      await using made = await converted(source, { to, chatTemplate: GIVEN });
      expect(made.chatTemplates).toMatchObject({ main: GIVEN.text, named: [] });
      await using none = await converted(source, { to, chatTemplate: null });
      expect(none.chatTemplates).toBeUndefined();
    }
  });

  it('stands in a GGUF file where the source’s own stood', async () => {
    await using base = await fixture('llama3.2-tiny');
    await using carrying = await converted({ ...base, chatTemplates: { ...NAMED, named: [] } }, { to: 'gguf', type: 'q8_0' }); // prettier-ignore
    await using made = await converted(carrying, { to: 'gguf', chatTemplate: GIVEN });
    const keys = (model: LlamaModel): string[] => model.gguf!.metadata.map(({ key }) => key);
    expect(keys(made)).toEqual(keys(carrying));
    expect(keys(made).at(-1)).toBe('general.file_type');
    await using none = await converted(base, { to: 'gguf', type: 'q8_0' });
    await using added = await converted(none, { to: 'gguf', chatTemplate: GIVEN });
    expect(keys(added)).toEqual(keys(carrying));
  });

  it.each([GIVEN, null])('is refused for Meta’s layout', async (chatTemplate) => {
    await using model = await fixture('llama3.2-tiny');
    expect(() => planConversion(model, { to: 'meta', chatTemplate })).toThrow(
      'chatTemplate is for safetensors and GGUF',
    );
  });
});

describe('models that are more than text', () => {
  it('of Llama 3.2 Vision have it beside the tokenizer and where the processor looks', async () => {
    await using model = await fixture('llama3.2-vision-tiny', { name: 'Llama-3.2-Vision-tiny-Instruct' });
    const { files } = planConversion(model, { to: 'safetensors' });
    for (const name of ['tokenizer_config.json', 'chat_template.json']) {
      expect(JSON.parse(plannedText(files, name) ?? '')).toMatchObject({
        chat_template: CHAT_TEMPLATES['llama3.2-vision'],
      });
    }
    const base = planConversion({ ...model, name: 'x' }, { to: 'safetensors' });
    expect(base.files.map(({ name }) => name)).not.toContain('chat_template.json');
  });

  it('of Llama 3.2 Vision have a given one in every file of a folder that is made of another, and none where none was asked for', async () => {
    await using model = await fixture('llama3.2-vision-tiny', { name: 'Llama-3.2-Vision-tiny-Instruct' });
    const output = memoryOutput();
    await convert(model, output, { to: 'safetensors' });
    await using folder = await openModel(memoryFolder(Object.fromEntries(output.files), 'x'));
    const templatesOf = async (chatTemplate: typeof GIVEN | null): Promise<unknown[]> => {
      const made = memoryOutput();
      await convert(folder, made, { to: 'safetensors', chatTemplate });
      return ['tokenizer_config.json', 'chat_template.json'].map((name) => {
        const bytes = made.files.get(name);
        const json = bytes && (JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>);
        return json && (json['chat_template'] ?? 'no member');
      });
    };
    expect(await templatesOf(GIVEN)).toEqual([GIVEN.text, GIVEN.text]);
    expect(await templatesOf(null)).toEqual(['no member', undefined]);
  });
});
