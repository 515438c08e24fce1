/**
 * A lock file that was written: for a person, and as JSON.
 *
 * @module
 */
import type { PathLock } from '../integrity/lock-path-node.js';
import { type JsonReport, jsonReport } from './json.js';
import { type Line, flow, marked, shown } from './lines.js';
import { counted } from './numbers.js';

/** What was locked, in two lines. */
export function lockLines({ lockPath, lock: { subject, predicate } }: PathLock): Line[] {
  const { model } = predicate;
  const tensors = model === null ? [] : [counted(model.tensors.length, 'tensor')];
  return [
    ...flow([marked('good', `wrote ${shown(lockPath)}`), counted(subject.length, 'file'), ...tensors], { hanging: 2 }),
    ...(model === null ? [] : [`  model  ${model.fingerprint}`]),
  ];
}

/** What was locked, kind `lock-result`; the lock file itself has a schema of its own. */
export function lockJson({ path, lockPath, lock, warnings }: PathLock): JsonReport {
  const { subject, predicate } = lock;
  const { model } = predicate;
  return jsonReport('lock-result', {
    ...{ path, lockPath, warnings, files: subject.length },
    tensors: model?.tensors.length ?? null,
    fingerprint: model?.fingerprint ?? null,
  });
}
