/**
 * The chat formats of the releases, and which one a vocabulary is made for.
 *
 * The special tokens decide: a format can only be used where its tokens are. Templates are worded here and render to the
 * text of Meta's code.
 *
 * @see docs/chat-templates.md
 * @module
 */
import type { Vocabulary } from '../vocabulary.js';
import { CODE_LLAMA_70B, LLAMA_2 } from './llama2.js';
import { LLAMA_3, LLAMA_3_1, LLAMA_3_2_VISION, LLAMA_4 } from './llama3.js';
import { SIGNATURE_START, signature } from './parts.js';

/** Formats of chats, by the first release that has them. */
export type ChatFormat = 'llama2' | 'code-llama-70b' | 'llama3' | 'llama3.1' | 'llama3.2-vision' | 'llama4';

/** What the releases of a format are called. */
export const CHAT_FORMAT_TITLES: Readonly<Record<ChatFormat, string>> = {
  llama2: 'Llama 2',
  'code-llama-70b': 'Code Llama 70B',
  llama3: 'Llama 3',
  'llama3.1': 'Llama 3.1 to 3.3',
  'llama3.2-vision': 'Llama 3.2 Vision',
  llama4: 'Llama 4',
};

/** A Jinja template for each format. */
export const CHAT_TEMPLATES: Readonly<Record<ChatFormat, string>> = {
  llama2: LLAMA_2,
  'code-llama-70b': CODE_LLAMA_70B,
  llama3: LLAMA_3,
  'llama3.1': LLAMA_3_1,
  'llama3.2-vision': LLAMA_3_2_VISION,
  llama4: LLAMA_4,
};

/** The format whose special tokens a vocabulary has; undefined for byte-level BPE without tokens for turns. One pass over the pieces. */
export function chatFormatOf({ kind, pieces }: Pick<Vocabulary, 'kind' | 'pieces'>): ChatFormat | undefined {
  if (kind === 'sentencepiece') return pieces.includes('<step>') ? 'code-llama-70b' : 'llama2';
  const tokens = new Set(pieces.filter((piece) => piece.startsWith('<|')));
  const has = (...names: readonly string[]): boolean => names.every((name) => tokens.has(`<|${name}|>`));
  if (!has('start_header_id', 'end_header_id', 'eot_id')) return undefined;
  return has('eom_id', 'python_tag') ? 'llama3.1' : 'llama3';
}

/** The format of a template that was written here, of this version or another; undefined for templates of others. */
export function formatOfTemplate(template: string): ChatFormat | undefined {
  if (!template.startsWith(`{#- ${SIGNATURE_START}`)) return undefined;
  const formats = Object.keys(CHAT_TEMPLATES) as ChatFormat[];
  return formats.find((format) => template.startsWith(signature(format)));
}
