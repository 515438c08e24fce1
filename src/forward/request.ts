/**
 * What a forward pass is asked for, checked before anything is allocated or read.
 *
 * Several sequences go through the layers side by side, so that every weight is read once for all of
 * them; attention alone keeps them apart. Rows of all sequences are numbered through.
 *
 * @module
 */
import type { LlamaConfig } from '../llama/model.js';
import { ForwardError } from './errors.js';

/** One run of tokens that attend to each other. */
export interface Sequence {
  /** Token ids, oldest first; each attends to itself and to those before it, whatever their positions. */
  readonly tokens: readonly number[];
  /** Position of each token for the rotary embedding; default 0, 1, 2, … They need neither be dense nor rise. */
  readonly positions?: readonly number[] | undefined;
  /** Indices of the tokens whose logits are wanted; default all, in order. */
  readonly rows?: readonly number[] | undefined;
}

/** Sequences laid end to end, checked. */
export interface Batch {
  /** Token ids of all sequences; shape (tokens,). */
  readonly tokens: readonly number[];
  /** Their positions; shape (tokens,). */
  readonly positions: readonly number[];
  /** Where each sequence begins and ends in `tokens`. */
  readonly spans: readonly Span[];
  /** Indices into `tokens` whose logits are wanted, sequence after sequence; shape (rows,). */
  readonly rows: readonly number[];
}

/** Tokens `start` up to, not including, `end`. */
export interface Span {
  /** First token. */
  readonly start: number;
  /** One past the last token. */
  readonly end: number;
}

/** Most tokens of a pass: attention costs their square, and this pass proves models rather than serves them. */
export const MOST_TOKENS = 4096;

/** Largest position: float32, in which Meta's code counts positions, holds every integer up to here. */
export const LARGEST_POSITION = 2 ** 24;

/** Most bytes of one buffer of activations or logits; a gigabyte is what browsers reliably give. */
export const LARGEST_BUFFER_BYTES = 2 ** 30;

/**
 * Checks the sequences against the model and lays them end to end.
 *
 * @throws ForwardError `forward/no-tokens`, `forward/too-many-tokens`, `forward/bad-token`,
 *   `forward/positions-mismatch`, `forward/bad-position`, `forward/bad-row`, `forward/too-large`
 */
export function expectBatch(sequences: readonly Sequence[], config: LlamaConfig): Batch {
  expectCount(sequences);
  const tokens: number[] = [];
  const positions: number[] = [];
  const spans: Span[] = [];
  const rows: number[] = [];
  for (const sequence of sequences) {
    const start = tokens.length;
    const { length } = sequence.tokens;
    const places = sequence.positions ?? [...sequence.tokens.keys()];
    expectTokens(sequence.tokens, config.vocabSize);
    expectPositions(places, length);
    for (const token of sequence.tokens) tokens.push(token);
    for (const position of places) positions.push(position);
    for (const row of expectRows(sequence.rows, length)) rows.push(start + row);
    spans.push({ start, end: start + length });
  }
  expectBuffers(tokens.length, rows.length, config);
  return { tokens, positions, spans, rows };
}

function expectCount(sequences: readonly Sequence[]): void {
  const total = sequences.reduce((sum, sequence) => sum + sequence.tokens.length, 0);
  if (sequences.length === 0 || sequences.some((sequence) => sequence.tokens.length === 0)) {
    throw new ForwardError('forward/no-tokens', 'no tokens were given, at least one is needed');
  }
  if (total <= MOST_TOKENS) return;
  throw new ForwardError(
    'forward/too-many-tokens',
    `${total} tokens were given, at most ${MOST_TOKENS} go in one pass`,
  );
}

function expectTokens(tokens: readonly number[], vocabSize: number): void {
  const bad = tokens.findIndex((token) => !Number.isInteger(token) || token < 0 || token >= vocabSize);
  if (bad < 0) return;
  throw new ForwardError(
    'forward/bad-token',
    `token ${bad} is ${tokens[bad]}, but the model has the ids 0 to ${vocabSize - 1}`,
  );
}

function expectPositions(positions: readonly number[], count: number): void {
  if (positions.length !== count) {
    throw new ForwardError(
      'forward/positions-mismatch',
      `${count} tokens but ${positions.length} positions were given, there must be one position for each token`,
    );
  }
  const bad = positions.findIndex((place) => !Number.isInteger(place) || place < 0 || place > LARGEST_POSITION);
  if (bad < 0) return;
  throw new ForwardError(
    'forward/bad-position',
    `position ${bad} is ${positions[bad]}, but positions are whole numbers from 0 to ${LARGEST_POSITION}`,
  );
}

function expectRows(rows: readonly number[] | undefined, count: number): Iterable<number> {
  if (rows === undefined) return Array(count).keys();
  if (rows.length > MOST_TOKENS) {
    throw new ForwardError('forward/bad-row', `${rows.length} rows were asked for, at most ${MOST_TOKENS} are given`);
  }
  const bad = rows.find((row) => !Number.isInteger(row) || row < 0 || row >= count);
  if (bad === undefined) return rows;
  throw new ForwardError('forward/bad-row', `the logits of row ${bad} were asked for, but rows are 0 to ${count - 1}`);
}

function expectBuffers(tokens: number, rows: number, config: LlamaConfig): void {
  const widest = Math.max(config.dim, config.ffnDim, config.nHeads * config.headDim);
  const bytes = Float32Array.BYTES_PER_ELEMENT * Math.max(tokens * widest, rows * config.vocabSize);
  if (bytes <= LARGEST_BUFFER_BYTES) return;
  throw new ForwardError(
    'forward/too-large',
    `a buffer of ${bytes} bytes is needed, at most ${LARGEST_BUFFER_BYTES} are allowed`,
    { hint: 'give fewer tokens, or ask for the logits of fewer rows' },
  );
}
