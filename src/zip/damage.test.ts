import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { CheckpointError } from '../errors.js';
import { memorySink } from '../source/byte-sink.js';
import { memorySource } from '../source/memory.js';
import { failingSource } from '../testing/sources.js';
import { makeWithJszip } from '../testing/zip.js';
import { type ZipArchive, openZip } from './archive.js';
import { readZipDirectory } from './directory.js';
import { zipWriter } from './writer.js';

const text = new TextEncoder();

async function archiveOf(members: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const sink = memorySink();
  const writer = zipWriter(sink);
  for (const [name, data] of Object.entries(members))
    await writer.add(name, text.encode(data).byteLength, text.encode(data));
  await writer.finish();
  return sink.bytes();
}

/** Offsets, from the end of an archive without comment, of its records. */
const END = 22;
const LOCATOR = END + 20;
const ZIP64_END = LOCATOR + 56;

/** A copy with changes made through a view; negative positions count from the end. */
function changed(bytes: Uint8Array, change: (view: DataView, copy: Uint8Array) => void): Uint8Array {
  const copy = bytes.slice();
  change(new DataView(copy.buffer), copy);
  return copy;
}

function indexOf(bytes: Uint8Array, signature: readonly number[], from = 0): number {
  for (let at = from; at < bytes.byteLength; at += 1) {
    if (signature.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  throw new Error('no such signature');
}

const LOCAL = [0x50, 0x4b, 3, 4];
const CENTRAL = [0x50, 0x4b, 1, 2];

async function readAll(bytes: Uint8Array): Promise<ZipArchive> {
  const archive = await openZip(memorySource(bytes, 'x.zip'));
  for (const entry of archive.entries) {
    const member = archive.openMember(entry);
    await member.read(0, member.size);
  }
  return archive;
}

const refusal = (bytes: Uint8Array): Promise<unknown> =>
  readAll(bytes).then(
    () => 'accepted',
    (error: unknown) => error,
  );

describe('cut-off archives', () => {
  it('are refused at every length, and the end of the last complete member is named', async () => {
    const bytes = await archiveOf({ 'a/data.pkl': 'first', 'a/byteorder': 'little', 'a/data/0': 'x'.repeat(100) });
    const { entries } = await openZip(memorySource(bytes));
    const directory = indexOf(bytes, CENTRAL);
    for (let length = 4; length < bytes.byteLength; length += 1) {
      const error = await refusal(bytes.subarray(0, length));
      expect(error).toMatchObject({ code: 'zip/no-end-record', path: 'x.zip', offset: length });
      const { message, hint } = error as CheckpointError;
      expect(message).toBe(`cut off: no ZIP end record in ${length} bytes`);
      const ends = [...entries.slice(1).map((entry) => entry.localHeaderOffset), directory];
      const complete = ends.filter((end) => end <= length).at(-1);
      // The 46 bytes of the first header of the directory tell that it has begun.
      if (length >= directory + 46) expect(hint).toContain('all members are there');
      else if (complete !== undefined) expect(hint).toContain(`ends at 0x${complete.toString(16)};`);
      else if (length >= 30) expect(hint).toContain('the first member is incomplete');
      else expect(hint).toBe('the download stopped there: download this file again');
    }
  });

  it('of other writers are refused at every length', async () => {
    const bytes = await makeWithJszip({ a: 'first', b: 'second '.repeat(20) }, { deflate: true });
    for (let length = 0; length < bytes.byteLength; length += 1) {
      const code = length < 4 ? 'zip/not-a-zip' : 'zip/no-end-record';
      expect(await refusal(bytes.subarray(0, length))).toMatchObject({ code });
    }
  });

  it('are searched backwards block by block, but not without end', async () => {
    const head = await archiveOf({ first: 'data' });
    const end = indexOf(head, CENTRAL);
    const far = new Uint8Array(3 << 20);
    far.set(head.subarray(0, end));
    far.set(LOCAL, end);
    const hint = `the last complete member ends at 0x${end.toString(16)}; the download stopped there: download this file again`;
    expect(await refusal(far)).toMatchObject({ hint });
    const tooFar = new Uint8Array(65 << 20);
    tooFar.set(far);
    expect(await refusal(tooFar)).toMatchObject({ hint: 'the download stopped there: download this file again' });
  });

  it('beyond 4 GiB have longer descriptors', async () => {
    const descriptor = new Uint8Array(24);
    descriptor.set([0x50, 0x4b, 7, 8, 1, 2, 3, 4, 5, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0]);
    const unequal = descriptor.map((byte, index) => (index === 8 ? 6 : byte));
    const head = (await archiveOf({ first: 'data' })).subarray(0, 64);
    expect(await refusal(Uint8Array.from([...head, ...descriptor]))).toMatchObject({
      hint: expect.stringContaining('ends at 0x58;') as string,
    });
    expect(await refusal(Uint8Array.from([...head, ...unequal]))).toMatchObject({
      hint: expect.stringContaining('the first member is incomplete') as string,
    });
    expect(await refusal(Uint8Array.from([...head, ...descriptor.subarray(0, 20)]))).toMatchObject({
      hint: expect.stringContaining('the first member is incomplete') as string,
    });
  });

  it('may be cut within the comment', async () => {
    const bytes = await makeWithJszip({ a: 'x' }, { comment: 'a long comment' });
    expect(await refusal(bytes.subarray(0, -1))).toMatchObject({
      code: 'zip/no-end-record',
      message: "cut off: the archive's comment should have 14 bytes, but 13 are left",
    });
  });
});

describe('other things', () => {
  it.each([[''], ['PK'], ['<html>'], ['PK\u0005\u0006']])('such as %j are no archives', async (content) => {
    expect(await refusal(text.encode(content))).toMatchObject({ code: 'zip/not-a-zip', offset: 0 });
  });
});

describe('bytes around the archive', () => {
  const prefix = text.encode('#!/bin/sh\n');

  it('before it are counted, whether offsets count them or not', async () => {
    const bytes = await archiveOf({ a: 'x', b: 'yy' });
    const archive = await readAll(Uint8Array.from([...prefix, ...bytes]));
    expect(archive.archiveStart).toBe(prefix.byteLength);
    expect(archive.entries.map((entry) => entry.size)).toEqual([1, 2]);
    const shifted = await makeWithJszip({ a: 'x' });
    expect((await readAll(Uint8Array.from([...prefix, ...shifted]))).archiveStart).toBe(prefix.byteLength);
  });

  it('after it are counted', async () => {
    const bytes = await archiveOf({ a: 'x' });
    expect((await readAll(Uint8Array.from([...bytes, 0, 0, 0]))).trailingLength).toBe(3);
  });

  it('are refused where they are the beginning of another archive', async () => {
    const inner = await makeWithJszip({ inner: 'content' });
    const outer = await archiveOf({ 'data.zip': String.fromCharCode(1).repeat(200) });
    const cut = Uint8Array.from([...outer.subarray(0, 100), ...inner]);
    expect(await refusal(cut)).toMatchObject({ code: 'zip/no-end-record' });
  });

  it('are refused where they make two places for the directory', async () => {
    const bytes = await makeWithJszip({ a: 'x' });
    const directory = indexOf(bytes, CENTRAL);
    const double = Uint8Array.from([...bytes.subarray(0, -END), ...bytes.subarray(directory)]);
    double[0] = 0; // else the first member tells
    expect(await refusal(double)).toMatchObject({ code: 'zip/bad-end-record' });
  });

  it('may look like an end record within the comment', async () => {
    const signature = `PK\u0005\u0006${'\0'.repeat(16)}\u0001\0`;
    const bytes = await makeWithJszip({ a: 'x' }, { comment: signature });
    expect((await readAll(bytes)).entries).toHaveLength(1);
  });
});

describe('end records', () => {
  const cases: [string, string, (view: DataView, copy: Uint8Array) => void][] = [
    ['another number of entries', 'zip/bad-end-record', (view) => view.setUint16(view.byteLength - END + 10, 9, true)],
    ['another directory', 'zip/bad-end-record', (view) => view.setUint32(view.byteLength - END + 16, 9, true)],
    ['a second volume', 'zip/multi-disk', setBoth(4, 16, 1)],
    ['a directory on a second volume', 'zip/multi-disk', setBoth(6, 20, 1)],
    ['entries on another volume', 'zip/multi-disk', setBoth(8, 24, 0)],
    [
      'a directory past the end',
      'zip/bad-end-record',
      (view) => {
        view.setUint32(view.byteLength - END + 12, 0xffffffff, true);
        view.setUint32(view.byteLength - ZIP64_END + 40, 1 << 20, true);
      },
    ],
    [
      'a directory beyond 2^53',
      'zip/too-large',
      (view) => {
        view.setUint32(view.byteLength - ZIP64_END + 44, 1 << 24, true);
      },
    ],
    [
      'a locator that leads nowhere',
      'zip/bad-end-record',
      (view) => {
        view.setUint32(view.byteLength - ZIP64_END, 0, true);
      },
    ],
    [
      'a locator beyond 2^53',
      'zip/too-large',
      (view) => {
        view.setUint32(view.byteLength - LOCATOR + 12, 1 << 24, true);
      },
    ],
    [
      'a ZIP64 record of another length',
      'zip/bad-end-record',
      (view) => {
        view.setUint32(view.byteLength - ZIP64_END + 4, 45, true);
      },
    ],
    ['more entries than the directory holds', 'zip/bad-directory', setBoth(8, 24, 3, setBoth(10, 32, 3))],
    ['more entries than could fit', 'zip/bad-directory', setBoth(8, 24, 99, setBoth(10, 32, 99))],
    ['fewer entries than the directory holds', 'zip/bad-directory', setBoth(8, 24, 1, setBoth(10, 32, 1))],
  ];

  /** Sets a field of the classic record and its counterpart in the ZIP64 one. */
  function setBoth(classic: number, zip64: number, value: number, more?: (view: DataView, copy: Uint8Array) => void) {
    return (view: DataView, copy: Uint8Array): void => {
      view.setUint16(view.byteLength - END + classic, value, true);
      view.setUint16(view.byteLength - ZIP64_END + zip64, value, true);
      more?.(view, copy);
    };
  }

  it.each(cases)('with %s are refused: %s', async (_, code, change) => {
    const bytes = await archiveOf({ a: 'x'.repeat(200), b: 'y'.repeat(200) });
    expect(await refusal(bytes)).toBe('accepted');
    expect(await refusal(changed(bytes, change))).toMatchObject({ code, path: 'x.zip' });
  });

  it('without a ZIP64 record name their faults too', async () => {
    const bytes = await makeWithJszip({ a: 'x' });
    const far = changed(bytes, (view) => {
      view.setUint32(view.byteLength - 6, 0xfffffff0, true);
    });
    expect(await refusal(far)).toMatchObject({
      code: 'zip/bad-end-record',
      message: expect.stringContaining('a directory of') as string,
    });
  });

  it('announce directories that are too large to read', async () => {
    const size = 129 << 20;
    const end = new Uint8Array(END);
    const view = new DataView(end.buffer);
    view.setUint32(0, 0x06054b50, true);
    view.setUint32(12, size, true);
    const source = {
      ...memorySource(end, 'x.zip'),
      size: size + END,
      read: async (offset: number, length: number) => {
        const bytes = new Uint8Array(length);
        if (offset + length === size + END) bytes.set(end, length - END);
        return bytes;
      },
    };
    await expect(openZip(source)).rejects.toMatchObject({ code: 'zip/too-large', offset: 0 });
  });
});

describe('members', () => {
  const members = { a: 'x'.repeat(200), b: 'y'.repeat(200) };

  it.each<[string, string, (central: number, local: number, view: DataView) => void]>([
    ['another name', 'zip/bad-local-header', (_, local, view) => view.setUint8(local + 30, 0x63)],
    ['a longer name', 'zip/bad-local-header', (_, local, view) => view.setUint16(local + 26, 2, true)],
    ['no header', 'zip/bad-local-header', (_, local, view) => view.setUint8(local, 0)],
    ['another method', 'zip/bad-local-header', (_, local, view) => view.setUint16(local + 8, 8, true)],
    ['another size', 'zip/bad-local-header', (_, local, view) => view.setUint32(local + 22, 9, true)],
    ['another packed size', 'zip/bad-local-header', (_, local, view) => view.setUint32(local + 18, 9, true)],
    ['no size and no descriptor', 'zip/bad-local-header', (_, local, view) => view.setUint16(local + 6, 0x800, true)],
    ['encryption in one place', 'zip/bad-local-header', (_, local, view) => view.setUint16(local + 6, 0x809, true)],
    ['encryption', 'zip/encrypted', (central, _, view) => view.setUint16(central + 8, 0x809, true)],
    ['strong encryption', 'zip/encrypted', (central, _, view) => view.setUint16(central + 8, 0x848, true)],
    ['patch data', 'zip/unsupported-method', (central, _, view) => view.setUint16(central + 8, 0x828, true)],
    ['method 14', 'zip/unsupported-method', (central, _, view) => view.setUint16(central + 10, 14, true)],
    ['two sizes though stored', 'zip/bad-data', (central, _, view) => view.setUint32(central + 24, 9, true)],
    ['another volume', 'zip/multi-disk', (central, _, view) => view.setUint16(central + 34, 1, true)],
    ['ZIP64 sizes missing', 'zip/bad-directory', (central, _, view) => view.setUint32(central + 24, 0xffffffff, true)],
    ['an extra field past the end', 'zip/bad-directory', (central, _, view) => view.setUint16(central + 30, 900, true)],
    ['no header in the directory', 'zip/bad-directory', (central, _, view) => view.setUint8(central, 0)],
    [
      'too many bytes',
      'zip/overlap',
      (central, _, view) => {
        view.setUint32(central + 20, 220, true);
        view.setUint32(central + 24, 220, true);
      },
    ],
    ['many too many bytes', 'zip/overlap', (central, _, view) => view.setUint32(central + 20, 1 << 30, true)],
    ['its data pushed back', 'zip/overlap', (_, local, view) => view.setUint16(local + 28, 60, true)],
    ['the place of another', 'zip/overlap', (central, _, view) => view.setUint32(central + 42, 0, true)],
  ])('with %s are refused: %s', async (_, code, change) => {
    const bytes = await archiveOf(members);
    const last = indexOf(bytes, CENTRAL, indexOf(bytes, CENTRAL) + 1);
    const local = indexOf(bytes, LOCAL, 1);
    const damaged = changed(bytes, (view) => {
      change(last, local, view);
    });
    expect(await refusal(damaged)).toMatchObject({ code, path: 'x.zip' });
  });

  it('called alike are refused, and listed for whoever wants to know', async () => {
    const names = Object.fromEntries(
      Array.from({ length: 200 }, (_, index) => [`m${index % 100}${index < 100 ? 'a' : 'b'}`, '']),
    );
    const bytes = (await archiveOf(names)).map((byte) => (byte === 0x62 ? 0x61 : byte));
    expect(await refusal(bytes)).toMatchObject({ code: 'zip/duplicate-name', message: 'two members are called "m0a"' });
    const { conflicts } = await readZipDirectory(memorySource(bytes));
    expect(conflicts).toHaveLength(64);
    expect(new Set(conflicts.map((conflict) => conflict.code))).toEqual(new Set(['zip/duplicate-name']));
  });

  it('that all overlap are listed up to a bound', async () => {
    const names = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`m${index}`, '']));
    const bytes = changed(await archiveOf(names), (view, copy) => {
      for (
        let at = indexOf(copy, CENTRAL);
        view.getUint32(at, true) === 0x02014b50;
        at += 46 + view.getUint16(at + 28, true)
      ) {
        view.setUint32(at + 42, 0, true);
      }
    });
    const { conflicts } = await readZipDirectory(memorySource(bytes));
    expect(conflicts).toHaveLength(64);
    expect(conflicts[0]).toMatchObject({ code: 'zip/overlap', offset: 0 });
  });

  it('may stand in another order than the directory', async () => {
    const bytes = await archiveOf({ a: 'first', b: 'other' });
    const swapped = changed(bytes, (view, copy) => {
      const first = indexOf(copy, CENTRAL);
      const second = indexOf(copy, CENTRAL, first + 1);
      const headers = [copy.slice(first, second), copy.slice(second, second + (second - first))];
      copy.set(headers[1]!, first);
      copy.set(headers[0]!, second);
      expect(view.getUint32(first, true)).toBe(0x02014b50);
    });
    expect((await readAll(swapped)).entries.map((entry) => entry.name)).toEqual(['b', 'a']);
  });

  it('may have their sizes and places in ZIP64 fields', async () => {
    const bytes = await makeWithJszip({ a: 'hello' });
    const central = indexOf(bytes, CENTRAL);
    const extra = new Uint8Array(6 + 4 + 24);
    const extraView = new DataView(extra.buffer);
    extraView.setUint16(0, 0x7875, true); // another field before it
    extraView.setUint16(2, 2, true);
    extraView.setUint16(6, 1, true);
    extraView.setUint16(8, 24, true);
    extraView.setUint32(10, 5, true);
    extraView.setUint32(18, 5, true);
    const name = central + 47;
    const build = (field: Uint8Array): Uint8Array =>
      changed(Uint8Array.from([...bytes.subarray(0, name), ...field, ...bytes.subarray(name)]), (view) => {
        for (const at of [20, 24, 42]) view.setUint32(central + at, 0xffffffff, true);
        view.setUint16(central + 30, field.byteLength, true);
        view.setUint32(view.byteLength - 10, 47 + field.byteLength, true);
      });
    expect((await readAll(build(extra))).entries[0]).toMatchObject({
      size: 5,
      compressedSize: 5,
      localHeaderOffset: 0,
    });
    const short = extra.slice();
    new DataView(short.buffer).setUint16(8, 23, true);
    expect(await refusal(build(short))).toMatchObject({ code: 'zip/bad-directory' });
    new DataView(short.buffer).setUint16(8, 99, true);
    expect(await refusal(build(short))).toMatchObject({ code: 'zip/bad-directory' });
    const huge = extra.slice();
    huge[16] = 0x20;
    expect(await refusal(build(huge))).toMatchObject({ code: 'zip/too-large' });
  });
});

describe('deflated data', () => {
  const content = Array.from({ length: 3000 }, (_, index) => `${index * index} `).join('');

  async function withSizes(change: (size: number, packed: number) => readonly [number, number]): Promise<Uint8Array> {
    const bytes = await makeWithJszip({ a: content }, { deflate: true });
    const central = indexOf(bytes, CENTRAL);
    return changed(bytes, (view) => {
      const [size, packed] = change(view.getUint32(central + 24, true), view.getUint32(central + 20, true));
      for (const at of [18, central + 20]) view.setUint32(at, packed, true);
      for (const at of [22, central + 24]) view.setUint32(at, size, true);
    });
  }

  it('that unpack to fewer or more bytes than announced are refused', async () => {
    expect(await refusal(await withSizes((size, packed) => [size + 1, packed]))).toMatchObject({
      code: 'zip/bad-data',
      message: expect.stringMatching(/unpack to \d+ bytes, not to the announced \d+$/) as string,
    });
    expect(await refusal(await withSizes((size, packed) => [size - 1, packed]))).toMatchObject({
      code: 'zip/bad-data',
      message: expect.stringContaining('more than the announced') as string,
    });
  });

  it('that could never unpack to the announced size are refused before anything is unpacked', async () => {
    expect(await refusal(await withSizes((_, packed) => [0xfffffffe, packed]))).toMatchObject({
      code: 'zip/bad-data',
      message: expect.stringContaining('cannot unpack') as string,
    });
  });

  it('that are cut off are refused', async () => {
    expect(await refusal(await withSizes((size, packed) => [size, packed - 20]))).toMatchObject({
      code: 'zip/bad-data',
    });
  });

  it('that are damaged are refused at every byte or unpack to the announced size', async () => {
    const bytes = await makeWithJszip({ a: content.slice(0, 300) }, { deflate: true });
    for (let at = 31; at < indexOf(bytes, CENTRAL); at += 1) {
      const error = await refusal(changed(bytes, (_, copy) => copy.set([~copy[at]!], at)));
      if (error !== 'accepted') expect(error).toMatchObject({ code: 'zip/bad-data' });
    }
  });

  it('whose source fails give the error of the source', async () => {
    const bytes = await makeWithJszip({ a: content }, { deflate: true });
    const archive = await openZip(memorySource(bytes));
    await archive.dataOffsets(archive.entries);
    const failing = await openZip(failingSource(memorySource(bytes), 2));
    const member = failing.openMember(failing.entries[0]!);
    await expect(member.read(0, 10)).rejects.toMatchObject({ code: 'source/read-failed' });
    await member.close();
  });
});

describe('a source that fails', () => {
  it('at any read gives its own error', async () => {
    const members = { a: 'x', b: 'y'.repeat(300_000), c: 'z' };
    const archives = [await archiveOf(members), await makeWithJszip(members, { deflate: true })];
    const script = async (bytes: Uint8Array, n: number): Promise<void> => {
      const archive = await openZip(failingSource(memorySource(bytes), n));
      await archive.dataOffsets(archive.entries);
      for (const entry of archive.entries) await archive.openMember(entry).read(0, entry.size);
    };
    for (const bytes of archives) {
      for (let n = 0; n < 4; n += 1)
        await expect(script(bytes, n)).rejects.toMatchObject({ code: 'source/read-failed' });
      await script(bytes, 1000);
      await expect(openZip(failingSource(memorySource(bytes.subarray(0, 100)), 1))).rejects.toMatchObject({
        code: 'source/read-failed',
      });
    }
  });
});

describe('mutations', () => {
  it('give a CheckpointError or an archive, never anything else', async () => {
    const seeds = [
      await archiveOf({ 'a/data.pkl': 'pickle', 'a/data/0': 'weights'.repeat(10), 'a/version': '3\n' }),
      await makeWithJszip({ a: 'text '.repeat(50), b: 'b' }, { deflate: true, descriptors: true, comment: 'PK' }),
    ];
    const mutation = fc.record({
      seed: fc.constantFrom(...seeds),
      edits: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(mutation, fc.nat(3), async ({ seed, edits }, kind) => {
        let bytes = [...seed];
        for (const [place, value] of edits) {
          const at = place % bytes.length;
          if (kind === 0) bytes[at] = value;
          else if (kind === 1) bytes.splice(at, 0, value);
          else if (kind === 2) bytes.splice(at, 1);
          else bytes = [...bytes.slice(0, at), ...bytes.slice(value)];
          if (bytes.length === 0) bytes = [value];
        }
        const error = await refusal(Uint8Array.from(bytes));
        if (error !== 'accepted') expect(error).toBeInstanceOf(CheckpointError);
      }),
      { numRuns: 2000 },
    );
  });
});
