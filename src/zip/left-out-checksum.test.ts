import { describe, expect, it } from 'vitest';

import { memorySink } from '../source/byte-sink.js';
import { memorySource } from '../source/memory.js';
import { countingSource } from '../testing/sources.js';
import { makeWithJszip } from '../testing/zip.js';
import { openZip } from './archive.js';
import { hasNoChecksum } from './left-out-checksum.js';
import { zipWriter } from './writer.js';

/** Where the checksum of the only member `a` with the data `data` stands in an archive of our writer. */
const [LOCAL, DESCRIPTOR] = [14, 64 + 4 + 4];

async function written(data = 'data'): Promise<Uint8Array<ArrayBuffer>> {
  const sink = memorySink();
  const writer = zipWriter(sink);
  await writer.add('a', data.length, new TextEncoder().encode(data));
  await writer.finish();
  return sink.bytes();
}

/** The archive with zeros for its checksums, in the directory and at these places besides. */
function without(bytes: Uint8Array<ArrayBuffer>, ...places: readonly number[]): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  const directory = copy.findIndex((_, at) => String(copy.subarray(at, at + 4)) === '80,75,1,2');
  for (const at of [directory + 16, ...places]) copy.fill(0, at, at + 4);
  return copy;
}

async function isLeftOut(bytes: Uint8Array): Promise<boolean> {
  const source = memorySource(bytes);
  const archive = await openZip(source);
  const [entry] = archive.entries;
  return hasNoChecksum(source, entry!, await archive.dataOffset(entry!));
}

describe('hasNoChecksum', () => {
  it('is so when directory, header and descriptor say 0, as PyTorch writes it', async () => {
    expect(await isLeftOut(without(await written(), DESCRIPTOR))).toBe(true);
  });

  it('is not so when the directory has one; nothing is read then', async () => {
    const source = countingSource(memorySource(await written()));
    const archive = await openZip(source);
    const before = source.reads.length;
    expect(await hasNoChecksum(source, archive.entries[0]!, 64)).toBe(false);
    expect(source.reads.length).toBe(before);
  });

  it('is not so when only the directory says 0', async () => {
    expect(await isLeftOut(without(await written()))).toBe(false);
  });

  it('sees a checksum in the local header, where there is no descriptor', async () => {
    const bytes = Uint8Array.from(await makeWithJszip({ a: 'data' }));
    expect(await isLeftOut(without(bytes))).toBe(false);
    expect(await isLeftOut(without(bytes, LOCAL))).toBe(true);
  });

  it('sees a checksum in a descriptor without signature', async () => {
    const bytes = await written();
    const checksum = bytes.slice(DESCRIPTOR, DESCRIPTOR + 4);
    const unsigned = without(bytes);
    unsigned.set(checksum, DESCRIPTOR - 4);
    expect(await isLeftOut(unsigned)).toBe(false);
    unsigned.fill(0, DESCRIPTOR - 4, DESCRIPTOR + 4);
    expect(await isLeftOut(unsigned)).toBe(true);
  });

  it('does not look for a descriptor where there is no room for one', async () => {
    const bytes = Uint8Array.from(await makeWithJszip({ a: 'data' }));
    const flagged = without(bytes, LOCAL);
    const directory = flagged.findIndex((_, at) => String(flagged.subarray(at, at + 4)) === '80,75,1,2');
    flagged[6]! |= 8;
    flagged[directory + 8]! |= 8;
    expect(await isLeftOut(flagged)).toBe(true);
  });
});
