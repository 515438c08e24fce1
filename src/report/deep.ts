/**
 * What looking at every byte of the weights found, for a person.
 *
 * @module
 */
import {
  type DamagedMember,
  type DeepFile,
  type DeepReport,
  type SkippedTensor,
  type TensorNumbers,
  isSpecial,
} from '../integrity/deep-report.js';
import { collapseLayers } from './collapse-layers.js';
import { BAD, GOOD, NEITHER, limited, named, noted } from './findings.js';
import { type Line, shown, wrap } from './lines.js';
import { counted } from './numbers.js';

/** How the lines are set. */
export interface DeepOptions {
  /** Columns of the labels. */
  readonly width: number;
  /** Whether it was said already what is wrong with a file of that name, and where. */
  readonly isExplained: (name: string) => boolean;
}

/** A line on the members of archives, a line on the numbers, and below each what is wrong. */
export function deepLines({ files }: DeepReport, options: DeepOptions): Line[] {
  return [...memberLines(files, options), ...numberLines(files, options)];
}

/** Where in a file the damage lies: to be said below a file whose hash is wrong. */
export function damageLines({ members }: DeepFile): Line[] {
  if (members === undefined) return [];
  const { count, withoutChecksum, damaged } = members;
  if (damaged.length > 0) return limited(damaged.map((member) => `damage lies in ${placeOf(member)}`));
  if (withoutChecksum > 0) return [];
  const right = `the checksums of all its ${counted(count, 'member')} are right:`;
  return wrap(`${right} it is another version of this file, or the damage lies outside of them`, 6);
}

function memberLines(files: readonly DeepFile[], { width, isExplained }: DeepOptions): Line[] {
  const reports = files.flatMap(({ members }) => (members === undefined ? [] : [members]));
  if (reports.length === 0) return [];
  const total = reports.reduce((sum, { count }) => sum + count, 0);
  const unproven = reports.reduce((sum, { withoutChecksum }) => sum + withoutChecksum, 0);
  const damaged = reports.flatMap((report) => report.damaged);
  const findings = files.flatMap(({ name, members }) =>
    isExplained(name) ? [] : (members?.damaged ?? []).map((member) => `${shown(name)}: damage in ${placeOf(member)}`),
  );
  const mark = damaged.length > 0 ? BAD : unproven === total ? NEITHER : GOOD;
  const result = damaged.length > 0 ? `${damaged.length} of ${total} damaged` : counted(total - unproven, 'checksum');
  return [
    ...noted(mark, 'members', width, [
      damaged.length > 0 ? result : `${result} right`,
      ...(unproven === 0 ? [] : [`${unproven} of ${total} have no checksum: damage in them would not be seen`]),
    ]),
    ...limited(findings),
  ];
}

/** A member, the tensors in it, and why it cannot be read. */
function placeOf({ name, tensors, error }: DamagedMember): string {
  const what = tensors.length === 0 ? '' : `: ${named(tensors)}`;
  const why = error === undefined ? '' : ` (${shown(error.message)}) [${error.code}]`;
  return `${shown(name)}${what}${why}`;
}

function numberLines(files: readonly DeepFile[], { width, isExplained }: DeepOptions): Line[] {
  const tensors = files.flatMap((file) => file.tensors);
  const special = tensors.filter((tensor) => isSpecial(tensor)).length;
  const unread = files.filter(({ error }) => error !== undefined);
  const mark = special > 0 ? BAD : unread.length > 0 || tensors.length === 0 ? NEITHER : GOOD;
  const holders = `${special} of ${counted(tensors.length, 'tensor')} hold${special === 1 ? 's' : ''} NaN or infinity`;
  return [
    ...noted(mark, 'numbers', width, [
      special > 0 ? holders : `${counted(tensors.length, 'tensor')} without NaN or infinity`,
      ...noteOn(
        'all zero',
        tensors.filter(({ allZero }) => allZero),
      ),
      ...noteOn(
        'all the same number',
        tensors.filter(({ allZero, constant }) => constant && !allZero),
      ),
      ...skippedNotes(files.flatMap(({ skipped }) => skipped)),
    ]),
    ...limited(files.flatMap((file) => specialsOf(file, files.length > 1))),
    ...unread.flatMap((file) => unreadLines(file, isExplained(file.name))),
  ];
}

/** Tensors of which something is worth knowing, repeated layers as one. */
function noteOn(what: string, tensors: readonly TensorNumbers[]): string[] {
  return tensors.length === 0 ? [] : [`${what}: ${named(collapseLayers(tensors).map(({ name }) => name))}`];
}

const REASONS: Readonly<Record<SkippedTensor['reason'], string>> = {
  'no-numbers': 'without numbers of their own',
  unreadable: 'not readable',
  'too-many-views': 'not looked at, because too many tensors are views of the same bytes',
};

function skippedNotes(skipped: readonly SkippedTensor[]): string[] {
  const reasons = [...new Set(skipped.map(({ reason }) => reason))];
  return reasons.map((reason) => {
    const names = skipped.filter((tensor) => tensor.reason === reason).map(({ name }) => name);
    return `${REASONS[reason]}: ${named(names)}`;
  });
}

function specialsOf({ name: file, tensors }: DeepFile, isOneOfSeveral: boolean): string[] {
  return tensors
    .filter((tensor) => isSpecial(tensor))
    .map(({ name, nan, infinite, count, unit }) => {
      const where = isOneOfSeveral ? `${shown(file)}: ` : '';
      const found = [nan > 0 ? `${nan} NaN` : '', infinite > 0 ? `${infinite} infinite` : ''].filter((part) => part !== ''); // prettier-ignore
      return `${where}${shown(name)}: ${found.join(' and ')} of ${counted(count, unit === 'blocks' ? 'block' : 'number')}`;
    });
}

function unreadLines({ name, error }: DeepFile, isExplained: boolean): Line[] {
  const why = isExplained || error === undefined ? '' : `: ${shown(error.message)} [${error.code}]`;
  return wrap(`${shown(name)} could not be looked at${why}`, 6, 8);
}
