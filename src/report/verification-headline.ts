/**
 * The first line of a verification, after the verdict: the reasons in a few words.
 *
 * @module
 */
import { type DeepReport, isSpecial } from '../integrity/deep-report.js';
import type { FilesReport, FileStatus, ListedFile } from '../integrity/files-report.js';
import type { ScanReport } from '../integrity/scan/scan-report.js';
import type { FolderReport } from '../integrity/verify-folder.js';
import { shown } from './lines.js';
import { lockFaults } from './lock-verification.js';
import { counted } from './numbers.js';

/** Reasons of the verdict, gravest first. */
export function verificationHeadline({ verdict, files, locks, extra, structure, scan, deep }: FolderReport): string[] {
  if (verdict === 'intact') {
    const as =
      files.known === null || files.known.by === 'checklist.chk' ? 'listed' : `known of ${files.known.release}`;
    return [`${counted(distinct(files.files), 'file')} as ${as}; tensors, shapes and tokenizer agree`];
  }
  if (verdict === 'unproven') return [unprovenReason(files)];
  const structureFault = structure.status === 'failed' ? ['the structure does not hold together'] : [];
  return [
    ...fileFaults(files),
    ...lockFaults(locks),
    ...(extra.length > 0 ? [`${counted(extra.length, 'file')} in no list`] : []),
    ...structureFault,
    ...scanFaults(scan),
    ...(deep === undefined ? [] : deepFaults(deep, files)),
  ];
}

/** What a scan found; files that cannot be read are the news of the files themselves. */
function scanFaults({ files }: ScanReport): string[] {
  const unsafe = files.filter(({ verdict }) => verdict === 'findings').length;
  return unsafe === 0 ? [] : [`${counted(unsafe, 'file')} with findings of the scan`];
}

/** Faults that only a look at every byte shows; damage in a file whose hash is wrong is no news. */
function deepFaults({ files }: DeepReport, { files: listed, unlisted }: FilesReport): string[] {
  const news = files.filter(({ name }) => [...listed, ...unlisted].every((file) => file.name !== name || file.condition === null)); // prettier-ignore
  const damaged = news.reduce((sum, { members }) => sum + (members?.damaged.length ?? 0), 0);
  const special = files.flatMap(({ tensors }) => tensors).filter(isSpecial).length;
  const unread = news.filter(({ error }) => error !== undefined).length;
  return [
    ...(damaged > 0 ? [`${counted(damaged, 'member')} damaged`] : []),
    ...(special > 0 ? [`${counted(special, 'tensor')} with NaN or infinity`] : []),
    ...(unread > 0 ? [`${counted(unread, 'file')} could not be looked at`] : []),
  ];
}

/** How many files these are; one that several lists name is one file. */
function distinct(files: readonly ListedFile[]): number {
  return new Set(files.map(({ place, name }) => `${place} ${name}`)).size;
}

function fileFaults({ files, known, unlisted, lists }: FilesReport): string[] {
  const of = (status: FileStatus): number => distinct(files.filter((file) => file.status === status));
  const wrong = unlisted.filter(({ condition }) => condition !== null).length;
  const outside = lists.some(({ problems }) => problems.some(({ fault }) => fault === 'outside-folder'));
  const total = `of ${counted(distinct(files), 'listed file')}`;
  const sizes = (known?.sizes ?? []).filter(({ expected, found }) => expected !== found).length;
  return [
    ...(of('mismatch') > 0 ? [`${of('mismatch')} ${total} differ${of('mismatch') === 1 ? 's' : ''}`] : []),
    ...(of('missing') > 0 ? [`${of('missing')} ${total} missing`] : []),
    ...(of('unreadable') > 0 ? [`${of('unreadable')} ${total} cannot be read`] : []),
    ...(sizes > 0 ? [`${counted(sizes, 'file')} of another size than the published`] : []),
    ...(wrong > 0 ? [`${counted(wrong, 'file')} in no list ${wrong === 1 ? 'is' : 'are'} visibly wrong`] : []),
    ...(outside ? ['a list names a path outside of the folder'] : []),
  ];
}

function unprovenReason({ listFound, lists, known }: FilesReport): string {
  const unusable = lists.find(({ status }) => status === 'unusable');
  if (unusable !== undefined) return `${shown(unusable.name)} cannot be used, so nothing is proven by it`;
  if (!listFound && known !== null) return `nothing is wrong, but not every hash of ${known.release} is known`;
  if (listFound) return 'nothing is wrong, but not everything is in a list';
  return lists.length === 0
    ? 'nothing is wrong, but there is no checklist.chk to prove it'
    : 'nothing is wrong, but the list proves nothing';
}
