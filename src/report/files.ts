/**
 * The files of a checkpoint and what each of them is, for a person.
 *
 * @module
 */
import type { Inspection } from '../llama/inspect.js';
import { counted, sized } from './numbers.js';
import { table } from './table.js';

/** One line a file: its name, size and purpose. */
export function fileLines({ files, tokenizer }: Pick<Inspection, 'files' | 'tokenizer'>): string[] {
  const rows = files.map(({ name, size }) => [name, sized(size), purposeOf(name, tokenizer)]);
  return table(rows, { numbers: [1] });
}

/** Purposes of files by their name; the first pattern that fits counts. */
const PURPOSES: readonly (readonly [RegExp, string])[] = [
  [/^consolidated(?:\.\d+)?\.pth$/, 'weights'],
  [/^fp8_scales_\d+\.pt$/, 'scales of the weights'],
  [/\.(?:safetensors|gguf|pth|pt|bin)$/, 'weights'],
  [/^params\.json$/, 'hyperparameters'],
  [/^config\.json$/, 'hyperparameters'],
  [/^model\.safetensors\.index\.json$/, 'which tensor lies in which file'],
  [/^generation_config\.json$/, 'settings for generating text'],
  [/^(?:tokenizer_config|special_tokens_map)\.json$/, 'tokenizer settings'],
  [/^(?:tokenizer_)?checklist\.chk$/, 'list of hashes; run: llama-inspect verify'],
];

function purposeOf(name: string, tokenizer: Inspection['tokenizer']): string {
  if (/^tokenizer\.(?:model|json)$/.test(name)) return tokenizerPurpose(name, tokenizer);
  return PURPOSES.find(([pattern]) => pattern.test(name))?.[1] ?? '';
}

function tokenizerPurpose(name: string, tokenizer: Inspection['tokenizer']): string {
  if (tokenizer === undefined) return 'tokenizer';
  const { kind, size, baseSize } = tokenizer;
  const special = size > baseSize ? ` + ${size - baseSize} special` : '';
  const count = special === '' ? counted(size, 'token') : `${baseSize}${special}`;
  if (kind === 'sentencepiece') return `SentencePiece, ${count}`;
  return name === 'tokenizer.model' ? `tiktoken ranks, ${count}` : `byte-level BPE, ${count}`;
}
