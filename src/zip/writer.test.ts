import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import JSZip from 'jszip';
import { describe, expect, it } from 'vitest';

import type { ByteSource } from '../source/byte-source.js';
import { memorySink } from '../source/byte-sink.js';
import { memorySource } from '../source/memory.js';
import { TEXT_MODELS, modelFolder } from '../testing/fixtures.js';
import { readWithYauzl } from '../testing/zip.js';
import { openZip } from './archive.js';
import { layoutArchive } from './layout.js';
import { type MemberData, zipWriter } from './writer.js';

async function write(members: readonly (readonly [string, Uint8Array])[], alignment?: number): Promise<Uint8Array> {
  const sink = memorySink();
  const writer = zipWriter(sink, alignment === undefined ? {} : { alignment });
  for (const [name, data] of members) await writer.add(name, data.byteLength, data);
  await writer.finish();
  return sink.bytes();
}

describe('the writer', () => {
  it.each(TEXT_MODELS)('gives the bytes PyTorch gave for the members of %s', async (model) => {
    for (const name of readdirSync(modelFolder(model)).filter((file) => file.endsWith('.pth'))) {
      const bytes = readFileSync(join(modelFolder(model), name));
      const members = (await readWithYauzl(bytes)).map((entry) => [entry.name, entry.data] as const);
      expect(Buffer.from(await write(members)).equals(bytes)).toBe(true);
    }
  });

  it('writes what yauzl and our reader read, for any members, and as long as planned', async () => {
    const member = fc.tuple(fc.string({ minLength: 1, unit: 'grapheme' }), fc.uint8Array({ maxLength: 200 }));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(member, { selector: ([name]) => name, maxLength: 8 }),
        fc.constantFrom(1, 16, 64, 4096),
        async (drawn, alignment) => {
          // yauzl refuses names that would leave the folder
          const members = drawn.map(
            ([name, data], index) => [`m${index}/${name.replaceAll(/[\\/]/g, '_')}`, data] as const,
          );
          const bytes = await write(members, alignment);
          const layout = layoutArchive(
            members.map(([name, { byteLength }]) => ({ name, byteLength })),
            alignment,
          );
          expect(layout.byteLength).toBe(bytes.byteLength);
          expect((await readWithYauzl(bytes)).map(({ name, data }) => [name, new Uint8Array(data)])).toEqual(members);
          const archive = await openZip(memorySource(bytes));
          expect(await archive.dataOffsets(archive.entries)).toEqual(layout.members.map((place) => place.dataOffset));
          expect(layout.members.every((place) => place.dataOffset % alignment === 0)).toBe(true);
        },
      ),
    );
  });

  it('writes archives that jszip reads once the ZIP64 records are cut out, which it trips over', async () => {
    const bytes = await write([['a.txt', new TextEncoder().encode('hello')]]);
    const plain = Uint8Array.from([...bytes.subarray(0, -98), ...bytes.subarray(-22)]);
    const zip = await JSZip.loadAsync(plain, { checkCRC32: true });
    expect(await zip.file('a.txt')?.async('string')).toBe('hello');
  });

  it('takes data in pieces', async () => {
    const sink = memorySink();
    const writer = zipWriter(sink);
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(1, 2);
      yield new Uint8Array(0);
      yield Uint8Array.of(3);
    }
    await writer.add('a', 3, pieces());
    await writer.add('b', 2, [Uint8Array.of(4), Uint8Array.of(5)]);
    await writer.finish();
    const [a, b] = await readWithYauzl(sink.bytes());
    expect([[...a!.data], [...b!.data]]).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
  });

  it.each<[string, MemberData, string]>([
    ['too little', Uint8Array.of(1, 2), 'only 2 came'],
    ['too much', [Uint8Array.of(1, 2), Uint8Array.of(3, 4)], '4 or more came'],
  ])('refuses %s data', async (_, data, message) => {
    await expect(zipWriter(memorySink()).add('a', 3, data)).rejects.toMatchObject({
      code: 'zip/bad-write',
      message: expect.stringContaining(message) as string,
    });
  });

  it('refuses a name used before', async () => {
    const writer = zipWriter(memorySink());
    await writer.add('a', 0, new Uint8Array(0));
    await expect(writer.add('a', 0, new Uint8Array(0))).rejects.toMatchObject({ code: 'zip/bad-write' });
  });

  it('writes long directories', async () => {
    const members = Array.from({ length: 20_000 }, (_, index) => [`member-${index}`, new Uint8Array(0)] as const);
    const archive = await openZip(memorySource(await write(members)));
    expect(archive.entries.map((entry) => entry.name)).toEqual(members.map(([name]) => name));
  });
});

describe('beyond 4 GiB', () => {
  // Offsets and sizes of a file that torch.save of PyTorch 2.13 wrote for three tensors:
  // 4 GiB + 100 bytes, 40 bytes, and none.
  const members = [
    { name: 'big1/data.pkl', byteLength: 306 },
    { name: 'big1/.format_version', byteLength: 1 },
    { name: 'big1/.storage_alignment', byteLength: 2 },
    { name: 'big1/byteorder', byteLength: 6 },
    { name: 'big1/data/0', byteLength: 2 ** 32 + 100 },
    { name: 'big1/data/1', byteLength: 40 },
    { name: 'big1/data/2', byteLength: 0 },
    { name: 'big1/version', byteLength: 2 },
    { name: 'big1/.data/serialization_id', byteLength: 40 },
  ];

  it('places members where PyTorch does', () => {
    const layout = layoutArchive(members);
    expect(layout.members.map((place) => place.headerOffset)).toEqual([
      0, 0x182, 0x1d1, 0x252, 0x2d6, 0x1000003bc, 0x100000440, 0x100000480, 0x1000004da,
    ]);
    expect(layout.members.map((place) => place.padding)).toEqual([17, 8, 54, 62, 41, 11, 7, 6, 29]);
    expect(layout).toMatchObject({ directoryOffset: 0x100000580, directorySize: 0x270, byteLength: 4_294_969_426 });
  });

  it('writes in bounded memory what the reader reads', async () => {
    const { sink, source } = sparseFile();
    const writer = zipWriter(sink);
    const block = new Uint8Array(1 << 26).fill(7);
    function* pieces(byteLength: number): Generator<Uint8Array> {
      for (let left = byteLength; left > 0; left -= block.byteLength) yield block.subarray(0, left);
    }
    for (const { name, byteLength } of members) await writer.add(name, byteLength, pieces(byteLength));
    await writer.finish();
    const layout = layoutArchive(members);
    expect(sink.position).toBe(layout.byteLength);
    const archive = await openZip(source());
    expect(archive.entries.map(({ name, size }) => ({ name, byteLength: size }))).toEqual(members);
    expect(await archive.dataOffsets(archive.entries)).toEqual(layout.members.map((place) => place.dataOffset));
    expect(archive.find('big1/data/0')?.crc32).toBe(0x1fbd070);
    // The ZIP64 field of the local header, as PyTorch leaves it: the size, and 0 for the size in the archive.
    const field = await source().read(0x2d6 + 30 + 11, 20);
    expect([...field]).toEqual([1, 0, 16, 0, 100, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...(await archive.openMember(archive.find('big1/data/1')!).read(30, 10))]).toEqual(Array(10).fill(7));
  }, 240_000);
});

/** A file that keeps its pieces by reference: those that come often cost nothing. */
function sparseFile(): {
  sink: { position: number; write: (bytes: Uint8Array) => Promise<void> };
  source: () => ByteSource;
} {
  const pieces: { start: number; bytes: Uint8Array }[] = [];
  const sink = {
    position: 0,
    write: async (bytes: Uint8Array) => {
      pieces.push({ start: sink.position, bytes });
      sink.position += bytes.byteLength;
    },
  };
  const readInto = async (offset: number, target: Uint8Array): Promise<void> => {
    for (const { start, bytes } of pieces) {
      const from = Math.max(offset, start);
      const to = Math.min(offset + target.byteLength, start + bytes.byteLength);
      if (from < to) target.set(bytes.subarray(from - start, to - start), from - offset);
    }
  };
  return {
    sink,
    source: () => ({
      ...memorySource(new Uint8Array(0)),
      size: sink.position,
      readInto,
      read: async (offset, length) => {
        const target = new Uint8Array(length);
        await readInto(offset, target);
        return target;
      },
    }),
  };
}
