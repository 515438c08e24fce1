/**
 * Chat templates in the metadata of a GGUF file: `tokenizer.chat_template`, others under `tokenizer.chat_template.NAME`,
 * and their names in `tokenizer.chat_templates`.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/gguf-py/gguf/gguf_writer.py (add_chat_template)
 * @module
 */
import type { GgufMetadataEntry } from '../../formats/gguf/plan.js';
import { TokenizerError } from '../vocabulary.js';
import { type ChatTemplates, type NamedChatTemplate, chatTemplatesOfList } from './templates.js';

const KEY = 'tokenizer.chat_template';
const NAMES_KEY = 'tokenizer.chat_templates';

/** Whether a key belongs to the chat templates. */
export function isChatTemplateKey(key: string): boolean {
  return key === KEY || key === NAMES_KEY || key.startsWith(`${KEY}.`);
}

/** The templates of a file; undefined where it has none. @throws TokenizerError `tokenizer/bad-template` */
export function chatTemplatesOfGguf(metadata: readonly GgufMetadataEntry[], path: string): ChatTemplates | undefined {
  const all: NamedChatTemplate[] = [];
  for (const { key, value } of metadata) {
    if (!isChatTemplateKey(key) || key === NAMES_KEY || value === '') continue;
    if (typeof value !== 'string') throw new TokenizerError('tokenizer/bad-template', `${key} is no string`, { path });
    all.push({ name: key === KEY ? 'default' : key.slice(KEY.length + 1), template: value });
  }
  return chatTemplatesOfList(all, 'the metadata', path);
}

/** The pairs of templates as gguf-py orders them: named ones, the list of their names, the main one. */
export function chatTemplateEntries({ main, named }: ChatTemplates): GgufMetadataEntry[] {
  const entries = named.map(({ name, template }): [string, string] => [keyName(name), template]);
  return [
    ...entries.map(([name, value]): GgufMetadataEntry => ({ key: `${KEY}.${name}`, type: 'str', value })),
    ...(entries.length === 0
      ? []
      : [{ key: NAMES_KEY, type: 'arr[str]', value: entries.map(([name]) => name) } as const]),
    ...(main === undefined ? [] : [{ key: KEY, type: 'str', value: main } as const]),
  ];
}

/** The name as part of a key, as gguf-py spells it. */
function keyName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, '_');
}
