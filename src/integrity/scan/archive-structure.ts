/**
 * What makes two programs see two archives in one file: names, headers, sizes and bytes that nobody lists.
 *
 * @module
 */
import { hexOffset } from '../../errors.js';
import type { ByteSource } from '../../source/byte-source.js';
import { type ZipArchive, crcOfMember } from '../../zip/archive.js';
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
 * Looks at one member: its name, its header, what follows it, and whether it can be unpacked to the size it states.
 * Gives whether its data can be read.
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
    await using member = archive.openMember(entry);
    if (entry.method === 0) return true;
    if (!findings.mayUnpack(member.size)) {
      const message = `the member ${JSON.stringify(entry.name)} unpacks to ${member.size} bytes, and so much is not unpacked`;
      findings.add('not-scanned', message, place, { offset: entry.localHeaderOffset });
      return false;
    }
    await crcOfMember(archive, entry, findings.options); // unpacks it, which fails where the stated size is not its own
    return true;
  } catch (cause) {
    findings.addError('archive-structure', asContentError(cause), place, entry.localHeaderOffset);
    return false;
  }
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
