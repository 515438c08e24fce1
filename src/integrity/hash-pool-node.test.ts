import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Progress } from '../options.js';
import { openDirectory } from '../source/directory.js';
import type { Folder } from '../source/folder.js';
import { modelFolder } from '../testing/fixtures.js';
import type { FileToHash, HashFiles } from './hash-files.js';
import { hashFilesOnDisk, hashFilesSideBySide } from './hash-pool-node.js';
import { compileMd5Kernels } from './kernels/md5-kernels.js';
import { BLOCK_BYTES } from './read-ahead.js';

const sizes = [0, 1, BLOCK_BYTES, 3 * BLOCK_BYTES + 11, 5_000_000, 123_456, 7];
const contents = sizes.map((size) => randomBytes(size));
let path: string;
let folder: Folder;
let files: FileToHash[];

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'llama-inspect-pool-'));
  await Promise.all(contents.map((bytes, index) => writeFile(join(path, `${index}.bin`), bytes)));
  folder = await openDirectory(path);
  files = sizes.map((size, index) => ({
    folder,
    name: `${index}.bin`,
    size,
    algorithm: index % 2 === 0 ? 'md5' : 'sha256',
  }));
});
afterAll(() => rm(path, { recursive: true }));

const expected = () =>
  contents.map((bytes, index) => ({
    digest: createHash(index % 2 === 0 ? 'md5' : 'sha256')
      .update(bytes)
      .digest('hex'),
  }));

const kernels = await compileMd5Kernels();
const hashFilesInThreads: HashFiles = (toHash, options) => hashFilesSideBySide(toHash, { threads: 2, ...options });

describe.each<[string, HashFiles]>([
  ['hashFilesOnDisk', hashFilesOnDisk],
  ['hashFilesSideBySide in threads', hashFilesInThreads],
  ['several at once in threads', (toHash, options) => hashFilesSideBySide(toHash, { threads: 2, kernels, ...options })],
  ['several at once here', (toHash, options) => hashFilesSideBySide(toHash, { threads: 1, kernels, ...options })],
])('%s', (_name, hashFiles) => {
  it('agrees with OpenSSL, in the order asked for', async () => {
    expect(await hashFiles(files)).toEqual(expected());
    expect(await hashFiles([])).toEqual([]);
  });

  it('counts the bytes of all files together, up to all of them', async () => {
    const seen: Progress[] = [];
    await hashFiles(files, { onProgress: (progress) => seen.push(progress) });
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const done = seen.map((progress) => progress.done);
    expect(seen.every((progress) => progress.total === total && progress.phase === 'hash')).toBe(true);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(done.at(-1)).toBe(total);
    expect(new Set(seen.map(({ item }) => item))).toEqual(
      new Set(['1.bin', '2.bin', '3.bin', '4.bin', '5.bin', '6.bin']),
    );
  });

  it('gives an error for a file that is missing and for one that is a folder, and hashes the rest', async () => {
    const above = await openDirectory(join(path, '..'));
    const self = path.split('/').at(-1) ?? '';
    const outcomes = await hashFiles([
      { folder, name: 'gone.bin', size: 5, algorithm: 'md5' },
      ...files.slice(0, 1),
      { folder: above, name: self, size: 5, algorithm: 'md5' },
    ]);
    expect(outcomes).toMatchObject([
      { error: { name: 'SourceError', code: 'source/not-found', path: join(path, 'gone.bin') } },
      expected()[0],
      { error: { name: 'SourceError', code: 'source/not-a-file' } },
    ]);
  });

  it('rejects with the reason of an abort, before and during the work, and reports nothing afterwards', async () => {
    const reason = new Error('enough');
    await expect(hashFiles(files, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    let settled = false;
    let late = 0;
    const hashing = hashFiles(files, {
      signal: controller.signal,
      onProgress: () => {
        if (settled) late++;
        controller.abort(reason);
      },
    });
    await expect(hashing).rejects.toBe(reason);
    settled = true;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(late).toBe(0);
  });
});

describe('hashFilesSideBySide', () => {
  it('refuses a name that leaves the folder', async () => {
    const outside: FileToHash = { folder, name: '../x', size: 1, algorithm: 'md5' };
    await expect(hashFilesInThreads([outside])).rejects.toMatchObject({ code: 'source/outside-folder' });
  });

  it('hashes the fixtures as their lists say', async () => {
    const model = await openDirectory(modelFolder('llama3-tiny-4shards'));
    const shards = (await model.list()).filter(({ name }) => name.endsWith('.pth'));
    const outcomes = await hashFilesInThreads(
      shards.map(({ name, size }) => ({ folder: model, name, size, algorithm: 'md5' })),
    );
    expect(outcomes).toEqual([
      { digest: 'bcde4bc151fde061a97cb26d746362e8' },
      { digest: '140acf6055ea3f266303c65830dc7e9b' },
      { digest: '763160795f0c570cda0e61ca6280869b' },
      { digest: '2e1b16a24c79a4c198c5a0d02c16e6d8' },
    ]);
  });
});

describe('hashFilesOnDisk', () => {
  it('uses threads for two large files', async () => {
    const large = await mkdtemp(join(tmpdir(), 'llama-inspect-large-'));
    try {
      const size = 33 << 20;
      for (const name of ['a', 'b']) {
        await writeFile(join(large, name), name);
        await truncate(join(large, name), size);
      }
      const directory = await openDirectory(large);
      const items: string[] = [];
      const outcomes = await hashFilesOnDisk(
        ['a', 'b'].map((name) => ({ folder: directory, name, size, algorithm: 'md5' })),
        { onProgress: ({ item }) => items.push(item) },
      );
      const reference = (name: string) => {
        const bytes = Buffer.alloc(size);
        bytes.write(name);
        return { digest: createHash('md5').update(bytes).digest('hex') };
      };
      expect(outcomes).toEqual([reference('a'), reference('b')]);
      // Where there are two processors the files advance side by side.
      const turns = items.filter((item, index) => item !== items[index - 1]).length;
      expect(turns).toBeGreaterThanOrEqual(availableParallelism() > 1 ? 3 : 2);
    } finally {
      await rm(large, { recursive: true });
    }
  });
});
