/**
 * How the demonstration went, for a person.
 *
 * @module
 */
import { type Line, flow, marked } from './lines.js';
import { counted, duration } from './numbers.js';

/** A command of the demonstration that was run. */
export interface ShownStep {
  /** Arguments as a person would type them. */
  readonly argv: readonly string[];
  /** Exit code it should have. */
  readonly expected: number;
  /** Exit code it had. */
  readonly exitCode: number;
}

/** The last lines: whether every command did what it should. */
export function demoLines(steps: readonly ShownStep[], seconds: number): Line[] {
  const wrong = steps.filter(({ exitCode, expected }) => exitCode !== expected);
  const time = `${counted(steps.length, 'command')} in ${duration(seconds)}`;
  if (wrong.length === 0) {
    return flow([marked('good', 'DEMO PASSED'), time, 'the temporary folder is removed']);
  }
  return [
    ...flow([marked('bad', 'DEMO FAILED'), `${wrong.length} of ${time}`]),
    ...wrong.map(
      ({ argv, exitCode, expected }) => `  ${argv.join(' ')}: exit code ${exitCode}, ${expected} was expected`,
    ),
  ];
}
