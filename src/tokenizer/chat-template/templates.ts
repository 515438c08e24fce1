/**
 * The chat templates that a model comes with, whatever file they stand in.
 *
 * A model may have several: one for everything and others by name, for tools or for quoting documents.
 *
 * @module
 */
import { type ChatFormat, formatOfTemplate } from './formats.js';
import { TokenizerError } from '../vocabulary.js';

/** A template that is used when it is asked for by name. */
export interface NamedChatTemplate {
  /** Its name: `tool_use`, `rag`. */
  readonly name: string;
  /** Jinja. */
  readonly template: string;
}

/** Chat templates of a model: at least one. */
export interface ChatTemplates {
  /** The template that is used unless another is asked for; undefined where all have names. */
  readonly main: string | undefined;
  /** The others, each name once. */
  readonly named: readonly NamedChatTemplate[];
  /** Where they were found: `tokenizer_config.json`, `chat_template.jinja`, `the metadata`; or whose they are. */
  readonly from: string;
}

/** What is told of a model's chat templates. */
export interface ChatTemplateSummary {
  /** Where they stand. */
  readonly from: string;
  /** The format of the main one if llama-inspect worded it; undefined for templates of others. */
  readonly ours: ChatFormat | undefined;
  /** Length of the main one in UTF-16 units; 0 where all have names. */
  readonly characters: number;
  /** Names of the others. */
  readonly named: readonly string[];
}

/** What is told of them. */
export function summariseChatTemplates({ main = '', named, from }: ChatTemplates): ChatTemplateSummary {
  return { from, ours: formatOfTemplate(main), characters: main.length, named: named.map(({ name }) => name) };
}

/** Name of the main template in lists. */
const MAIN = 'default';

/** Longest template in bytes; the longest known have some ten thousand. */
export const TEMPLATE_BYTES_LIMIT = 1 << 20;

/**
 * A file that holds one template, as text.
 *
 * @throws TokenizerError `tokenizer/bad-template` for what is too long, no UTF-8, binary, or has no tag of Jinja in it
 */
export function parseChatTemplate(bytes: Uint8Array, path: string): string {
  if (bytes.byteLength > TEMPLATE_BYTES_LIMIT) {
    throw refused(`${bytes.byteLength} bytes are too many for a chat template, at most ${TEMPLATE_BYTES_LIMIT} are read`, path); // prettier-ignore
  }
  const text = decoded(bytes, path);
  if (text.trim() === '') throw refused('the file is empty', path);
  if (text.includes('\0')) throw refused('the file holds NUL bytes: it is no text', path);
  if (!/\{[{%]/.test(text)) throw refused('this is no Jinja template: it has no {{ and no {% in it', path);
  return text;
}

function decoded(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw refused('the file is not UTF-8', path, cause);
  }
}

/**
 * The `chat_template` of a JSON file: a string, or a list of `{ name, template }`; undefined where it is absent or empty.
 *
 * @throws TokenizerError `tokenizer/bad-template`
 */
export function chatTemplatesOfJson(value: unknown, from: string, path: string): ChatTemplates | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return { main: expectShort(value, path), named: [], from };
  const all = Array.isArray(value) ? value.map((entry) => expectNamed(entry, path)) : undefined;
  if (all === undefined) throw refused(`chat_template must be a string or a list, found ${typeof value}`, path);
  return chatTemplatesOfList(all, from, path);
}

/** The templates of a list, in which the main one is named `default`; undefined for an empty list. @throws TokenizerError `tokenizer/bad-template` */
export function chatTemplatesOfList(
  all: readonly NamedChatTemplate[],
  from: string,
  path: string,
): ChatTemplates | undefined {
  const twice = all.find(({ name }, index) => all.findIndex((other) => other.name === name) < index);
  if (twice !== undefined) throw refused(`there are two chat templates named ${JSON.stringify(twice.name)}`, path);
  if (all.length === 0) return undefined;
  const main = all.find(({ name }) => name === MAIN)?.template;
  return { main, named: all.filter(({ name }) => name !== MAIN), from };
}

/** The `chat_template` of a JSON file: a string where there is one template, a list where there are more. */
export function chatTemplateJson({ main, named }: ChatTemplates): string | readonly NamedChatTemplate[] {
  if (main !== undefined && named.length === 0) return main;
  return [...(main === undefined ? [] : [{ name: MAIN, template: main }]), ...named];
}

function expectNamed(entry: unknown, path: string): NamedChatTemplate {
  const { name, template } = (entry ?? {}) as Partial<Record<string, unknown>>;
  if (typeof name === 'string' && typeof template === 'string') return { name, template: expectShort(template, path) };
  throw refused('each chat template of a list must have a name and a template', path);
}

function expectShort(template: string, path: string): string {
  if (template.length <= TEMPLATE_BYTES_LIMIT) return template;
  throw refused(`${template.length} characters are too many for a chat template, at most ${TEMPLATE_BYTES_LIMIT} are read`, path); // prettier-ignore
}

function refused(message: string, path: string, cause?: unknown): TokenizerError {
  return new TokenizerError('tokenizer/bad-template', message, { path, cause });
}
