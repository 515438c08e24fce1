/**
 * Tokens of a text, for a person and for a program.
 *
 * @module
 */
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { type JsonReport, jsonReport } from './json.js';
import { type Line, flow, marked } from './lines.js';
import { counted } from './numbers.js';
import { table } from './table.js';

/** A text and its tokens. */
export interface Tokenization {
  /** Where the tokenizer came from. */
  readonly path: string;
  /** The tokenizer. */
  readonly tokenizer: Tokenizer;
  /** The text: given, or made of the ids. */
  readonly text: string;
  /** The ids: made of the text, or given. */
  readonly ids: readonly number[];
}

/** One line a token: its id, the piece as the vocabulary spells it, and the text it stands for. */
export function tokenizationLines({ tokenizer, text, ids }: Tokenization): Line[] {
  const { pieces } = tokenizer.vocabulary;
  const characters = Array.from(text).length;
  const rows = ids.map((id) => [String(id), pieces[id]!, spelled(tokenizer.bytesOf(id))]);
  return [
    ...flow([marked('strong', counted(ids.length, 'token')), counted(characters, 'character')]),
    ...(rows.length === 0 ? [] : ['', ...table(rows, { head: ['id', 'piece', 'text'], numbers: [0] })]),
  ];
}

/** The same, kind `tokenization`; tokens are made when they are asked for. */
export function tokenizationJson({ path, tokenizer, text, ids }: Tokenization): JsonReport {
  const { pieces } = tokenizer.vocabulary;
  const tokens = function* (): Generator<object> {
    for (const id of ids) {
      const bytes = tokenizer.bytesOf(id);
      yield { id, piece: pieces[id], text: textOf(bytes) ?? null, bytes: hex(bytes).join('') };
    }
  };
  return jsonReport('tokenization', { path, text, ids, tokens: { [Symbol.iterator]: tokens } });
}

/** In quotes, or the bytes where they are no text by themselves. */
function spelled(bytes: Uint8Array): string {
  const text = textOf(bytes);
  if (text !== undefined) return JSON.stringify(text);
  return hex(bytes).join(' ').toUpperCase();
}

function hex(bytes: Uint8Array): string[] {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'));
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
