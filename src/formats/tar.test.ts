import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { memorySource } from '../source/memory.js';
import { temporaryFolder } from '../testing/cli.js';
import { type TarListing, readTar } from './tar.js';

/** An archive made by the system's tar, of a file, a folder and an empty file. */
function archive(): Uint8Array {
  const place = temporaryFolder();
  mkdirSync(join(place, 'folder'));
  writeFileSync(join(place, 'a'), 'x'.repeat(600));
  writeFileSync(join(place, 'empty'), '');
  execFileSync('tar', ['--format=ustar', '-cf', 'it.tar', 'a', 'folder', 'empty'], { cwd: place });
  return readFileSync(join(place, 'it.tar'));
}

const read = (bytes: Uint8Array): Promise<TarListing> => readTar(memorySource(bytes, 'it.tar'));

describe('readTar', () => {
  it('lists what tar has packed, files only', async () => {
    expect(await read(archive())).toEqual({
      members: [
        { name: 'a', offset: 512, size: 600 },
        { name: 'empty', offset: 512 * 5, size: 0 },
      ],
      odd: [],
      brokenAt: undefined,
    });
  });

  it('ends where a header is damaged, or its member is cut off', async () => {
    const bytes = archive();
    const damaged = Uint8Array.from(bytes);
    damaged[3 * 512] = 0x7a;
    expect((await read(damaged)).brokenAt).toBe(3 * 512);
    const nonsense = Uint8Array.from(bytes);
    nonsense.fill(0x7a, 124, 136);
    expect(await read(nonsense)).toEqual({ members: [], odd: [], brokenAt: 0 });
    expect(await read(bytes.subarray(0, 1000))).toEqual({ members: [], odd: [], brokenAt: 0 });
    expect((await read(bytes.subarray(0, 3 * 512 + 100))).brokenAt).toBe(3 * 512);
    expect((await read(bytes.subarray(0, 3 * 512))).brokenAt).toBeUndefined();
  });

  it('takes names of a hundred characters, which no NUL ends', async () => {
    const place = temporaryFolder();
    const name = 'n'.repeat(100);
    writeFileSync(join(place, name), 'x');
    execFileSync('tar', ['--format=ustar', '-cf', 'it.tar', name], { cwd: place });
    expect((await read(readFileSync(join(place, 'it.tar')))).members.map((member) => member.name)).toEqual([name]);
  });
});
