/**
 * A ZIP archive: its structure, and every member that is a pickle or holds one.
 *
 * PyTorch loads one pickle of an archive, `data.pkl`, but which members are pickles is decided by what they hold:
 * other programs load others, and a name costs an attacker nothing.
 *
 * @module
 */
import type { ByteSource } from '../../source/byte-source.js';
import { sliceSource } from '../../source/slice.js';
import { type ZipArchive, archiveOf } from '../../zip/archive.js';
import { readZipDirectory } from '../../zip/directory.js';
import type { ZipEntry } from '../../zip/entry.js';
import { openUnpacked, scanMemberStructure, scanStructure } from './archive-structure.js';
import { type Findings, type Place, placeAt, placeInside } from './findings.js';
import { codeIn } from './program-code.js';
import { type Expectation, scanPickles } from './scan-pickles.js';
import type { ScannedFormat } from './scan-report.js';

/** Scans a file inside, of which so much is expected. */
export type ScanPart = (source: ByteSource, place: Place, expectation: Expectation) => Promise<void>;

/**
 * Scans an archive that ends where the source ends; what stands before and behind it is scanned too.
 *
 * @throws ZipError when it is no archive whose list of members can be read
 */
export async function scanArchive(
  source: ByteSource,
  place: Place,
  findings: Findings,
  scanPart: ScanPart,
): Promise<ScannedFormat> {
  const archive = archiveOf(source, await readZipDirectory(source, findings.options));
  await scanStructure(source, archive, place, findings);
  await scanAround(source, archive, place, findings, scanPart);
  const readable: ZipEntry[] = [];
  await archive.dataOffsets(archive.entries, findings.options).catch(() => {}); // which one fails shows below
  for (const entry of archive.entries) {
    findings.options.signal?.throwIfAborted();
    const isReadable = await scanMemberStructure(source, archive, entry, place, findings);
    if (isReadable && entry.size > 0) readable.push(entry);
  }
  await scanMembers(source, archive, readable, place, findings, scanPart);
  return formatOf(archive);
}

/** Bytes before the first member, which a program that reads from the front takes for the file, and behind the end. */
async function scanAround(
  source: ByteSource,
  archive: ZipArchive,
  place: Place,
  findings: Findings,
  scanPart: ScanPart,
): Promise<void> {
  const { entries, directoryOffset, trailingLength } = archive;
  const begin = entries.reduce((least, { localHeaderOffset }) => Math.min(least, localHeaderOffset), directoryOffset);
  if (begin > 0) {
    findings.add('bytes-before', `${begin} bytes stand before the archive, and torch.load begins there`, place);
    await scanPart(sliceSource(source, 0, begin), deeper(place), 'perhaps');
  }
  if (trailingLength > 0) {
    const start = source.size - trailingLength;
    findings.add('bytes-after', `${trailingLength} bytes follow the end of the archive`, place, { offset: start });
    await scanPart(sliceSource(source, start, trailingLength), deeper(placeAt(place, start)), 'perhaps');
  }
}

/** Before the archive may stand another one, and before that another. */
function deeper(place: Place): Place {
  return { ...place, depth: place.depth + 1 };
}

/** Names that promise a pickle. */
const PICKLE_NAME = /\.(?:pkl|pickle|p|joblib|dill|debug_pkl)$|(?:^|\/)\.metadata$/i;

/** Pickles by name first: they tell which of the other members are storages, and so plain numbers. */
async function scanMembers(
  source: ByteSource,
  archive: ZipArchive,
  entries: readonly ZipEntry[],
  place: Place,
  findings: Findings,
  scanPart: ScanPart,
): Promise<void> {
  const storages = new Set<string>();
  const scanInside = (source: ByteSource, inside: Place): Promise<void> => scanPart(source, inside, 'data');
  const isNamed = ({ name }: ZipEntry): boolean => PICKLE_NAME.test(name);
  for (const entry of entries.filter(isNamed)) {
    await using member = await openUnpacked(source, archive, entry, place, findings);
    if (member === undefined) continue;
    const walk = await scanPickles(member, memberPlace(archive, entry, place), findings, scanInside);
    const folder = entry.name.slice(0, entry.name.lastIndexOf('/') + 1);
    for (const key of walk.storages.keys()) storages.add(`${folder}data/${key}`);
  }
  for (const entry of entries) {
    if (isNamed(entry)) continue;
    findings.options.signal?.throwIfAborted();
    await using member = await openUnpacked(source, archive, entry, place, findings);
    if (member === undefined) continue;
    await scanPart(member, memberPlace(archive, entry, place), storages.has(entry.name) ? 'data' : 'perhaps');
  }
  const code = codeIn(entries);
  if (code !== undefined) findings.add('code', code.message, memberPlace(archive, code.first, place));
}

function memberPlace(archive: ZipArchive, entry: ZipEntry, place: Place): Place {
  const offset = entry.method === 0 ? archive.knownDataOffset(entry) : undefined;
  const isPlain = offset !== undefined && place.fileBase !== null;
  return placeInside(place, entry.name, isPlain ? place.fileBase + offset : null);
}

/** What the members say the archive is for. */
function formatOf({ entries }: ZipArchive): ScannedFormat {
  const has = (name: RegExp): boolean => entries.some((entry) => name.test(entry.name));
  if (has(/(?:^|\/)constants\.pkl$/)) return 'torchscript';
  if (has(/(?:^|\/)archive_format$/)) return 'exported-program';
  if (has(/(?:^|\/)\.data\/extern_modules$/)) return 'torch-package';
  return has(/(?:^|\/)data\.pkl$/i) ? 'torch' : 'zip';
}
