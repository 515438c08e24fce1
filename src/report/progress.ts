/**
 * How far the work has come, on one line: a bar, bytes, rate and time left.
 *
 * @module
 */
import { sized } from './numbers.js';

/** How far the work has come, and how long it took so far. */
export interface ProgressState {
  /** What is being done. */
  readonly phase: string;
  /** Work done, in bytes (in steps for the forward pass). */
  readonly done: number;
  /** All the work. */
  readonly total: number;
  /** Time so far. */
  readonly seconds: number;
}

/** Cells of the bar. */
const CELLS = 24;

/** One line of at most 80 columns. */
export function progressText({ phase, done, total, seconds }: ProgressState): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(share * CELLS);
  const bar = '█'.repeat(filled) + '░'.repeat(CELLS - filled);
  const rate = seconds > 0 ? done / seconds : 0;
  const left = rate > 0 ? clock((total - done) / rate) : '–:––';
  const amount =
    phase === 'forward' ? `step ${done} of ${total}` : `${sized(done)} of ${sized(total)}   ${sized(rate)}/s`;
  return `  ${bar}  ${String(Math.floor(share * 100)).padStart(3)} %   ${amount}   ${left} left`;
}

function clock(seconds: number): string {
  const whole = Math.ceil(Math.max(0, seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
