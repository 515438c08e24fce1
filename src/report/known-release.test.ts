import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';

import type * as KnownFiles from '../llama/releases/known-files.js';
import type { KnownFile } from '../llama/releases/release.js';
import { type Folder, memoryFolder } from '../source/folder.js';
import { copyOfModel, llamaInspectJson } from '../testing/cli.js';
import { modelFolder } from '../testing/fixtures.js';
import { verifyFiles } from '../integrity/verify-files.js';
import { type FolderReport, verifyFolder } from '../integrity/verify-folder.js';
import { renderLines } from './lines.js';
import { verificationLines } from './verification.js';

const { TINY, registry } = vi.hoisted(() => ({ TINY: 'llama3.2-tiny', registry: new Map<string, KnownFile[]>() }));

// No weights are here whose hash was published, so the miniature stands in for a release: the registry gets its hashes.
vi.mock('../llama/releases/known-files.js', async (original) => {
  const { readFileSync: read } = await import('node:fs');
  const { createHash: create } = await import('node:crypto');
  const { modelFolder: folderOf } = await import('../testing/fixtures.js');
  const known = (name: string, hashes: readonly ('md5' | 'sha256')[], of = TINY): KnownFile => {
    const bytes = read(`${folderOf(of)}/${name}`);
    const digest = (algorithm: string): string => create(algorithm).update(bytes).digest('hex');
    const digests = Object.fromEntries(hashes.map((algorithm) => [algorithm, digest(algorithm)]));
    return { name, size: bytes.length, ...digests, evidence: 'reported', source: 'a thread' };
  };
  const weights = known('consolidated.00.pth', ['md5', 'sha256']);
  registry.set('Llama-3.2-1B', [weights, known('checklist.chk', ['sha256']), known('params.json', ['sha256'])]);
  registry.set('Llama-3.1-8B', [known('consolidated.00.pth', ['md5'])]);
  registry.set('Llama-3.2-3B', [{ name: 'consolidated.00.pth', size: 77, evidence: 'size', source: 'a page' }]);
  const shards = ['00', '01'].map((shard) => known(`consolidated.${shard}.pth`, ['md5'], 'llama2-tiny-2shards'));
  registry.set('Llama-2-13b', shards);
  return {
    ...(await original<typeof KnownFiles>()),
    LLAMA_3_TOKENIZER: known('tokenizer.model', ['sha256']),
    LLAMA_2_TOKENIZER: known('tokenizer.model', ['md5'], 'llama2-tiny-2shards'),
    knownFilesOf: (id: string) => registry.get(id) ?? [],
  };
});

const BYTES = new Map(
  readdirSync(modelFolder(TINY)).map((name) => [name, Uint8Array.from(readFileSync(join(modelFolder(TINY), name)))]),
);

/** The miniature under a name, with files changed, or left out where they are undefined. */
function tiny(name: string, changed: Readonly<Record<string, Uint8Array | undefined>> = {}): Folder {
  const files: Record<string, Uint8Array | undefined> = { ...Object.fromEntries(BYTES), 'checklist.chk': undefined };
  const kept = Object.entries({ ...files, ...changed }).flatMap(([file, bytes]) =>
    bytes === undefined ? [] : [[file, bytes] as const],
  );
  return memoryFolder(Object.fromEntries(kept), name);
}

const sha256 = (name: string): string => createHash('sha256').update(BYTES.get(name)!).digest('hex');
const shown = (report: FolderReport): string => renderLines(verificationLines(report));
const altered = Uint8Array.from(BYTES.get('consolidated.00.pth')!, (byte, index) => (index === 5000 ? byte ^ 1 : byte));

describe('a folder without a list', () => {
  it.each(['Llama3.2-1B', 'models/Llama-3.2-1B'])('called %s is held against that release', async (name) => {
    const report = await verifyFolder(tiny(name));
    expect(report).toMatchObject({
      verdict: 'intact',
      files: {
        ...{ verdict: 'intact', listFound: false, lists: [], notCovered: [] },
        known: { release: 'Llama-3.2-1B', by: 'name', sources: ['reported: a thread'] },
      },
    });
    const { files } = report.files;
    expect(files.map((file) => [file.name, file.algorithm, file.expected, file.status, file.line, file.list])).toEqual(
      ['consolidated.00.pth', 'params.json', 'tokenizer.model'].map((file) => [
        ...[file, 'sha256', sha256(file), 'ok', 0, 'registry of releases'],
      ]),
    );
    expect(shown(report)).toContain('INTACT   3 files as known of Llama-3.2-1B; tensors, shapes and tokenizer agree\n');
    expect(shown(report)).toContain(
      `  – registry             no list names the weights: held against Llama-3.2-1B,
                         by the folder's name; --json tells where its hashes
                         come from
`,
    );
  });

  it('fails where a file is another than the name claims', async () => {
    const report = await verifyFolder(tiny('Llama3.2-1B', { 'consolidated.00.pth': altered }));
    expect(report.verdict).toBe('failed');
    expect(report.files.files[0]).toMatchObject({ name: 'consolidated.00.pth', status: 'mismatch' });
    expect(shown(report)).toMatch(/^FAILED {3}1 of 3 listed files differs/);
  });

  it('fails where a file is missing or has another size', async () => {
    const missing = await verifyFiles(tiny('Llama3.2-1B', { 'tokenizer.model': undefined }));
    expect(missing.files[2]).toMatchObject({ name: 'tokenizer.model', status: 'missing' });
    const report = await verifyFolder(tiny('Llama3.2-3B'));
    expect(report.files).toMatchObject({
      verdict: 'failed',
      known: {
        release: 'Llama-3.2-3B',
        sizes: [{ name: 'consolidated.00.pth', expected: 77 }, { name: 'tokenizer.model' }],
      },
    });
    expect(shown(report)).toContain('FAILED   1 file of another size than the published\n');
    expect(shown(report)).toContain('✗ consolidated.00.pth  77 bytes published, ');
  });

  it('is not proven where not every hash is known', async () => {
    const report = await verifyFolder(tiny('Llama-3.1-8B'));
    expect(report.files).toMatchObject({ verdict: 'unproven', files: [{ algorithm: 'md5', status: 'ok' }, {}] });
    expect(report.files.notCovered.map(({ name }) => name)).toEqual(['params.json']);
    expect(shown(report)).toMatch(/^UNPROVEN {3}nothing is wrong, but not every hash of Llama-3\.1-8B is known\n/);
  });

  it('that has the params.json of a release is held against it, and makes no claim', async () => {
    const report = await verifyFolder(tiny('my-model'));
    expect(report.files).toMatchObject({ verdict: 'intact', known: { release: 'Llama-3.2-1B', by: 'params.json' } });
    expect(shown(report)).toContain('by its params.json; --json tells');
    const other = await verifyFiles(tiny('my-model', { 'consolidated.00.pth': altered }));
    expect(other).toMatchObject({ verdict: 'unproven', known: null, files: [] });
    const longer = new Uint8Array([...BYTES.get('consolidated.00.pth')!, 0]);
    const another = await verifyFiles(tiny('my-model', { 'consolidated.00.pth': longer }));
    expect(another).toMatchObject({ known: null, files: [] });
  });

  it('is held against nothing when no release has its name, its params.json or its number of shards', async () => {
    const params = new TextEncoder().encode('{}');
    for (const folder of [
      tiny('my-model', { 'params.json': params }),
      tiny('Llama-2-13b', { 'params.json': params }),
    ]) {
      expect(await verifyFiles(folder)).toMatchObject({ verdict: 'unproven', known: null, files: [] });
    }
    expect(await verifyFiles(memoryFolder({ 'model.safetensors': params }, 'Llama-3.2-1B'))).toMatchObject({
      known: null,
    });
  });

  it('may have its tokenizer in the folder above', async () => {
    const source = modelFolder('llama2-tiny-2shards');
    const read = (name: string): Uint8Array => Uint8Array.from(readFileSync(join(source, name)));
    const names = ['consolidated.00.pth', 'consolidated.01.pth', 'params.json'];
    const folder = memoryFolder(Object.fromEntries(names.map((name) => [name, read(name)])), 'llama-2-13b');
    const parent = memoryFolder({ 'tokenizer.model': read('tokenizer.model') }, 'above');
    const report = await verifyFiles(folder, { parent });
    expect(report.known).toMatchObject({ release: 'Llama-2-13b', by: 'name' });
    expect(report.files.map(({ name, place, status }) => [name, place, status])).toEqual([
      ['consolidated.00.pth', 'folder', 'ok'],
      ['consolidated.01.pth', 'folder', 'ok'],
      ['tokenizer.model', 'parent', 'ok'],
    ]);
  });
});

describe('verify on the command line', () => {
  it.each([
    ['Llama3.2-1B', 0, 'intact'],
    ['Llama3.2-3B', 1, 'failed'],
    ['Llama-3.1-8B', 1, 'unproven'],
  ])('answers for %s with exit code %d', async (name, code, verdict) => {
    const path = copyOfModel(TINY, name);
    rmSync(join(path, 'checklist.chk'));
    const run = await llamaInspectJson<FolderReport>('verify', path);
    expect(run).toMatchObject({ code, answer: { verdict, files: { known: { by: 'name' }, listFound: false } } });
  });
});

describe('a folder with a list', () => {
  it('is held against the list, and told when that is the published one', async () => {
    const list = BYTES.get('checklist.chk');
    const report = await verifyFolder(tiny('my-model', { 'checklist.chk': list }));
    expect(report.files).toMatchObject({
      ...{ verdict: 'intact', listFound: true },
      known: { release: 'Llama-3.2-1B', by: 'checklist.chk', sizes: [], sources: [] },
    });
    expect(report.files.files.every((file) => file.list === 'checklist.chk')).toBe(true);
    expect(shown(report)).toContain('3 files as listed;');
    expect(shown(report)).toContain('  ✓ checklist.chk        the list published with Llama-3.2-1B\n');
    const own = new Uint8Array([...list!, 10]);
    expect((await verifyFiles(tiny('Llama3.2-1B', { 'checklist.chk': own }))).known).toBeNull();
  });

  it('that names no weights is held against both', async () => {
    const [, params = ''] = new TextDecoder().decode(BYTES.get('checklist.chk')).split('\n');
    const report = await verifyFiles(tiny('Llama3.2-1B', { 'checklist.chk': new TextEncoder().encode(params) }));
    expect(report).toMatchObject({ verdict: 'intact', listFound: true, known: { by: 'name' } });
    expect(report.files.map(({ name, list }) => [name, list])).toEqual([
      ['params.json', 'checklist.chk'],
      ['consolidated.00.pth', 'registry of releases'],
      ['tokenizer.model', 'registry of releases'],
    ]);
  });
});
