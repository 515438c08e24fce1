/**
 * Folders, in memory and on disk.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { SourceError } from '../../source/byte-source.js';
import { memoryFolder } from '../../source/folder.js';
import { temporaryFolder } from '../../testing/cli.js';
import { FIXTURES, modelFolder } from '../../testing/fixtures.js';
import { global, pickle, utf8 } from '../../testing/pickle-assembler.js';
import { scanFolder, scanSource } from './scan-folder.js';
import { scan } from './scan-path-node.js';

const BAD = pickle(global('posix', 'system'), 'EMPTY_TUPLE', 'REDUCE');
const GOOD = pickle('EMPTY_DICT');

describe('scanSource', () => {
  it('scans bytes, a Blob, or a source', async () => {
    expect(await scanSource(BAD)).toMatchObject({ verdict: 'findings', files: [{ path: 'bytes in memory' }] });
    expect(await scanSource(new Blob([GOOD as BlobPart]))).toMatchObject({ verdict: 'clean' });
    expect(await scanSource(utf8('some text'))).toMatchObject({ verdict: 'unreadable' });
  });
});

describe('scanFolder', () => {
  it('takes the worst verdict, and tells what it did not scan', async () => {
    const seen: string[] = [];
    const folder = memoryFolder({ 'a.pkl': GOOD, 'b.pth': utf8('<!doctype html>'), 'c.json': utf8('{}'), 'd.py': utf8('import os') }); // prettier-ignore
    const report = await scanFolder(folder, { onProgress: ({ item }) => seen.push(item) });
    expect(report).toMatchObject({
      verdict: 'unreadable',
      files: [
        { path: 'a.pkl', verdict: 'clean' },
        { path: 'b.pth', verdict: 'unreadable', error: { code: 'source/html-page' } },
      ],
      others: [{ path: 'c.json' }, { path: 'd.py' }],
      notes: [expect.stringContaining('d.py') as unknown],
    });
    expect(seen).toEqual(['a.pkl', 'b.pth', 'c.json', 'd.py']);
    const worse = await scanFolder(memoryFolder({ 'a.pkl': GOOD, 'b.pth': utf8('<html>'), 'c.bin': BAD }));
    expect(worse.verdict).toBe('findings');
  });

  it('is unreadable where there is nothing to scan', async () => {
    const report = await scanFolder(memoryFolder({ 'a.txt': utf8('text') }));
    expect(report).toMatchObject({
      verdict: 'unreadable',
      files: [],
      notes: ['no file here holds tensors or a pickle'],
    });
  });

  it('goes on behind files that cannot be opened', async () => {
    const folder = memoryFolder({ 'a.pth': GOOD, 'b.txt': GOOD, 'c.pkl': BAD });
    const broken = {
      ...folder,
      open: (name: string) => {
        if (name !== 'c.pkl') throw new SourceError('source/permission', 'reading it is not permitted');
        return folder.open(name);
      },
    };
    expect(await scanFolder(broken)).toMatchObject({
      verdict: 'findings',
      files: [
        { path: 'a.pth', verdict: 'unreadable', error: { code: 'source/permission' } },
        { path: 'c.pkl', verdict: 'findings' },
      ],
      others: [{ path: 'b.txt', what: 'unreadable: reading it is not permitted' }],
    });
    const fault = { ...folder, open: () => Promise.reject(new RangeError('a fault of ours')) };
    await expect(scanFolder(fault)).rejects.toThrow('a fault of ours');
  });
});

describe('scan', () => {
  it('finds nothing in checkpoints of every layout', async () => {
    const report = await scan(modelFolder('llama3.2-tiny'));
    expect(report).toMatchObject({ verdict: 'clean', files: [{ path: 'consolidated.00.pth', format: 'torch' }] });
    const sharded = await scan(join(FIXTURES, 'zoo/hf_sharded'));
    expect(sharded).toMatchObject({ verdict: 'clean', notes: [] });
    expect(sharded.files.map(({ path }) => path)).toEqual(['pytorch_model-00001-of-00002.bin', 'pytorch_model-00002-of-00002.bin']); // prettier-ignore
  });

  it('scans one file', async () => {
    const path = join(FIXTURES, 'zoo/danger_eval.pt');
    expect(await scan(path)).toMatchObject({ path, verdict: 'findings', files: [{ path }] });
    await expect(scan(join(FIXTURES, 'no such file'))).rejects.toMatchObject({ code: 'source/not-found' });
  });

  it('goes into folders, hidden ones and linked ones too, and round no circle', async () => {
    const [place, elsewhere] = [temporaryFolder(), temporaryFolder()];
    mkdirSync(join(place, 'a/.hidden'), { recursive: true });
    writeFileSync(join(place, 'a/.hidden/x.pkl'), BAD);
    writeFileSync(join(elsewhere, 'y.pt'), BAD);
    writeFileSync(join(place, 'z.pt'), GOOD);
    symlinkSync(elsewhere, join(place, 'link'));
    symlinkSync(place, join(place, 'a/circle'));
    symlinkSync(join(place, 'nowhere'), join(place, 'dangling.pt'));
    execFileSync('mkfifo', [join(place, 'pipe.pt')]);
    const report = await scan(place);
    expect(report.files.map(({ path, verdict }) => [path, verdict])).toEqual([
      ['z.pt', 'clean'],
      ['link/y.pt', 'findings'],
      ['a/.hidden/x.pkl', 'findings'],
    ]);
    expect(report.notes).toEqual([
      'dangling.pt is a link that leads nowhere, or cannot be looked at',
      'pipe.pt is a pipe or a device, and was not opened',
    ]);
  });

  it('scans a distributed checkpoint', async () => {
    const place = join(temporaryFolder(), 'dcp');
    cpSync(join(FIXTURES, 'zoo/dcp_sharded'), place, { recursive: true });
    expect(await scan(place)).toMatchObject({
      verdict: 'clean',
      files: [
        { path: '.metadata', format: 'pickle' },
        { path: '__0_0.distcp', format: 'torch', notes: ['3 archives stand one behind the other, as in a part of a distributed checkpoint'] }, // prettier-ignore
      ],
    });
  });
});
