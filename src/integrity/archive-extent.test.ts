import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import JSZip from 'jszip';
import { describe, expect, it } from 'vitest';

import { memorySource } from '../source/memory.js';
import { TEXT_MODELS, modelFolder } from '../testing/fixtures.js';
import { TAIL_BYTES, findEarlierEnd, parseTailExtent, readTail } from './archive-extent.js';

const torch = readFileSync(join(modelFolder('llama3.2-tiny-no-output'), 'consolidated.00.pth'));
const concat = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const tailExtent = async (bytes: Uint8Array) => parseTailExtent(await readTail(memorySource(bytes)), bytes.byteLength);
const earlierEnd = (bytes: Uint8Array) => findEarlierEnd(memorySource(bytes));
const plainZip = (comment = '') => {
  const zip = new JSZip();
  zip.file('a.txt', 'some text');
  return zip.generateAsync({ type: 'uint8array', comment });
};

describe('parseTailExtent', () => {
  it('finds every archive of the fixtures whole', async () => {
    for (const model of TEXT_MODELS) {
      const bytes = readFileSync(join(modelFolder(model), 'consolidated.00.pth'));
      expect(await tailExtent(bytes)).toEqual({ start: 0, end: bytes.byteLength });
    }
  });

  it('finds an archive without ZIP64 records, with the longest comment, and behind other bytes', async () => {
    for (const comment of ['', 'x', 'c'.repeat(0xffff)]) {
      const bytes = await plainZip(comment);
      expect(await tailExtent(bytes)).toEqual({ start: 0, end: bytes.byteLength });
      const shifted = concat(new Uint8Array(100), bytes);
      expect(await tailExtent(shifted)).toEqual({ start: 100, end: shifted.byteLength });
    }
  });

  it('gives the missing bytes as a negative start', async () => {
    const holed = concat(torch.subarray(0, 1000), torch.subarray(1500));
    expect(await tailExtent(holed)).toEqual({ start: -500, end: holed.byteLength });
    const plain = await plainZip();
    expect((await tailExtent(plain.subarray(10)))?.start).toBe(-10);
  });

  it('finds nothing without an end record, or where one does not end with the file', async () => {
    expect(await tailExtent(torch.subarray(0, -1))).toBeUndefined();
    expect(await tailExtent(concat(torch, Uint8Array.of(0)))).toBeUndefined();
    for (const bytes of [new Uint8Array(0), new Uint8Array(21), new Uint8Array(TAIL_BYTES + 5)]) {
      expect(await tailExtent(bytes)).toBeUndefined();
    }
  });

  it('does not believe a ZIP64 offset beyond all files, nor plain fields that refer to a missing ZIP64 record', async () => {
    const beyond = Buffer.from(torch);
    beyond.writeBigUInt64LE(2n ** 60n, beyond.byteLength - 22 - 12);
    expect(await tailExtent(beyond)).toBeUndefined();
    for (const field of [12, 16]) {
      const saturated = Buffer.from(await plainZip());
      saturated.writeUInt32LE(0xffffffff, saturated.byteLength - 22 + field);
      expect(await tailExtent(saturated)).toBeUndefined();
    }
  });

  it('is not misled by an end signature in a comment or a lone ZIP64 record', async () => {
    const bytes = await plainZip('PK\u0005\u0006 and twenty-two bytes more');
    expect(await tailExtent(bytes)).toEqual({ start: 0, end: bytes.byteLength });
    const noLocator = Buffer.from(torch);
    noLocator.fill(0, noLocator.byteLength - 42, noLocator.byteLength - 22);
    // Without the locator the plain fields count, and the 76 bytes of the two records seem to stand in front.
    expect(await tailExtent(noLocator)).toEqual({ start: 76, end: torch.byteLength });
  });
});

describe('findEarlierEnd', () => {
  it('finds where an archive ends that other bytes follow', async () => {
    for (const extra of [1, 22, 1000, 70_000]) {
      expect(await earlierEnd(concat(torch, new Uint8Array(extra).fill(0x50)))).toBe(torch.byteLength);
    }
    expect(await earlierEnd(concat(torch, torch.subarray(0, 100_000)))).toBe(torch.byteLength);
    const plain = await plainZip();
    expect(await earlierEnd(concat(plain, plain))).toBe(plain.byteLength);
  });

  it('finds an end record at any place relative to its blocks', async () => {
    const block = 1 << 20;
    // The records of these archives end 0 to 130 bytes behind the first block.
    for (let behind = 0; behind <= 130; behind += 1) {
      const bytes = concat(archiveOf(block + behind), new Uint8Array(10));
      expect(await earlierEnd(bytes)).toBe(block + behind);
    }
  });

  it('finds nothing in a whole, a cut-off or a shifted archive, and in too few bytes', async () => {
    for (const bytes of [torch, torch.subarray(0, 200_000), concat(Uint8Array.of(1), torch, Uint8Array.of(1))]) {
      expect(await earlierEnd(bytes)).toBeUndefined();
    }
    for (const size of [0, 1, 21, 22]) expect(await earlierEnd(new Uint8Array(size).fill(0x50))).toBeUndefined();
  });

  it('reports how far it has searched, and stops at an abort', async () => {
    const source = memorySource(new Uint8Array((3 << 20) + 5), 'x.pth');
    const done: number[] = [];
    await findEarlierEnd(source, { onProgress: (progress) => done.push(progress.done) });
    expect(done[0]).toBe(1 << 20);
    expect(done.at(-1)).toBe(source.size);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(findEarlierEnd(source, { signal })).rejects.toThrow('enough');
  });
});

/** The last records of an archive of `size` bytes with ZIP64 records, behind as many zeros as it takes. */
function archiveOf(size: number): Uint8Array {
  const bytes = Buffer.alloc(size);
  const records = size - 98;
  bytes.writeUInt32LE(0x06064b50, records);
  bytes.writeUInt32LE(0x07064b50, records + 56);
  bytes.writeBigUInt64LE(BigInt(records), records + 64);
  bytes.writeUInt32LE(0x06054b50, records + 76);
  bytes.writeUInt32LE(0xffffffff, records + 92);
  return bytes;
}
