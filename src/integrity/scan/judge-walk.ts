/**
 * From a walk through a pickle to findings.
 *
 * A name is judged by being named, not by being called: what a pickle imports it can hand to anything that calls it,
 * and importing alone runs a module.
 *
 * @module
 */
import { hexOffset } from '../../errors.js';
import { judgeGlobal } from '../../pickle/verdicts.js';
import type { PickleWalk } from '../../pickle/walk.js';
import type { WalkSuspicion } from '../../pickle/walk-state.js';
import type { WalkImport } from '../../pickle/walk-values.js';
import type { Findings, Place } from './findings.js';
import type { ScanRule, ScannedGlobal } from './scan-report.js';

/** Adds a walked pickle, and a finding for everything in it that is not known to be harmless. */
export function judgeWalk(walk: PickleWalk, place: Place, findings: Findings): void {
  const globals = walk.imports.map((found) => judgeImport(found, place, findings));
  findings.addPickle({
    ...{ member: place.member, offset: place.base + walk.start, byteLength: walk.end - walk.start },
    ...{ protocol: walk.protocol, globals },
  });
  for (const global of globals) if (!isHarmless(global)) addGlobal(global, place, findings);
  for (const suspicion of walk.suspicions) addSuspicion(suspicion, place, findings);
  const { fault, leftOut } = walk;
  if (fault !== undefined) {
    const message = `${fault.message}; Python runs what comes before`;
    findings.add('broken-pickle', message, place, { offset: fault.offset, code: fault.code });
  }
  if (leftOut > 0) {
    findings.add('not-scanned', `${leftOut} more globals, calls or byte strings than a scan lists`, place, {
      offset: walk.start,
    });
  }
}

/** Whether nothing needs to be said about it. */
export function isHarmless({ class: kind, allowed }: ScannedGlobal): boolean {
  return allowed || kind === 'tensor-machinery' || kind === 'harmless';
}

function judgeImport(found: WalkImport, { base }: Place, { allow }: Findings): ScannedGlobal {
  const { module, opcode, count, calls, firstCall } = found;
  const name = `${module}.${found.name}`;
  const verdict = judgeGlobal(found);
  return {
    ...{ name, class: verdict.class, reason: verdict.reason, weightsOnly: verdict.weightsOnly },
    ...{ allowed: allow.has(name) && !found.name.includes('.'), opcode, offset: base + found.offset, count, calls },
    firstCall: firstCall === undefined ? null : { opcode: firstCall.opcode, offset: base + firstCall.offset },
  };
}

function addGlobal(global: ScannedGlobal, place: Place, findings: Findings): void {
  const { name, reason } = global;
  const rule = global.class === 'dangerous' ? 'dangerous-global' : 'unknown-global';
  const { opcode, offset } = global.firstCall ?? global;
  const verb = global.firstCall === null ? 'named' : 'called';
  const what = rule === 'dangerous-global' ? `: ${reason}` : ', and is on no list of harmless names';
  findings.add(rule, `${name} is ${verb}${what}`, place, { offset: offset - place.base, opcode, name });
}

const SUSPICIONS: Readonly<Record<WalkSuspicion['kind'], { readonly rule: ScanRule; readonly verb: string }>> = {
  'unnamed-import': { rule: 'unnamed-global', verb: 'imports' },
  extension: { rule: 'extension', verb: 'takes' },
  'computed-call': { rule: 'computed-call', verb: 'calls' },
  'changed-import': { rule: 'changed-class', verb: 'sets attributes of' },
  'unsafe-use': { rule: 'unsafe-use', verb: 'makes' },
  'source-code': { rule: 'code', verb: 'brings' },
};

function addSuspicion({ kind, opcode, offset, what }: WalkSuspicion, place: Place, findings: Findings): void {
  const { rule, verb } = SUSPICIONS[kind];
  findings.add(rule, `${opcode} at ${hexOffset(place.base + offset)} ${verb} ${what}`, place, { offset, opcode });
}
