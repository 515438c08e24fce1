/**
 * Logits, for a person: the likeliest next tokens after each token.
 *
 * @module
 */
import type { ForwardResult } from '../forward/forward.js';
import type { Vocabulary } from '../tokenizer/vocabulary.js';
import { type Line, flow, marked, shown } from './lines.js';
import { counted } from './numbers.js';
import { table } from './table.js';

/** Likeliest tokens that are shown for each row. */
const LIKELIEST = 3;

/**
 * One line a token: the token, its position, and the likeliest tokens after it with their logits.
 *
 * @param vocabulary - spells the tokens
 * @param output - the file that all logits were written to
 */
export function logitsLines(
  result: ForwardResult,
  vocabulary: Vocabulary | undefined,
  output: string | undefined,
): Line[] {
  const { tokens, positions, rows, vocabSize, logits } = result;
  const named = (id: number): string => {
    const piece = vocabulary?.pieces[id];
    return piece === undefined ? String(id) : `${id} ${shown(piece)}`;
  };
  const cells = rows.map((token, row) => {
    const likeliest = topIds(logits.subarray(row * vocabSize, (row + 1) * vocabSize));
    const next = likeliest.map((id) => `${named(id)} (${(logits[row * vocabSize + id] ?? 0).toFixed(2)})`);
    return [String(positions[token]), named(tokens[token] ?? 0), ...next];
  });
  return [
    ...flow([marked('strong', `logits of ${counted(rows.length, 'token')}`), `${vocabSize} each`]),
    '',
    ...table(cells, { head: ['position', 'token', 'likeliest next', '', ''], numbers: [0] }),
    ...(output === undefined ? [] : ['', [marked('good', `wrote ${shown(output)}`)]]),
  ];
}

/** Indices of the largest values, largest first. */
function topIds(values: Float32Array): number[] {
  const top: number[] = [];
  for (const [id, value] of values.entries()) {
    const place = top.findIndex((other) => value > (values[other] ?? 0));
    if (place >= 0) top.splice(place, 0, id);
    else if (top.length < LIKELIEST) top.push(id);
    top.length = Math.min(top.length, LIKELIEST);
  }
  return top;
}
