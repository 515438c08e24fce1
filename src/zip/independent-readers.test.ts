/**
 * The archives of the zoo as other people's programs read them: yauzl, zip.js and jszip.
 *
 * Where one of them cannot read an archive that we read, or reads another than we, it stands in a list below with
 * the reason; the list is measured, so a change on either side fails.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { Uint8ArrayReader, Uint8ArrayWriter, ZipReader, configure } from '@zip.js/zip.js';
import JSZip from 'jszip';
import { describe, expect, it } from 'vitest';

import { memorySource } from '../source/memory.js';
import { FIXTURES } from '../testing/fixtures.js';
import { readWithYauzl } from '../testing/zip.js';
import { openZip } from './archive.js';
import { crc32 } from './crc32.js';

const ZOO = join(FIXTURES, 'zoo');

/** A member as any of the programs describes it. */
interface Member {
  readonly name: string;
  readonly crc32: number | undefined;
  readonly size: number;
  readonly compressedSize: number;
  readonly localHeaderOffset: number;
  /** CRC-32 of the data, unpacked. */
  readonly dataCrc: number;
}

async function readOurs(bytes: Uint8Array): Promise<Member[]> {
  const archive = await openZip(memorySource(bytes));
  return Promise.all(
    archive.entries.map(async (entry) => {
      const member = archive.openMember(entry);
      const { name, size, compressedSize, localHeaderOffset } = entry;
      const dataCrc = crc32(await member.read(0, size));
      return { name, crc32: entry.crc32, size, compressedSize, localHeaderOffset, dataCrc };
    }),
  );
}

async function yauzl(bytes: Uint8Array): Promise<Member[]> {
  return (await readWithYauzl(bytes)).map(({ data, method: _, ...entry }) => ({ ...entry, dataCrc: crc32(data) }));
}

configure({ useWebWorkers: false });

async function zipJs(bytes: Uint8Array): Promise<Member[]> {
  const reader = new ZipReader(new Uint8ArrayReader(bytes));
  const members: Member[] = [];
  for (const entry of await reader.getEntries()) {
    const { filename: name, uncompressedSize: size, compressedSize, offset } = entry;
    const data = entry.directory ? new Uint8Array(0) : await entry.getData(new Uint8ArrayWriter());
    const sums = { crc32: entry.crc32, dataCrc: crc32(data) };
    members.push({ name, size, compressedSize, localHeaderOffset: offset, ...sums });
  }
  return members;
}

/** The same members for jszip, which tells neither sizes nor places, and takes ZIP64 records for strange bytes. */
async function jszip(bytes: Uint8Array): Promise<Pick<Member, 'name' | 'dataCrc'>[]> {
  const zip = await JSZip.loadAsync(withoutZip64(bytes));
  const entries = Object.values(zip.files).filter(({ dir }) => !dir);
  return Promise.all(
    entries.map(async (entry) => ({ name: entry.name, dataCrc: crc32(await entry.async('uint8array')) })),
  );
}

/** The archive without the 76 bytes of its ZIP64 end record and locator, where it has them. */
function withoutZip64(bytes: Uint8Array): Uint8Array {
  const at = Buffer.from(bytes).lastIndexOf('PK\x06\x06', undefined, 'latin1');
  return at === -1 ? bytes : Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 76)]);
}

const files = readdirSync(ZOO, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(?:pt|pth|pt2|bin|distcp)$|noext/.test(name))
  .map((name) => ({ name, bytes: new Uint8Array(readFileSync(join(ZOO, name))) }));
const opened = await Promise.all(
  files.map(async ({ name, bytes }) => {
    const members = await readOurs(bytes).catch(() => undefined);
    return members === undefined ? [] : [{ name, bytes, members }];
  }),
);
const archives = opened.flat();

/** What a program says of those archives that it reads otherwise than we do, by file. */
async function differences(
  read: (bytes: Uint8Array) => Promise<Partial<Member>[]>,
  expected: (members: readonly Member[]) => readonly Partial<Member>[] = (members) => members,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { name, bytes, members } of archives) {
    const outcome = await read(bytes).catch((error: unknown) => (error as Error).message);
    if (typeof outcome === 'string') found[name] = outcome;
    else if (textOf(outcome) !== textOf(expected(members))) found[name] = 'other members';
  }
  return found;
}

function textOf(members: readonly Partial<Member>[]): string {
  return JSON.stringify(members.map((member) => Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** Bytes of a ZIP64 end record and its locator. */
const ZIP64_BYTES = 76;
/** Bytes of a directory's record before the name. */
const RECORD_BYTES = 46;

describe('the archives of the zoo', () => {
  it('are many', () => {
    expect(archives.length).toBeGreaterThan(150);
  });

  it('are what yauzl reads: names, sizes, places, checksums and data', async () => {
    expect(await differences(yauzl)).toEqual({
      // it takes the last signature there is for the end record, though that one stands in the comment
      'zip_comment_signature.pt': expect.stringContaining('Invalid comment length') as string,
      // nor does it look for what bytes before the archive have shifted
      'zip_prefix_junk.pt': 'invalid zip64 end of central directory record signature',
    });
  });

  it('are what zip.js reads', async () => {
    // It looks for the directory where it would end at the end record, 76 bytes behind its place since ZIP64 records
    // stand between. Where another record of the directory begins just there, it takes 76 bytes for prepended ones.
    const misled = archives.filter(
      ({ bytes, members }) =>
        bytes.length > 0 && RECORD_BYTES + new TextEncoder().encode(members[0]?.name).length === ZIP64_BYTES,
    );
    expect(misled.map(({ name }) => name)).toContain('values_special_floats.pt');
    const refused = [...misled.map(({ name }) => name), 'zip_prefix_junk.pt'].sort();
    const message = 'Central directory header not found';
    expect(await differences(zipJs)).toEqual(Object.fromEntries(refused.map((name) => [name, message])));
  });

  it('are what jszip reads, once the ZIP64 records are taken out', async () => {
    const named = (members: readonly Member[]): Partial<Member>[] =>
      members.filter(({ name }) => !name.endsWith('/')).map(({ name, dataCrc }) => ({ name, dataCrc }));
    expect(await differences(jszip, named)).toEqual({
      'zip_comment_signature.pt': expect.stringContaining('Corrupted zip') as string, // as with yauzl
      // the classic end record says 0xffff, so without the ZIP64 records there is nothing
      'zip_zip64_end.pt': expect.stringContaining("can't find the ZIP64 end") as string,
    });
  });

  it('are closed to jszip as PyTorch writes them, with ZIP64 records that nothing needs', async () => {
    const outcomes = await Promise.all(
      archives.map(async ({ name, bytes }) => {
        const isRead = await JSZip.loadAsync(bytes).then(
          () => true,
          () => false,
        );
        return { name, isRead, hasZip64: withoutZip64(bytes) !== bytes };
      }),
    );
    const surprising = outcomes.filter(({ isRead, hasZip64 }) => isRead === hasZip64);
    // the one breaks off at its comment, the other needs its ZIP64 records, which jszip then looks for
    expect(surprising.map(({ name }) => name)).toEqual(['zip_comment_signature.pt', 'zip_zip64_end.pt']);
    expect(outcomes.filter(({ hasZip64 }) => hasZip64).length).toBeGreaterThan(100);
  });
});
