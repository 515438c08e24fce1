import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Progress } from '../options.js';
import { type ByteSource, SourceError } from '../source/byte-source.js';
import { openFileSource } from '../source/file.js';
import { type Folder, memoryFolder } from '../source/folder.js';
import { memorySource } from '../source/memory.js';
import { hashFilesInTurn } from './hash-files.js';
import { createNodeHasher } from './hash-node.js';
import { createWasmHasher } from './hash-wasm.js';
import { type HashAlgorithm, type Hasher, hashSource } from './hash.js';
import { BLOCK_BYTES } from './read-ahead.js';

const ALGORITHMS: readonly HashAlgorithm[] = ['md5', 'sha256'];
const SIZES = [0, 1, 63, 64, 65, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES + 5];
const reference = (algorithm: HashAlgorithm, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex');

describe('hashSource', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'llama-inspect-hash-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('gives the published hashes of nothing and of abc, in both implementations', async () => {
    for (const create of [createWasmHasher, createNodeHasher]) {
      const hash = (text: string, algorithm: HashAlgorithm) =>
        hashSource(memorySource(new TextEncoder().encode(text)), algorithm, create);
      // RFC 1321, A.5, and FIPS 180-2, B.1
      expect(await hash('', 'md5')).toBe('d41d8cd98f00b204e9800998ecf8427e');
      expect(await hash('abc', 'md5')).toBe('900150983cd24fb0d6963f7d28e17f72');
      expect(await hash('abc', 'sha256')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    }
  });

  it.each(SIZES)('agrees with OpenSSL over %i bytes, from memory and from a file', async (size) => {
    const bytes = randomBytes(size);
    const path = join(folder, `${size}`);
    await writeFile(path, bytes);
    for (const algorithm of ALGORITHMS) {
      const expected = reference(algorithm, bytes);
      expect(await hashSource(memorySource(bytes), algorithm, createWasmHasher)).toBe(expected);
      await using source = await openFileSource(path);
      expect(await hashSource(source, algorithm, createNodeHasher)).toBe(expected);
    }
  });

  it('reads the next block before it hashes the present one', async () => {
    const events: string[] = [];
    const source = watched(memorySource(new Uint8Array(3 * BLOCK_BYTES)), (offset) => {
      events.push(`read ${offset / BLOCK_BYTES}`);
    });
    const create = (): Hasher => ({ update: () => events.push('hash'), digestHex: () => 'done' });
    expect(await hashSource(source, 'md5', create)).toBe('done');
    expect(events).toEqual(['read 0', 'read 1', 'hash', 'read 2', 'hash', 'hash']);
  });

  it('reports progress once a block, in bytes', async () => {
    const seen: Progress[] = [];
    const total = 2 * BLOCK_BYTES + 1;
    const source = memorySource(new Uint8Array(total), 'x.pth');
    await hashSource(source, 'md5', createNodeHasher, { onProgress: (progress) => seen.push(progress) });
    expect(seen).toEqual(
      [BLOCK_BYTES, 2 * BLOCK_BYTES, total].map((done) => ({ phase: 'hash', item: 'x.pth', done, total })),
    );
  });

  it('stops at an abort, before the first read and in the middle', async () => {
    const controller = new AbortController();
    const reads: number[] = [];
    const source = watched(memorySource(new Uint8Array(9 * BLOCK_BYTES)), (offset) => reads.push(offset));
    const hashing = hashSource(source, 'md5', createNodeHasher, {
      signal: controller.signal,
      onProgress: ({ done }) => done >= 2 * BLOCK_BYTES && controller.abort(new Error('enough')),
    });
    await expect(hashing).rejects.toThrow('enough');
    expect(reads.length).toBeLessThan(5);
    reads.length = 0;
    await expect(hashSource(source, 'md5', createNodeHasher, { signal: controller.signal })).rejects.toThrow('enough');
    expect(reads).toEqual([]);
  });

  it('passes on the error of the n-th read, for every n, and that of the hasher', async () => {
    for (const bad of [0, 1, 2]) {
      const source = watched(memorySource(new Uint8Array(3 * BLOCK_BYTES)), (offset) => {
        if (offset === bad * BLOCK_BYTES) throw new SourceError('source/short-read', 'gone');
      });
      await expect(hashSource(source, 'md5', createNodeHasher)).rejects.toMatchObject({ code: 'source/short-read' });
    }
    const broken = (): Hasher => ({ update: () => expect.fail('broken'), digestHex: () => '' });
    // The read that is on its way fails as well, and nobody else hears of it.
    const source = watched(memorySource(new Uint8Array(2 * BLOCK_BYTES)), (offset) => {
      if (offset > 0) throw new SourceError('source/short-read', 'gone');
    });
    await expect(hashSource(source, 'md5', broken)).rejects.toThrow('broken');
  });
});

describe('hashFilesInTurn', () => {
  const files = { 'a.pth': randomBytes(BLOCK_BYTES + 7), 'b.json': randomBytes(100), empty: new Uint8Array(0) };
  const toHash = (folder: Folder, ...names: string[]) =>
    names.map((name) => ({ folder, name, size: BLOCK_BYTES + 7, algorithm: 'md5' as const }));

  it('gives an outcome for each file, in order, and an error for the one that is missing', async () => {
    const folder = memoryFolder(files);
    const outcomes = await hashFilesInTurn(createNodeHasher)(toHash(folder, 'empty', 'gone', 'a.pth'));
    expect(outcomes).toMatchObject([
      { digest: reference('md5', new Uint8Array(0)) },
      { error: { code: 'source/not-found' } },
      { digest: reference('md5', files['a.pth']) },
    ]);
    expect(await hashFilesInTurn(createNodeHasher)([])).toEqual([]);
  });

  it('counts the bytes of all files together', async () => {
    const folder = memoryFolder(files);
    const seen: Progress[] = [];
    const list = [...toHash(folder, 'a.pth'), { folder, name: 'b.json', size: 100, algorithm: 'sha256' as const }];
    await hashFilesInTurn(createWasmHasher)(list, { onProgress: (progress) => seen.push(progress) });
    const total = BLOCK_BYTES + 107;
    expect(seen).toEqual([
      { phase: 'hash', item: 'a.pth', done: BLOCK_BYTES, total },
      { phase: 'hash', item: 'a.pth', done: BLOCK_BYTES + 7, total },
      { phase: 'hash', item: 'b.json', done: total, total },
    ]);
  });

  it('closes each file, also after an abort, and rejects with the reason', async () => {
    const closed: string[] = [];
    const inner = memoryFolder(files);
    const folder: Folder = {
      ...inner,
      open: async (name) => {
        const source = await inner.open(name);
        const close = async () => void closed.push(name);
        return { ...source, close, [Symbol.asyncDispose]: close };
      },
    };
    const controller = new AbortController();
    const hashing = hashFilesInTurn(createNodeHasher)(toHash(folder, 'b.json', 'a.pth', 'empty'), {
      signal: controller.signal,
      onProgress: ({ item }) => item === 'a.pth' && controller.abort(new Error('enough')),
    });
    await expect(hashing).rejects.toThrow('enough');
    expect(closed).toEqual(['b.json', 'a.pth']);
  });
});

/** A source that tells of each read before it does it. */
function watched(source: ByteSource, onRead: (offset: number) => void): ByteSource {
  return {
    ...source,
    readInto: async (offset, target, options) => {
      onRead(offset);
      await source.readInto(offset, target, options);
    },
  };
}
