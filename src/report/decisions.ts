/**
 * What was decided rather than read, for a person: each value with its reason.
 *
 * @module
 */
import type { Decision } from '../llama/model.js';
import { type Line, labelled, shown } from './lines.js';

/** One line a decision, its reason in brackets; no lines without decisions. */
export function decisionLines(decisions: readonly Decision[]): Line[] {
  return labelled(decisions.map(({ about, value, because }) => [about, `${shown(value)} (${because})`]));
}
