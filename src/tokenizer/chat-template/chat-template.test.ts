/**
 * The templates against the texts that Meta's code composes; those are computed by `fixtures/chat/meta_chat.py`, which
 * also renders the templates by transformers. Here they are rendered by Hugging Face's package for JavaScript.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Template } from '@huggingface/jinja';
import { describe, expect, it } from 'vitest';

import { PROJECT } from '../../testing/built.js';
import { FIXTURES } from '../../testing/fixtures.js';
import { CHAT_TEMPLATES, type ChatFormat, chatFormatOf, formatOfTemplate } from './formats.js';

interface Chat {
  readonly messages: readonly Record<string, unknown>[];
  readonly prompt: boolean;
  /** By format; null where Meta's code refuses the dialog. */
  readonly texts: Readonly<Partial<Record<ChatFormat, string | null>>>;
}

const CHATS = JSON.parse(readFileSync(join(FIXTURES, 'chat', 'chats.json'), 'utf8')) as Chat[];
const FORMATS = Object.keys(CHAT_TEMPLATES) as ChatFormat[];

const compiled = new Map(FORMATS.map((format) => [format, new Template(CHAT_TEMPLATES[format])]));

function render(format: ChatFormat, variables: Record<string, unknown>): string {
  const sentencePiece = format === 'llama2' || format === 'code-llama-70b';
  const tokens = sentencePiece
    ? { bos_token: '<s>', eos_token: '</s>' }
    : { bos_token: '<|begin_of_text|>', eos_token: '<|eot_id|>' };
  return compiled.get(format)!.render({ ...tokens, ...variables });
}

describe.each(FORMATS)('the chat template of %s', (format) => {
  const chats = CHATS.filter(({ texts }) => texts[format] !== undefined);

  it('renders every dialog to the text of Meta’s code, and refuses those that it refuses', () => {
    const refused = chats.filter(({ texts }) => texts[format] === null);
    expect(chats.length - refused.length).toBeGreaterThan(40);
    expect(refused.length).toBeGreaterThan(1);
    const wrong = chats.filter(({ messages, prompt, texts }) => {
      const variables = { messages, add_generation_prompt: prompt };
      if (texts[format] !== null) return render(format, variables) !== texts[format];
      try {
        render(format, variables);
        return true;
      } catch (error) {
        return !/role|message|text only/.test((error as Error).message);
      }
    });
    expect(wrong).toEqual([]);
  });

  it('is recognised as ours, and is all tags that strip the white space around them', () => {
    expect(formatOfTemplate(CHAT_TEMPLATES[format])).toBe(format);
    const tags = CHAT_TEMPLATES[format].match(/\{[{%#].*?[}%#]\}/gs)!;
    expect(tags.every((tag) => /^\{[{%#]-.*-[}%#]\}$/s.test(tag))).toBe(true);
    expect(CHAT_TEMPLATES[format].replaceAll(/\{[{%#].*?[}%#]\}/gs, '').trim()).toBe('');
  });
});

/** Meta’s formats have no place for tools but the system message; what stands there is worded here. */
describe.each(['llama3.1', 'llama3.2-vision', 'llama4'] as const)('tools in the chat template of %s', (format) => {
  const weather = {
    type: 'function',
    function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
  };
  const user = { role: 'user', content: 'Rain?' };
  const about = [
    'You can call the functions below, each described by JSON.',
    '{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}',
    'To call one, answer with this JSON and nothing else: {"type": "function", "name": NAME, "parameters": {ARGUMENT: VALUE}}',
    'Where no function helps, answer in words.',
  ].join('\n');
  const plain = (messages: readonly unknown[]): string => render(format, { messages, add_generation_prompt: true });

  it('stand in the system message, before what it says', () => {
    const messages = [{ role: 'system', content: 'Be brief.' }, user];
    const told = [{ role: 'system', content: `${about}\n\nBe brief.` }, user];
    expect(render(format, { messages, tools: [weather], add_generation_prompt: true })).toBe(plain(told));
  });

  it('get a system message of their own where there is none', () => {
    const told = plain([{ role: 'system', content: about }, user]);
    expect(render(format, { messages: [user], tools: [weather], add_generation_prompt: true })).toBe(told);
  });

  it('change nothing where there are none', () => {
    expect(render(format, { messages: [user], tools: [], add_generation_prompt: true })).toBe(plain([user]));
  });

  const call = (name: string, args: unknown, more: object = {}): object => ({
    ...{ role: 'assistant', content: null, tool_calls: [{ type: 'function', function: { name, arguments: args } }] },
    ...more,
  });

  it('are called with arguments as an object, as JSON in a string, or without a function around them', () => {
    const asObject = plain([user, call('weather', { city: 'Oslo' })]);
    expect(asObject).toContain('{"type": "function", "name": "weather", "parameters": {"city": "Oslo"}}');
    expect(plain([user, call('weather', '{"city": "Oslo"}')])).toBe(asObject);
    const bare = { role: 'assistant', content: '', tool_calls: [{ name: 'weather', arguments: { city: 'Oslo' } }] };
    expect(plain([user, bare])).toBe(asObject);
  });

  it('that are built in end the message and not the turn, unless the message says otherwise', () => {
    const search = call('brave_search', { query: 'rain' });
    expect(plain([user, search])).toBe(plain([user, { ...search, stop_reason: 'end_of_message' }]));
    expect(plain([user, search])).not.toBe(plain([user, { ...search, stop_reason: 'end_of_turn' }]));
    expect(() => plain([user, call('brave_search', '{"query": "rain"}')])).toThrow('must be an object');
  });

  it('get letters beyond ASCII as they are, which Meta’s code escapes', () => {
    expect(plain([user, call('weather', { city: 'Tromsø' })])).toContain('"parameters": {"city": "Tromsø"}}');
  });

  it('may answer under the role ipython too', () => {
    const answer = { role: 'ipython', content: 'wet' };
    expect(plain([user, answer])).toBe(plain([user, { ...answer, role: 'tool' }]));
  });
});

describe('chatFormatOf', () => {
  const turns = ['<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>'];

  it.each<[string, 'sentencepiece' | 'byte-level-bpe', readonly string[], ChatFormat | undefined]>([
    ['SentencePiece', 'sentencepiece', ['<s>', '</s>'], 'llama2'],
    ['SentencePiece with <step>', 'sentencepiece', ['<s>', '</s>', '<step>'], 'code-llama-70b'],
    ['tokens of Llama 3', 'byte-level-bpe', turns, 'llama3'],
    ['tokens of Llama 3.1', 'byte-level-bpe', [...turns, '<|eom_id|>', '<|python_tag|>'], 'llama3.1'],
    ['no tokens for turns', 'byte-level-bpe', ['<|begin_of_text|>'], undefined],
  ])('%s', (_, kind, pieces, expected) => {
    expect(chatFormatOf({ kind, pieces })).toBe(expected);
  });
});

describe('formatOfTemplate', () => {
  it('knows no template of others', () => {
    expect(formatOfTemplate('{{ bos_token }}')).toBeUndefined();
    expect(formatOfTemplate('{#- llama-inspect chat template: llama9 -#}')).toBeUndefined();
  });
});

describe('docs/chat-templates.md', () => {
  const page = readFileSync(join(PROJECT, 'docs', 'chat-templates.md'), 'utf8');
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Two plus two?' },
    { role: 'assistant', content: 'Four.' },
    { role: 'user', content: 'Sure?' },
  ];
  const user = { role: 'user', content: 'Rain in Oslo?' };
  const call = { type: 'function', function: { name: 'weather', arguments: { city: 'Oslo' } } };
  const called = [user, { role: 'assistant', content: '', tool_calls: [call] }, { role: 'tool', content: 'wet' }];
  const parameters = { type: 'object', properties: { city: { type: 'string' } } };
  const tools = [{ type: 'function', function: { name: 'weather', parameters } }];

  it.each<[ChatFormat, Record<string, unknown>]>([
    ['llama2', { messages }],
    ['code-llama-70b', { messages }],
    ['llama3', { messages }],
    ['llama3.1', { messages }],
    ['llama4', { messages }],
    ['llama3.1', { messages: called }],
    ['llama3.1', { messages: [user], tools }],
  ])('shows what the template of %s renders', (format, variables) => {
    // prettier takes the space at the end of the last line
    const text = render(format, { ...variables, add_generation_prompt: true }).replace(/ $/, '');
    expect(page).toContain(`\`\`\`text\n${text}\n\`\`\`\n`);
  });
});
