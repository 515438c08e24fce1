import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { describe, expect, it } from 'vitest';

import { GENERATED_SOURCES, compileKernels, kernelsModule } from '../../../scripts/kernels.mjs';
import { LANES, MD5_BLOCK_BYTES, compileMd5Kernels, createMd5Kernels, lanesAtOnce } from './md5-kernels.js';

const BUFFER_BYTES = 64 * MD5_BLOCK_BYTES;
const kernels = await createMd5Kernels((await compileMd5Kernels())!, BUFFER_BYTES);

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

/** Hashes of contents that have equally many whole blocks, all at once, in these lanes. */
function hashesOf(contents: readonly Uint8Array[], lanes: readonly number[]): string[] {
  const places = contents.map((bytes, nth) => {
    const lane = lanes[nth]!;
    kernels.buffer(lane, nth % 2).set(bytes);
    kernels.begin(lane);
    return { lane, half: nth % 2, offset: 0 };
  });
  const blocks = Math.floor((contents[0]?.length ?? 0) / MD5_BLOCK_BYTES);
  if (blocks > 0) kernels.hash(places, blocks);
  return contents.map((bytes, nth) => kernels.end({ ...places[nth]!, offset: blocks * MD5_BLOCK_BYTES }, bytes.length));
}

describe('the compiled kernels', () => {
  it('are fresh: run `npm run build` when this fails', async () => {
    const folder = 'src/integrity/kernels';
    for (const { path, text } of GENERATED_SOURCES) expect(await readFile(path, 'utf8')).toBe(text);
    expect(await readFile(kernelsModule(folder), 'utf8')).toBe(await compileKernels(folder));
  }, 60_000);
});

describe('the kernels', () => {
  it('have the hashes of RFC 1321', () => {
    const texts = ['', 'a', 'abc', 'message digest', 'abcdefghijklmnopqrstuvwxyz'];
    expect(texts.map((text) => hashesOf([Buffer.from(text)], [0])[0])).toEqual([
      'd41d8cd98f00b204e9800998ecf8427e',
      '0cc175b9c0f1b6a831c399e269772661',
      '900150983cd24fb0d6963f7d28e17f72',
      'f96b697d7cb7938d525a2f31aaf161d0',
      'c3fcd3d76192e4007dfb496cca67e13b',
    ]);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('agree with OpenSSL for %i files at once, of every length to 200', (count) => {
    for (let length = 0; length <= 200; length++) {
      const contents = Array.from({ length: count }, () => randomBytes(length));
      const lanes = contents.map((_, nth) => LANES - 1 - nth);
      expect(hashesOf(contents, lanes), `${length} bytes`).toEqual(contents.map(md5));
    }
  });

  it.each([1, 2, 3, 8])('agree with OpenSSL for %i whole buffers', (count) => {
    const contents = Array.from({ length: count }, () => randomBytes(BUFFER_BYTES - 1));
    expect(hashesOf(contents, [3, 1, 4, 0, 5, 2, 6, 7])).toEqual(contents.map(md5));
  });

  it('leave the hashes of other lanes alone', () => {
    const [kept, other] = [randomBytes(128), randomBytes(64)];
    kernels.buffer(5, 0).set(kept);
    kernels.begin(5);
    kernels.hash([{ lane: 5, half: 0, offset: 0 }], 1);
    for (let count = 1; count <= 5; count++) {
      expect(hashesOf(Array.from({ length: count }, () => other), [0, 1, 2, 3, 4])[0]).toBe(md5(other)); // prettier-ignore
    }
    kernels.hash([{ lane: 5, half: 0, offset: 64 }], 1);
    expect(kernels.end({ lane: 5, half: 1, offset: 0 }, 128)).toBe(md5(kept));
  });

  it('count the bits of files that are longer than 2^32 bits', () => {
    const zeros = new Uint8Array(BUFFER_BYTES);
    const reference = createHash('md5');
    kernels.buffer(0, 0).set(zeros);
    kernels.begin(0);
    const blocks = BUFFER_BYTES / MD5_BLOCK_BYTES;
    const byteLength = 2 ** 29 + BUFFER_BYTES;
    for (let done = 0; done < byteLength; done += BUFFER_BYTES) {
      kernels.hash([{ lane: 0, half: 0, offset: 0 }], blocks);
      reference.update(zeros);
    }
    expect(kernels.end({ lane: 0, half: 0, offset: 0 }, byteLength)).toBe(reference.digest('hex'));
  }, 60_000);
});

describe('lanesAtOnce', () => {
  it('is never more than there are, but for eight lanes, some of them empty', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8].map(lanesAtOnce)).toEqual([1, 2, 3, 3, 3, 8, 8, 8]);
  });
});
