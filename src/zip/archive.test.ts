import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 as nodeCrc32, inflateRawSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { blobSource } from '../source/blob.js';
import { openFileSource } from '../source/file.js';
import { memorySource } from '../source/memory.js';
import { TEXT_MODELS, modelFolder } from '../testing/fixtures.js';
import { countingSource } from '../testing/sources.js';
import { type YauzlEntry, makeWithJszip, readWithYauzl } from '../testing/zip.js';
import { crcOfMember, openZip } from './archive.js';
import type { ZipEntry } from './entry.js';

const CHECKPOINTS = TEXT_MODELS.flatMap((model) =>
  readdirSync(modelFolder(model))
    .filter((name) => name.endsWith('.pth'))
    .map((name) => join(modelFolder(model), name)),
);

function told({ name, method, crc32, compressedSize, size, localHeaderOffset }: ZipEntry | YauzlEntry): object {
  return { name, method, crc32, compressedSize, size, localHeaderOffset };
}

describe('the checkpoints PyTorch wrote', () => {
  it.each(CHECKPOINTS)('%s is what yauzl reads', async (path) => {
    const bytes = readFileSync(path);
    await using source = await openFileSource(path);
    const archive = await openZip(source);
    const expected = await readWithYauzl(bytes);
    expect(archive.entries.map(told)).toEqual(expected.map(told));
    for (const [index, entry] of archive.entries.entries()) {
      const member = archive.openMember(entry);
      expect(Buffer.from(await member.read(0, member.size)).equals(expected[index]!.data)).toBe(true);
    }
  });

  it.each(CHECKPOINTS)('%s has its data at multiples of 64 and right checksums', async (path) => {
    await using source = await openFileSource(path);
    const archive = await openZip(source);
    for (const entry of archive.entries) {
      expect((await archive.dataOffset(entry)) % 64).toBe(0);
      expect(await crcOfMember(archive, entry)).toBe(entry.crc32);
    }
    expect(archive).toMatchObject({ archiveStart: 0, zip64: true, commentLength: 0, trailingLength: 0, conflicts: [] });
  });
});

describe('opening', () => {
  it('reads the end and nothing else where the directory lies within it', async () => {
    const source = countingSource(memorySource(await makeWithJszip({ a: 'x', b: new Uint8Array(200_000) })));
    const archive = await openZip(source);
    expect(source.reads).toEqual([[source.size - 65_633, 65_633]]);
    expect(archive.find('b')?.size).toBe(200_000);
    expect(archive.find('c')).toBeUndefined();
  });

  it('reads a long directory in one go', async () => {
    const members = Object.fromEntries(Array.from({ length: 1500 }, (_, index) => [`folder/member-${index}`, '']));
    const source = countingSource(memorySource(await makeWithJszip(members)));
    const archive = await openZip(source);
    expect(archive.entries.map((entry) => entry.name)).toEqual(Object.keys(members));
    expect(source.reads).toHaveLength(2);
  });

  it('reads a Blob', async () => {
    const archive = await openZip(blobSource(new Blob([await makeWithJszip({ a: 'from a blob' }, { deflate: true })])));
    const member = archive.openMember(archive.entries[0]!);
    expect(new TextDecoder().decode(await member.read(0, member.size))).toBe('from a blob');
  });

  it('keeps names that are not ASCII', async () => {
    const names = ['übung/データ', 'a b', '__proto__', '../x', '😀'];
    const archive = await openZip(
      memorySource(await makeWithJszip(Object.fromEntries(names.map((name) => [name, name])))),
    );
    expect(archive.entries.map((entry) => entry.name)).toEqual(names);
    for (const name of names) {
      const member = archive.openMember(archive.find(name)!);
      expect(new TextDecoder().decode(await member.read(0, member.size))).toBe(name);
    }
  });

  it('shows names that are no UTF-8 byte by byte', async () => {
    const bytes = await makeWithJszip({ caf_: 'x' });
    for (let at = bytes.indexOf(0x5f); at >= 0; at = bytes.indexOf(0x5f, at + 1)) bytes[at] = 0xe9;
    const archive = await openZip(memorySource(bytes));
    expect(archive.entries[0]?.name).toBe('café');
    await expect(archive.dataOffset(archive.entries[0]!)).resolves.toBeGreaterThan(0);
  });
});

describe('locating members', () => {
  it('reads each local header once, and headers close together in one go', async () => {
    const members = { a: new Uint8Array(10), b: new Uint8Array(300_000), c: new Uint8Array(10), d: 'd' };
    const source = countingSource(memorySource(await makeWithJszip(members)));
    const archive = await openZip(source);
    const before = source.reads.length;
    expect(archive.knownDataOffset(archive.entries[0]!)).toBeUndefined();
    const offsets = await archive.dataOffsets(archive.entries);
    expect(source.reads.length - before).toBe(2);
    expect(archive.entries.map((entry) => archive.knownDataOffset(entry))).toEqual(offsets);
    expect(await archive.dataOffset(archive.find('c')!)).toBe(offsets[2]);
    expect(source.reads.length - before).toBe(2);
  });
});

describe('deflated members', () => {
  const text = Uint8Array.from({ length: 400_000 }, (_, index) => (index * index) >>> 5);

  it.each([{ descriptors: false }, { descriptors: true }])('unpack by position, $descriptors', async (options) => {
    const archive = await openZip(memorySource(await makeWithJszip({ text }, { deflate: true, ...options })));
    const entry = archive.entries[0]!;
    expect(entry).toMatchObject({ method: 8, size: text.byteLength });
    expect(entry.compressedSize).toBeLessThan(entry.size);
    await using member = archive.openMember(entry);
    for (const [offset, length] of [
      [0, 10],
      [10, 300_000],
      [5, 100],
      [399_990, 10],
      [0, 400_000],
      [400_000, 0],
      [399_000, 500],
    ] as const) {
      expect(Buffer.from(await member.read(offset, length)).equals(text.subarray(offset, offset + length))).toBe(true);
    }
    expect(await crcOfMember(archive, entry)).toBe(nodeCrc32(text));
  });

  it('serve reads that are made at the same time', async () => {
    const archive = await openZip(memorySource(await makeWithJszip({ text }, { deflate: true })));
    await using member = archive.openMember(archive.entries[0]!);
    const offsets = [300_000, 0, 100_000, 200_000];
    const parts = await Promise.all(offsets.map((offset) => member.read(offset, 1000)));
    expect(
      parts.map((part, index) => Buffer.from(part).equals(text.subarray(offsets[index], offsets[index]! + 1000))),
    ).toEqual([true, true, true, true]);
  });

  it('unpack empty members', async () => {
    const archive = await openZip(memorySource(await makeWithJszip({ empty: '' }, { deflate: true })));
    const member = archive.openMember(archive.entries[0]!);
    expect(await member.read(0, 0)).toHaveLength(0);
    expect(await crcOfMember(archive, archive.entries[0]!)).toBe(0);
  });

  it('are what zlib unpacks', async () => {
    const bytes = await makeWithJszip({ text }, { deflate: true });
    const archive = await openZip(memorySource(bytes));
    const entry = archive.entries[0]!;
    const start = await archive.dataOffset(entry);
    const member = archive.openMember(entry);
    const expected = inflateRawSync(bytes.subarray(start, start + entry.compressedSize));
    expect(Buffer.from(await member.read(0, member.size)).equals(expected)).toBe(true);
  });

  it('stop when the signal says so', async () => {
    const archive = await openZip(memorySource(await makeWithJszip({ text }, { deflate: true })));
    const member = archive.openMember(archive.entries[0]!);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(member.read(0, 10, { signal })).rejects.toThrow('enough');
    expect(await member.read(0, 10)).toEqual(text.subarray(0, 10));
  });
});

describe('reading beyond a member', () => {
  it.each([{ deflate: false }, { deflate: true }])('is refused, $deflate', async (options) => {
    const archive = await openZip(memorySource(await makeWithJszip({ a: 'abc' }, options), 'x.zip'));
    const member = archive.openMember(archive.entries[0]!);
    expect(member.name).toBe('x.zip : a');
    for (const attempt of [member.read(1, 3), member.readInto(4, new Uint8Array(1)), member.read(-1, 1)]) {
      await expect(attempt).rejects.toMatchObject({ code: 'source/out-of-range', path: 'x.zip : a' });
    }
    const target = new Uint8Array(2);
    await member.readInto(1, target);
    expect(new TextDecoder().decode(target)).toBe('bc');
    await member.close();
  });
});
