import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import type { Progress } from '../options.js';
import { type ByteSource, SourceError } from '../source/byte-source.js';
import { openDirectory } from '../source/directory.js';
import { type Folder, memoryFolder } from '../source/folder.js';
import { modelFolder } from '../testing/fixtures.js';
import { type HashFiles, hashFilesInTurn } from './hash-files.js';
import { createNodeHasher } from './hash-node.js';
import { hashFilesOnDisk, hashFilesSideBySide } from './hash-pool-node.js';
import { type VerifyFilesOptions, verifyFiles } from './verify-files.js';

type Files = Record<string, Uint8Array>;

const hashFiles = hashFilesInTurn(createNodeHasher);
const hashFilesInThreads: HashFiles = (files, options) => hashFilesSideBySide(files, { threads: 2, ...options });
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const concat = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

/** The files of a model, each with a copy of its own. */
async function filesOf(model: string): Promise<Files> {
  const folder = modelFolder(model);
  const names = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile());
  return Object.fromEntries(
    await Promise.all(
      names.map(async ({ name }) => [name, new Uint8Array(await readFile(join(folder, name)))] as const),
    ),
  );
}

const verify = (files: Files, options: VerifyFilesOptions = {}) =>
  verifyFiles(memoryFolder(files), { hashFiles, ...options });

const small = await filesOf('llama3.2-tiny-no-output');
const weights = small['consolidated.00.pth'] ?? new Uint8Array(0);
const SIZE = '351,799 bytes';

/** The report on the weights after they were replaced. */
async function verifyWith(bytes: Uint8Array) {
  const report = await verify({ ...small, 'consolidated.00.pth': bytes });
  expect(report.verdict).toBe('failed');
  return report.files[0];
}

describe('verifyFiles on the fixtures', () => {
  const MODELS = [
    'llama1-tiny',
    'llama2-tiny',
    'llama2-tiny-2shards',
    'llama3-tiny',
    'llama3-tiny-4shards',
    'llama3.2-tiny',
    'llama3.2-tiny-no-output',
    'llama3.2-vision-tiny',
  ];

  it.each(MODELS)('finds %s intact, in threads, in turn and with WebAssembly', async (model) => {
    const folder = await openDirectory(modelFolder(model));
    const report = await verifyFiles(folder, { hashFiles: hashFilesInThreads });
    expect(report).toMatchObject({ verdict: 'intact', listFound: true, unlisted: [], notCovered: [] });
    const weightFiles = (await folder.list()).filter(({ name }) => !name.endsWith('.chk'));
    expect(report.files.map(({ name }) => name).sort()).toEqual(weightFiles.map(({ name }) => name));
    expect(report.files.every(({ status, found, expected }) => status === 'ok' && found === expected)).toBe(true);
    expect(await verifyFiles(folder, { hashFiles: hashFilesOnDisk })).toEqual(report);
    expect(await verifyFiles(folder)).toEqual(report);
  });

  it('catches one flipped byte in any file, and names that file only', async () => {
    for (const name of ['consolidated.00.pth', 'params.json', 'tokenizer.model']) {
      const bytes = small[name]?.slice() ?? new Uint8Array(0);
      const at = Math.floor(bytes.byteLength / 2);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      const report = await verify({ ...small, [name]: bytes });
      expect(report.verdict).toBe('failed');
      expect(report.files.filter(({ status }) => status !== 'ok').map((file) => file.name)).toEqual([name]);
    }
  });
});

describe('verifyFiles, what became of a listed file', () => {
  it('tells damage from truncation by the end record', async () => {
    const bytes = weights.slice();
    bytes[200_000] = (bytes[200_000] ?? 0) ^ 0xff;
    expect(await verifyWith(bytes)).toEqual({
      place: 'folder',
      name: 'consolidated.00.pth',
      list: 'checklist.chk',
      line: 1,
      algorithm: 'md5',
      expected: md5(weights),
      found: md5(bytes),
      size: 351_799,
      status: 'mismatch',
      condition: {
        kind: 'damaged',
        message: `${SIZE}, as its ZIP end record says: damaged, not truncated`,
        hint: 'download this file again',
      },
    });
  });

  it.each([
    [
      'empty',
      new Uint8Array(0),
      { kind: 'source/empty', message: 'consolidated.00.pth was expected, but this is an empty file' },
    ],
    [
      'an HTML page',
      encode('<!DOCTYPE html><html><title>Access Denied</title>'),
      {
        kind: 'source/html-page',
        message: 'a PyTorch file was expected, but this is an HTML page, 49 B: "Access Denied"',
        hint: 'the download link has expired or asks for a login; request a new one and download again',
      },
    ],
    [
      'a Git LFS pointer',
      encode(`version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 2471645608\n`),
      {
        kind: 'source/lfs-pointer',
        expectedSize: 2_471_645_608,
        hint: 'run `git lfs pull` in the folder it came from',
      },
    ],
    [
      'an XML error document',
      encode('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'),
      { kind: 'source/error-document' },
    ],
    ['zeros', new Uint8Array(5000), { kind: 'source/all-zero' }],
    [
      'cut off',
      weights.subarray(0, 200_000),
      { kind: 'truncated', message: 'cut off: no ZIP end record in 200,000 bytes; at least 146,641 bytes are missing' },
    ],
    ['one byte short', weights.subarray(0, -1), { kind: 'truncated' }],
    [
      'not filled to the end',
      concat(weights.subarray(0, 200_000), new Uint8Array(151_799)),
      { kind: 'unfinished', message: `the last 65,633 bytes of ${SIZE} are zero: the download did not finish` },
    ],
    [
      'without a part in the middle',
      concat(weights.subarray(0, 100_000), weights.subarray(150_000)),
      {
        kind: 'shortened',
        message: `${SIZE} expected by the ZIP end record, 301,799 bytes found: a part is missing`,
        expectedSize: 351_799,
      },
    ],
    [
      'doubled',
      concat(weights, weights),
      {
        kind: 'repeated',
        message: `holds the archive of ${SIZE} twice: a resumed download was appended`,
        hint: `keep only its first ${SIZE}, or download this file again`,
        expectedSize: 351_799,
      },
    ],
    [
      'three times over',
      concat(weights, weights, weights),
      { kind: 'repeated', message: `holds the archive of ${SIZE} 3 times: a resumed download was appended` },
    ],
    [
      'an interrupted download and a whole one',
      concat(weights.subarray(0, 5000), weights),
      { kind: 'bytes-before', hint: `keep only its last ${SIZE}, or download this file again`, expectedSize: 351_799 },
    ],
    [
      'a whole download and an interrupted one',
      concat(weights, weights.subarray(0, 5000)),
      {
        kind: 'bytes-after',
        message: `the archive ends after ${SIZE}, and 5,000 bytes begin it again: a resumed download was appended`,
        hint: `keep only its first ${SIZE}, or download this file again`,
        expectedSize: 351_799,
      },
    ],
    [
      'one stray byte at the end',
      concat(weights, Uint8Array.of(10)),
      { kind: 'bytes-after', message: `the archive ends after ${SIZE}, and 1 byte follow` },
    ],
  ])('says so when the weights are %s', async (_what, bytes, condition) => {
    expect(await verifyWith(bytes)).toMatchObject({ status: 'mismatch', found: md5(bytes), condition });
  });

  it('says of a file without a form of its own that its bytes differ', async () => {
    const report = await verify({ ...small, 'params.json': encode('{"dim": 64}') });
    expect(report.files[1]).toMatchObject({
      status: 'mismatch',
      condition: { kind: 'differs', message: 'its 11 bytes are not those that the list was made from' },
    });
  });

  it('reports a missing file', async () => {
    const { 'params.json': _gone, ...rest } = small;
    const report = await verify(rest);
    expect(report).toMatchObject({ verdict: 'failed', listFound: true });
    expect(report.files[1]).toMatchObject({
      name: 'params.json',
      status: 'missing',
      found: null,
      size: null,
      condition: null,
    });
  });

  it('reports a file that cannot be opened, one that fails under hashing and one that fails under examination', async () => {
    const fault = new SourceError('source/permission', 'reading it is not permitted', { hint: 'ask for it' });
    const refused: VerifyFilesOptions = { hashFiles };
    const closed = { kind: 'source/permission', message: fault.message, hint: 'ask for it' };
    const broken = failing({ ...small, 'params.json': encode('{}') }, 'params.json', fault);

    const unopened = await verifyFiles(broken(0), refused);
    expect(unopened.files[1]).toMatchObject({ status: 'unreadable', found: null, size: null, condition: closed });
    expect(unopened).toMatchObject({
      verdict: 'failed',
      notCovered: [{ place: 'folder', name: 'params.json', reason: 'unreadable' }],
    });
    expect((await verifyFiles(broken(1), refused)).files[1]).toMatchObject({ status: 'unreadable', condition: closed });
    expect((await verifyFiles(broken(2), refused)).files[1]).toMatchObject({ status: 'mismatch', condition: closed });
  });

  it('takes it for a failure when the way to hash gives no result', async () => {
    const report = await verify(small, { hashFiles: async () => [] });
    expect(report.verdict).toBe('failed');
    expect(report.files.map(({ status }) => status)).toEqual(['unreadable', 'unreadable', 'unreadable']);
  });
});

describe('verifyFiles, lists', () => {
  const { 'checklist.chk': list = new Uint8Array(0), ...unlisted } = small;
  const listText = new TextDecoder().decode(list);

  it('calls a folder without a list unproven, and says what was not covered', async () => {
    const report = await verify({ ...unlisted, 'notes.txt': encode('hello') });
    expect(report).toEqual({
      verdict: 'unproven',
      listFound: false,
      known: null,
      lists: [],
      files: [],
      unlisted: [
        { name: 'consolidated.00.pth', size: 351_799, role: 'checkpoint', condition: null },
        { name: 'notes.txt', size: 5, role: 'other', condition: null },
        { name: 'params.json', size: unlisted['params.json']?.byteLength, role: 'checkpoint', condition: null },
        { name: 'tokenizer.model', size: unlisted['tokenizer.model']?.byteLength, role: 'checkpoint', condition: null },
      ],
      notCovered: ['consolidated.00.pth', 'params.json', 'tokenizer.model'].map((name) => ({
        place: 'folder',
        name,
        reason: 'no-list',
      })),
    });
    expect(await verify({})).toMatchObject({ verdict: 'unproven', listFound: false, notCovered: [] });
  });

  it('still sees what is visibly wrong without a list', async () => {
    const report = await verify({ ...unlisted, 'consolidated.00.pth': weights.subarray(0, 9000) });
    expect(report).toMatchObject({ verdict: 'failed', unlisted: [{ condition: { kind: 'truncated' } }, {}, {}] });
  });

  it.each([
    ['nothing', new Uint8Array(0), 'empty', null],
    ['only comments', encode('# nothing yet\n\n'), 'empty', null],
    ['only its own name', encode(`${md5(encode('x'))}  checklist.chk\n`), 'empty', null],
    ['only bad lines', encode('not a list\n'), 'unusable', null],
    ['an HTML page', encode('<html><title>404</title>'), 'unusable', { kind: 'source/html-page' }],
    ['zeros', new Uint8Array(9), 'unusable', { kind: 'source/all-zero' }],
    ['far too much', encode(`${listText}\n`.repeat(7000)), 'unusable', { kind: 'source/unrecognised' }],
  ])('takes a list that holds %s for none', async (_what, bytes, status, condition) => {
    const report = await verify({ ...unlisted, 'checklist.chk': bytes });
    expect(report).toMatchObject({ verdict: 'unproven', listFound: false, files: [] });
    expect(report.lists).toMatchObject([{ place: 'folder', name: 'checklist.chk', status, entryCount: 0 }]);
    if (condition === null) expect(report.lists[0]?.condition).toBeNull();
    else expect(report.lists[0]?.condition).toMatchObject(condition);
    expect(report.notCovered).toHaveLength(3);
  });

  it('reports a list that cannot be read', async () => {
    const fault = new SourceError('source/permission', 'reading it is not permitted');
    const report = await verifyFiles(failing(small, 'checklist.chk', fault)(0), { hashFiles });
    expect(report.lists).toMatchObject([{ status: 'unusable', condition: { kind: 'source/permission' } }]);
    expect(report.verdict).toBe('unproven');
  });

  it('reports a bad line with its number, keeps checking the others, and is not satisfied', async () => {
    const [first = '', ...rest] = listText.split('\n');
    const report = await verify({ ...unlisted, 'checklist.chk': encode([first.slice(1), ...rest].join('\n')) });
    expect(report.verdict).toBe('unproven');
    expect(report.files.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'params.json ok',
      'tokenizer.model ok',
    ]);
    expect(report.lists[0]).toMatchObject({
      status: 'read',
      entryCount: 2,
      problems: [{ line: 1, fault: 'hash-length', name: 'consolidated.00.pth' }],
    });
    expect(report.notCovered).toEqual([{ place: 'folder', name: 'consolidated.00.pth', reason: 'bad-line' }]);
  });

  it('is not satisfied with a bad line beside a list that covers everything', async () => {
    const report = await verify({ ...small, 'checklist.chk': encode(`${listText}garbage\n`) });
    expect(report).toMatchObject({ verdict: 'unproven', notCovered: [] });
  });

  it.each(['../params.json', '/etc/passwd'])('refuses the name %s and opens nothing there', async (name) => {
    const opened: string[] = [];
    const inner = memoryFolder({ ...small, 'checklist.chk': encode(`${listText}${md5(weights)}  ${name}\n`) });
    const folder: Folder = { ...inner, open: (file) => (opened.push(file), inner.open(file)) };
    const report = await verifyFiles(folder, { hashFiles });
    expect(report.verdict).toBe('failed');
    expect(report.lists[0]?.problems).toMatchObject([{ line: 4, fault: 'outside-folder', name }]);
    expect(new Set(opened)).toEqual(
      new Set(['checklist.chk', 'tokenizer_checklist.chk', 'consolidated.00.pth', 'params.json', 'tokenizer.model']),
    );
  });

  it('is not satisfied with two hashes for one file', async () => {
    const report = await verify({ ...small, 'checklist.chk': encode(`${listText}${'0'.repeat(32)}  params.json\n`) });
    expect(report).toMatchObject({
      verdict: 'unproven',
      notCovered: [{ name: 'params.json', reason: 'bad-line' }],
    });
  });

  it('checks SHA-256 where the list gives it, also beside MD5', async () => {
    const sha256 = createHash('sha256').update(weights).digest('hex');
    const good = await verify({ ...small, 'checklist.chk': encode(`${listText}${sha256}  consolidated.00.pth\n`) });
    expect(good.verdict).toBe('intact');
    expect(good.files.map(({ algorithm }) => algorithm)).toEqual(['md5', 'md5', 'md5', 'sha256']);
    const bad = await verify({ ...small, 'checklist.chk': encode(`${listText}${'0'.repeat(64)}  params.json\n`) });
    expect(bad.verdict).toBe('failed');
  });

  it('is not satisfied when a part of the checkpoint is in no list', async () => {
    const lines = listText.split('\n');
    const without = encode(lines.slice(0, 2).join('\n'));
    const report = await verify({ ...unlisted, 'checklist.chk': without });
    expect(report.verdict).toBe('unproven');
    expect(report.unlisted).toMatchObject([{ name: 'tokenizer.model', role: 'checkpoint', condition: null }]);
    expect(report.notCovered).toEqual([{ place: 'folder', name: 'tokenizer.model', reason: 'not-listed' }]);
  });

  it('is not satisfied with a list that names no weights at all', async () => {
    const folder = { 'model.pth': weights, 'params.json': encode('{}') };
    const checklist = encode(`${md5(folder['params.json'])}  params.json\n`);
    const report = await verify({ ...folder, 'checklist.chk': checklist });
    expect(report).toMatchObject({
      verdict: 'unproven',
      unlisted: [{ name: 'model.pth', role: 'weights' }],
      notCovered: [{ name: 'model.pth', reason: 'not-listed' }],
    });
  });

  it('names other files that no list names, but minds them only when they are visibly wrong', async () => {
    const beside = await verify({ ...small, 'model.gguf': encode('GGUF\u0003'), 'notes.txt': encode('hello') });
    expect(beside.verdict).toBe('intact');
    expect(beside.unlisted.map(({ name, role }) => `${name} ${role}`)).toEqual([
      'model.gguf weights',
      'notes.txt other',
    ]);
    const wrong = await verify({ ...small, 'extra.pth': encode('<html>') });
    expect(wrong).toMatchObject({ verdict: 'failed', unlisted: [{ condition: { kind: 'source/html-page' } }] });
    const fault = new SourceError('source/permission', 'reading it is not permitted');
    const closed = await verifyFiles(failing({ ...small, 'extra.pth': weights }, 'extra.pth', fault)(0), { hashFiles });
    expect(closed.unlisted).toMatchObject([{ condition: { kind: 'source/permission' } }]);
  });

  it('reads names in folders below', async () => {
    const nested = { 'checklist.chk': encode(`${md5(weights)} *sub/a.pth\n`), 'sub/a.pth': weights };
    expect(await verify(nested)).toMatchObject({ verdict: 'intact', files: [{ name: 'sub/a.pth', status: 'ok' }] });
  });
});

describe('verifyFiles, the tokenizer of Llama 1 and 2', async () => {
  const llama1 = await filesOf('llama1-tiny');
  const {
    'tokenizer.model': tokenizer = new Uint8Array(0),
    'tokenizer_checklist.chk': tokenizerList = new Uint8Array(0),
    ...size7B
  } = llama1;

  it('finds tokenizer and list in the parent', async () => {
    const parent = memoryFolder({ 'tokenizer.model': tokenizer, 'tokenizer_checklist.chk': tokenizerList });
    const report = await verify(size7B, { parent });
    expect(report).toMatchObject({ verdict: 'intact', notCovered: [], unlisted: [] });
    expect(report.lists.map(({ place, name }) => `${place} ${name}`)).toEqual([
      'folder checklist.chk',
      'parent tokenizer_checklist.chk',
    ]);
    expect(report.files[2]).toMatchObject({
      place: 'parent',
      name: 'tokenizer.model',
      list: 'tokenizer_checklist.chk',
      status: 'ok',
    });
  });

  it('finds them on disk', async () => {
    const root = await mkdtemp(join(tmpdir(), 'llama-inspect-verify-'));
    try {
      await mkdir(join(root, '7B'));
      for (const [name, bytes] of Object.entries(size7B)) await writeFile(join(root, '7B', name), bytes);
      await writeFile(join(root, 'tokenizer.model'), tokenizer);
      await writeFile(join(root, 'tokenizer_checklist.chk'), tokenizerList);
      const parent = await openDirectory(root);
      const folder = await openDirectory(join(root, '7B'));
      for (const hash of [hashFilesOnDisk, hashFilesInThreads]) {
        expect(await verifyFiles(folder, { parent, hashFiles: hash })).toMatchObject({
          verdict: 'intact',
          lists: [{}, {}],
        });
      }
    } finally {
      await rm(root, { recursive: true });
    }
  });

  it("holds the folder's own copy against the parent's list", async () => {
    const parent = memoryFolder({ 'tokenizer_checklist.chk': tokenizerList });
    const good = await verify({ ...size7B, 'tokenizer.model': tokenizer }, { parent });
    expect(good.verdict).toBe('intact');
    expect(good.files[2]).toMatchObject({ place: 'folder', name: 'tokenizer.model', status: 'ok' });
    const bad = await verify({ ...size7B, 'tokenizer.model': encode('IQ== 0\n') }, { parent });
    expect(bad).toMatchObject({ verdict: 'failed', files: [{}, {}, { place: 'folder', status: 'mismatch' }] });
  });

  it("leaves the parent's list aside where a list of the folder names the tokenizer", async () => {
    const parent = memoryFolder({ 'tokenizer.model': tokenizer, 'tokenizer_checklist.chk': tokenizerList });
    const report = await verify(small, { parent });
    expect(report.verdict).toBe('intact');
    expect(report.files.every(({ list }) => list === 'checklist.chk')).toBe(true);
  });

  it('misses a tokenizer that the parent lists but does not have', async () => {
    const report = await verify(size7B, { parent: memoryFolder({ 'tokenizer_checklist.chk': tokenizerList }) });
    expect(report).toMatchObject({ verdict: 'failed', files: [{}, {}, { place: 'parent', status: 'missing' }] });
  });

  it('is not satisfied with a tokenizer in the parent that no list names', async () => {
    const report = await verify(size7B, { parent: memoryFolder({ 'tokenizer.model': tokenizer }) });
    expect(report).toMatchObject({
      verdict: 'unproven',
      notCovered: [{ place: 'parent', name: 'tokenizer.model', reason: 'not-listed' }],
    });
    const noTokenizer = await verify(size7B, { parent: memoryFolder({}) });
    expect(noTokenizer).toMatchObject({ verdict: 'intact', notCovered: [] });
  });
});

describe('verifyFiles, watching and stopping', () => {
  it('reports progress over all listed files', async () => {
    const seen: Progress[] = [];
    await verify(small, { onProgress: (progress) => seen.push(progress) });
    const { 'checklist.chk': _list, ...listed } = small;
    const total = Object.values(listed).reduce((sum, bytes) => sum + bytes.byteLength, 0);
    expect(seen.at(-1)).toEqual({ phase: 'hash', item: 'tokenizer.model', done: total, total });
  });

  it('rejects with the reason of an abort, before and while hashing, and while searching', async () => {
    const reason = new Error('enough');
    await expect(verify(small, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    for (const phase of ['hash', 'search']) {
      const controller = new AbortController();
      const cutOff = {
        ...small,
        'consolidated.00.pth': concat(weights.subarray(0, -30), new Uint8Array(2 << 20).fill(7)),
      };
      const verifying = verify(cutOff, {
        signal: controller.signal,
        onProgress: (progress) => progress.phase === phase && controller.abort(reason),
      });
      await expect(verifying).rejects.toBe(reason);
    }
  });

  it('rejects when the folder cannot be listed', async () => {
    const folder: Folder = {
      ...memoryFolder({}),
      list: () => Promise.reject(new SourceError('source/permission', 'no')),
    };
    await expect(verifyFiles(folder)).rejects.toMatchObject({ code: 'source/permission' });
  });

  it('lets errors through that are no faults of files', async () => {
    const folder: Folder = { ...memoryFolder(small), open: () => Promise.reject(new TypeError('a bug')) };
    await expect(verifyFiles(folder)).rejects.toThrow(TypeError);
  });

  it('closes every file it opens', async () => {
    let open = 0;
    const inner = memoryFolder({ ...small, 'params.json': encode('{}'), 'extra.pth': encode('<html>') });
    const folder: Folder = {
      ...inner,
      open: async (name) => {
        const source = await inner.open(name);
        open++;
        const close = async (): Promise<void> => {
          open--;
        };
        return { ...source, close, [Symbol.asyncDispose]: close };
      },
    };
    await verifyFiles(folder, { hashFiles });
    expect(open).toBe(0);
  });

  it('verifies the shipped fixture as a browser would, from Blobs', async () => {
    const files = await filesOf('llama3.2-tiny');
    const blobs = Object.entries(files).map(([name, bytes]) => [name, new Blob([bytes as BlobPart])] as const);
    expect(await verifyFiles(memoryFolder(Object.fromEntries(blobs)))).toMatchObject({ verdict: 'intact' });
  });
});

/** Folders whose file `name` fails from its n-th opening on. */
function failing(files: Files, name: string, fault: SourceError): (openings: number) => Folder {
  return (openings) => {
    const inner = memoryFolder(files);
    let left = openings;
    const open = async (file: string): Promise<ByteSource> => {
      if (file === name && left-- <= 0) throw fault;
      return inner.open(file);
    };
    return { ...inner, open };
  };
}
