/**
 * What became of a model since it was locked, for a person.
 *
 * @module
 */
import type { LockReport, TensorChange } from '../integrity/verify-lock.js';
import { BAD, GOOD, NEITHER } from './findings.js';
import { type Line, shown, wrap } from './lines.js';
import { counted } from './numbers.js';

/** Digits of a fingerprint that are shown: enough to tell it from another at a glance. */
const HASH_DIGITS = 8;

/** Most tensors that are named for a change; `--json` has all of them. */
const TENSORS_SHOWN = 8;

/**
 * One paragraph for a lock file.
 *
 * @param width - of the names before
 * @param isNamed - whether the lock file is, because there are others
 */
export function lockVerificationLines(report: LockReport, width: number, isNamed: boolean): Line[] {
  const [verdict = [], ...changes] = verdictLines(report, width);
  return [verdict, ...(isNamed ? [[`      in ${shown(report.name)}`]] : []), ...changes];
}

function verdictLines(report: LockReport, width: number): Line[] {
  const { status, fingerprint, tool, hyperparameters, vocabularyChanged } = report;
  const label = `${'lock'.padEnd(width)} `;
  const model = fingerprint === null ? '' : `model ${fingerprint.slice(0, HASH_DIGITS)}…`;
  switch (status) {
    case 'files-match': {
      const what = model === '' ? 'files only' : `${model}, tensors not compared`;
      const mark = model === '' ? GOOD : NEITHER;
      return [['  ', mark, ` ${label} ${what}, by ${shown(tool.name)} ${shown(tool.version)}`]];
    }
    case 'unchanged':
      return [['  ', GOOD, ` ${label} ${model}: every tensor is as it was locked`]];
    case 'no-model':
      return [['  ', NEITHER, ` ${label} holds no fingerprints to tell what changed`]];
    case 'unreadable':
      return [['  ', BAD, ` ${label} ${model} cannot be opened, so no tensor was compared`]];
    case 'changed':
      return [
        ['  ', BAD, ` ${label} ${model} was locked, another is here`],
        ...changeLines(report),
        ...(hyperparameters.length === 0 ? [] : wrap(`hyperparameters changed: ${hyperparameters.join(', ')}`, 6, 8)),
        ...(vocabularyChanged ? ['      the vocabulary changed'] : []),
      ];
  }
}

function changeLines({ tensors }: LockReport): Line[] {
  return (['changed', 'missing', 'added'] as const).flatMap((change) => {
    const names = tensors.filter((tensor) => tensor.change === change).map(({ name }) => name);
    if (names.length === 0) return [];
    const more = names.length > TENSORS_SHOWN ? `, and ${names.length - TENSORS_SHOWN} more` : '';
    const listed = names.slice(0, TENSORS_SHOWN).map((name) => shown(name));
    return wrap(`${tensorCount(change, names.length)}: ${listed.join(', ')}${more}`, 6, 8);
  });
}

function tensorCount(change: TensorChange['change'], count: number): string {
  const are = count === 1 ? 'is' : 'are';
  return `${counted(count, 'tensor')} ${change === 'missing' ? `${are} missing` : change === 'added' ? `${are} new` : 'changed'}`;
}

/** Reasons of a failure that locks tell, for the first line. */
export function lockFaults(locks: readonly LockReport[]): string[] {
  return locks.flatMap(({ status, tensors }) => {
    if (status !== 'changed') return [];
    return [
      tensors.length === 0 ? 'another model than was locked' : `${counted(tensors.length, 'tensor')} not as locked`,
    ];
  });
}
