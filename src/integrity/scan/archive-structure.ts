/**
 * What makes two programs see two archives in one file: names, headers, sizes and bytes that nobody lists.
 *
 * @module
 */
import { hexOffset } from '../../errors.js';
import type { ByteSource } from '../../source/byte-source.js';
import { memorySource } from '../../source/memory.js';
import type { ZipArchive } from '../../zip/archive.js';
import type { ZipEntry } from '../../zip/entry.js';
import { faultBehind } from '../../zip/member-gaps.js';
import { asContentError } from './content-error.js';
import { type Findings, type Place, placeInside } from './findings.js';

/** Looks at the archive as a whole; reads the comment only. */
export async function scanStructure(
  source: ByteSource,
  archive: ZipArchive,
  place: Place,
  findings: Findings,
): Promise<void> {
  for (const conflict of archive.conflicts) findings.addError('archive-structure', conflict, place);
  await scanComment(source, archive, place, findings);
}

const END_SIGNATURE = 'PK\u0005\u0006';

/** Whether a program that searches from behind could take the comment for the end of another archive. */
async function scanComment(source: ByteSource, archive: ZipArchive, place: Place, findings: Findings): Promise<void> {
  const { commentLength, trailingLength } = archive;
  if (commentLength === 0) return;
  const offset = source.size - trailingLength - commentLength;
  const comment = await source.read(offset, commentLength, findings.options);
  if (!new TextDecoder('latin1').decode(comment).includes(END_SIGNATURE)) return;
  const message = 'the comment of the archive holds an end record, which other programs may take for the real one';
  findings.add('archive-structure', message, place, { offset });
}

/**
 * Looks at one member: its name, its header, and what follows it. Gives whether its data can be read.
 */
export async function scanMemberStructure(
  source: ByteSource,
  archive: ZipArchive,
  entry: ZipEntry,
  place: Place,
  findings: Findings,
): Promise<boolean> {
  const reason = faultOfName(entry.name);
  if (reason !== undefined) {
    const message = `the name of the member ${JSON.stringify(entry.name)} ${reason}`;
    findings.add('member-name', message, placeInside(place, entry.name, null), { offset: undefined });
  }
  try {
    await archive.dataOffset(entry, findings.options);
    const fault = await faultBehind(source, archive, entry, findings.options);
    if (fault !== undefined) findings.addError('archive-structure', fault, place);
    await archive.openMember(entry).close(); // throws for methods that cannot be read
    return true;
  } catch (cause) {
    findings.addError('archive-structure', asContentError(cause), place, placeOf(entry, source));
    return false;
  }
}

/** Most bytes of a deflated member that are unpacked into memory, so that it need not be done again. */
const MOST_IN_MEMORY = 1 << 25;

/**
 * A member's data to be scanned; undefined, with a finding, where they cannot be unpacked to the size they state.
 * Stored data are read where they lie; deflated ones are unpacked here, into memory if they are not too long.
 */
export async function openUnpacked(
  source: ByteSource,
  archive: ZipArchive,
  entry: ZipEntry,
  place: Place,
  findings: Findings,
): Promise<ByteSource | undefined> {
  if (entry.method === 0) return archive.openMember(entry);
  if (!findings.mayUnpack(entry.size)) {
    const message = `the member ${JSON.stringify(entry.name)} unpacks to ${entry.size} bytes, and so much is not unpacked`;
    findings.add('not-scanned', message, place, { offset: entry.localHeaderOffset });
    return undefined;
  }
  try {
    await using member = archive.openMember(entry);
    if (entry.size <= MOST_IN_MEMORY) {
      return memorySource(await member.read(0, entry.size, findings.options), member.name);
    }
    await member.read(entry.size - 1, 1, findings.options); // unpacks all of it, and fails where its size is another
    return archive.openMember(entry);
  } catch (cause) {
    findings.addError('archive-structure', asContentError(cause), place, placeOf(entry, source));
    return undefined;
  }
}

/** Where a member begins, or else where that is claimed. */
function placeOf({ localHeaderOffset, directoryOffset }: ZipEntry, { size }: ByteSource): number {
  return localHeaderOffset < size ? localHeaderOffset : directoryOffset;
}

const LONGEST_NAME = 4096;

/** Why a name is no good for a file, or undefined. */
function faultOfName(name: string): string | undefined {
  const parts = name.split(/[/\\]/);
  if (name === '') return 'is empty';
  if (name.length > LONGEST_NAME) return `has ${name.length} characters`;
  if (name.includes('\0')) return `holds a NUL at ${hexOffset(name.indexOf('\0'))}, where some programs end it`;
  if (parts.includes('..')) return 'leads out of the folder it is unpacked into';
  if (/^[/\\]/.test(name)) return 'begins at the root of the file system';
  if (/^[A-Za-z]:/.test(name)) return 'begins with the letter of a drive';
  if (name.includes('\\')) return 'holds a backslash, which parts folders on some systems only';
  if (parts.includes('.') || parts.slice(0, -1).includes('')) return 'names one place in more than one way';
  return undefined;
}
