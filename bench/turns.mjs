// @ts-check
/**
 * Rows of a benchmark that take turns, so that whatever else the machine does meets all of them.
 *
 * Each row is measured once a round. Rounds go on until there are enough or the next would end too late, and every sample
 * is kept: what a table shows is made of them later.
 *
 * @module
 */
import { performance } from 'node:perf_hooks';

/**
 * One way of doing something.
 *
 * @typedef {object} Row
 * @property {string} id - its name in the results, `converting/cp`
 * @property {string} label - its name in tables
 * @property {string[]} [peers] - programs of others that it is; none for ours
 * @property {string} [missing] - why it cannot be measured
 * @property {number} [rounds] - at most so many, where a round takes long
 * @property {() => unknown} [warmUp] - run once before the first round, where code is measured when it is warm
 * @property {() => Promise<Record<string, number>>} run - one measurement: figures by name
 */

/**
 * What a row gave.
 *
 * @typedef {object} RowResult
 * @property {string} id
 * @property {string} label
 * @property {string[]} peers
 * @property {string | null} missing - why there are no samples
 * @property {Record<string, number[]>} samples - by figure: `wall`, `cpu` in seconds, `peakBytes`, and others
 */

/**
 * @typedef {object} TurnOptions
 * @property {number} rounds
 * @property {number} deadline - on the clock of `performance.now()`: a further round must be likely to end before
 * @property {number} end - on the same clock: nothing begins after it
 * @property {(row: Row, round: number, problem?: string) => void} tell - told what begins, and what has failed
 */

/**
 * Measures all rows in turns. A row that fails is not tried again, and says why; the others go on.
 *
 * @param {readonly Row[]} rows
 * @param {TurnOptions} options
 * @returns {Promise<RowResult[]>}
 */
export async function inTurns(rows, { rounds, deadline, end, tell }) {
  const results = rows.map(
    ({ id, label, peers = [], missing = null }) =>
      /** @type {RowResult} */ ({ ...{ id, label, peers, missing }, samples: {} }),
  );
  /** @type {number[]} */
  const taken = rows.map(() => 0);
  for (let round = -1; round < rounds; round++) {
    const isWanted = (/** @type {number} */ index) =>
      results[index]?.missing === null && round < (rows[index]?.rounds ?? rounds);
    const next = taken.reduce((sum, time, index) => sum + (isWanted(index) ? time : 0), 0);
    if (round > 0 && performance.now() + next > deadline) break;
    for (const [index, row] of rows.entries()) {
      const result = results[index];
      const start = performance.now();
      if (result === undefined || !isWanted(index)) continue;
      if (start > end) {
        if (round <= 0) result.missing = 'no time was left';
        continue;
      }
      if (round >= 0) tell(row, round);
      await measureRow(row, result, round);
      if (result.missing !== null) tell(row, round, result.missing);
      taken[index] = performance.now() - start;
    }
  }
  return results;
}

/**
 * @param {Row} row
 * @param {RowResult} result
 * @param {number} round - before the first, code is only made warm
 */
async function measureRow(row, result, round) {
  try {
    if (round < 0) {
      await row.warmUp?.();
      return;
    }
    for (const [figure, value] of Object.entries(await row.run())) (result.samples[figure] ??= []).push(value);
  } catch (error) {
    result.missing = `failed: ${error instanceof Error ? error.message : String(error)}`.slice(0, 300);
    result.samples = {};
  }
}

/**
 * The middle of a figure's samples; undefined where there are none.
 *
 * @param {RowResult | undefined} result
 * @param {string} figure
 */
export function medianOf(result, figure) {
  const samples = [...(result?.samples[figure] ?? [])].sort((a, b) => a - b);
  const upper = samples[samples.length >> 1];
  const lower = samples[(samples.length - 1) >> 1];
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
}

/**
 * How often a row was measured.
 *
 * @param {RowResult} result
 */
export function roundsOf({ samples }) {
  return Math.max(0, ...Object.values(samples).map(({ length }) => length));
}
