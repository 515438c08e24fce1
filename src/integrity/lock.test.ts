import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { memoryFolder } from '../source/folder.js';
import { partOfFolder } from '../source/part-of-folder.js';
import { modelFolder } from '../testing/fixtures.js';
import { global, pickle } from '../testing/pickle-assembler.js';
import { type Lock, LOCK_NAME, LOCK_PREDICATE_TYPE, formatLock, isLockName, lockNameOf } from './lock.js';
import { parseLock } from './parse-lock.js';
import { lockFolder } from './lock-folder.js';
import { verifyFolder } from './verify-folder.js';

const HASH = 'ab'.repeat(32);

const LOCK: Lock = {
  subject: [
    { name: 'b.safetensors', digest: { sha256: HASH } },
    { name: 'a.json', digest: { sha256: HASH } },
  ],
  predicate: {
    tool: { name: 'llama-inspect', version: '1.2.3' },
    ...{ command: 'lock', options: {}, source: null, model: null },
  },
};

describe('formatLock', () => {
  it('writes an in-toto Statement, files by name, and the same bytes for the same lock', () => {
    const text = new TextDecoder().decode(formatLock(LOCK));
    expect(text).toBe(`{
  "_type": "https://in-toto.io/Statement/v1",
  "subject": [
    {"name":"a.json","digest":{"sha256":"${HASH}"}},
    {"name":"b.safetensors","digest":{"sha256":"${HASH}"}}
  ],
  "predicateType": "https://llama-inspect.dev/lock/v1",
  "predicate": {"tool":{"name":"llama-inspect","version":"1.2.3"},"command":"lock","options":{},"source":null,"model":null}
}
`);
    const turned = { ...LOCK, subject: LOCK.subject.toReversed() };
    expect(formatLock(turned)).toEqual(formatLock(LOCK));
  });

  it('is read again as it was written', () => {
    const { subject, predicate } = parseLock(formatLock(LOCK), 'x');
    expect(subject.map(({ name }) => name)).toEqual(['a.json', 'b.safetensors']);
    expect(predicate).toEqual(LOCK.predicate);
  });
});

describe('names of lock files', () => {
  it('tell a folder from a file', () => {
    expect(lockNameOf('1b.gguf')).toBe('1b.gguf.llama-inspect.lock.json');
    expect(['llama-inspect.lock.json', '1b.gguf.llama-inspect.lock.json'].every(isLockName)).toBe(true);
    expect(isLockName('original/llama-inspect.lock.json')).toBe(false);
    expect(['lock.json', 'xllama-inspect.lock.json', 'llama-inspect.lock.json.bak'].some(isLockName)).toBe(false);
  });
});

describe('parseLock', () => {
  const statement = JSON.parse(new TextDecoder().decode(formatLock(LOCK))) as Record<string, unknown>;
  const parsed = (json: unknown): Lock => {
    const text = JSON.stringify(json).replace(`"${deep}"`, `${'{"x":'.repeat(50_000)}1${'}'.repeat(50_000)}`);
    return parseLock(new TextEncoder().encode(text), 'dir/lock');
  };
  const file = (name: unknown, sha256: unknown = HASH) => ({ ...statement, subject: [{ name, digest: { sha256 } }] });
  const predicate = (change: object) => ({ ...statement, predicate: { ...LOCK.predicate, ...change } });
  const tensor = { name: 'x', dtype: 'bfloat16', shape: [2], sha256: HASH };
  const parts = { tensors: HASH, hyperparameters: HASH, vocabulary: null };
  const model = { layout: 'hf', fingerprint: HASH, hyperparameters: {}, parts, vocabulary: null, tensors: [tensor] };
  const source = { name: 'x', layout: 'meta', files: [{ name: 'a', size: 1, digest: null, statedBy: null }] };
  const deep = 'stands for what JSON.stringify cannot write';

  it('allows properties that it does not know', () => {
    const more = { ...statement, ...predicate({ model, source, more: 1 }), extra: true };
    expect(parsed(more).predicate.model).toEqual(model);
  });

  it.each([
    ['another type', { ...statement, _type: 'https://in-toto.io/Statement/v0.1' }, /Statement of in-toto was expected/],
    ['nothing', null, /Statement of in-toto/],
    ['another predicate', { ...statement, predicateType: 'https://slsa.dev/provenance/v1' }, new RegExp(`not ${LOCK_PREDICATE_TYPE}`)], // prettier-ignore
    ['a newer version', { ...statement, predicateType: 'https://llama-inspect.dev/lock/v2' }, /the newest reads it/],
    ['a file twice', { ...statement, subject: [...LOCK.subject, ...LOCK.subject] }, /names "b.safetensors" twice/],
    ['no predicate type', { ...statement, predicateType: undefined }, /its predicateType is undefined/],
    ['no file', { ...statement, subject: [] }, /names no file/],
    ['no list of files', { ...statement, subject: { length: 1 } }, /names no file/],
    ['a name outside', file('../x'), /the name "..\/x" leads out of the folder/],
    ['an absolute name', file('/etc/passwd'), /leads out of the folder/],
    ['a name not as plain as it could be', file('./x'), /a file inside the folder/],
    ['a name that is none', file(3), /a file inside the folder/],
    ['a short hash', file('x', 'abcd'), /a file inside the folder/],
    ['capitals', file('x', HASH.toUpperCase()), /a file inside the folder/],
    ['no hash', { ...statement, subject: [{ name: 'x' }] }, /a file inside the folder/],
    ['null for a file', { ...statement, subject: [null] }, /found null/],
    ['no predicate of ours', { ...statement, predicate: null }, /its predicate/],
    ['another command', predicate({ command: 'rm' }), /its predicate/],
    ['no version', predicate({ tool: { name: 'x' } }), /its predicate/],
    ['no tool', predicate({ tool: null }), /its predicate/],
    ['a model without tensors', predicate({ model: { ...model, tensors: undefined } }), /its predicate/],
    ['a model without fingerprint', predicate({ model: {} }), /its predicate/],
    ['a model without parts', predicate({ model: { ...model, parts: undefined } }), /its predicate/],
    ['an undefined model', predicate({ model: undefined }), /its predicate/],
    ['a tensor without hash', predicate({ model: { ...model, tensors: [{ name: 'x' }] } }), /its predicate/],
    ['null for hyperparameters', predicate({ model: { ...model, hyperparameters: null } }), /out hyperparameters/],
    ['deep hyperparameters', predicate({ model: { ...model, hyperparameters: deep } }), /out hyperparameters/],
    ['null for parts', predicate({ model: { ...model, parts: null } }), /out the hashes of its parts/],
    ['a list for parts', predicate({ model: { ...model, parts: [] } }), /out the hashes of its parts/],
    ['a number for the vocabulary', predicate({ model: { ...model, vocabulary: 5 } }), /a vocabulary that is none/],
    ['a number for its hash', predicate({ model: { ...model, parts: { ...parts, vocabulary: 5 } } }), /out the hash of its vocabulary/], // prettier-ignore
    ['a fingerprint that is none', predicate({ model: { ...model, fingerprint: 'zz' } }), /out a fingerprint/],
    ['another layout', predicate({ model: { ...model, layout: 'onnx' } }), /out a layout/],
    ['a tensor twice', predicate({ model: { ...model, tensors: [tensor, tensor] } }), /two tensors of one name/],
    [
      'a type that is none',
      predicate({ model: { ...model, tensors: [{ ...tensor, dtype: 'x' }] } }),
      /a tensor without/,
    ],
    [
      'a shape that is none',
      predicate({ model: { ...model, tensors: [{ ...tensor, shape: [-1] }] } }),
      /a tensor without/,
    ],
    ['options that are none', predicate({ options: 5 }), /no options/],
    ['a source that is none', predicate({ source: 5 }), /a source that is none/],
    ['a source without files', predicate({ source: { ...source, files: null } }), /a source that is none/],
    ['a file deep in nothing', { ...statement, subject: [deep] }, /found undefined/],
    ['null for a tensor', predicate({ model: { ...model, tensors: [null] } }), /its predicate/],
  ])('refuses %s', (_, json, message) => {
    expect(() => parsed(json)).toThrow(message);
    expect(() => parsed(json)).toThrow(expect.objectContaining({ code: 'integrity/bad-lock', path: 'dir/lock' }));
  });

  it('refuses what is no JSON', () => {
    expect(() => parseLock(Uint8Array.of(0x7b), 'x')).toThrow(/this is not valid JSON/);
  });
});

const FILES = Object.fromEntries(
  readdirSync(modelFolder('llama3.2-tiny')).map((name) => [
    name,
    new Uint8Array(readFileSync(join(modelFolder('llama3.2-tiny'), name))),
  ]),
);

/** The files with a lock file beside them, made where there is no Node. */
async function locked(files: Record<string, Uint8Array> = FILES): Promise<Record<string, Uint8Array>> {
  const { lock } = await lockFolder(memoryFolder(files, 'x'), { toolVersion: '1' });
  return { ...files, [LOCK_NAME]: formatLock(lock) };
}

describe('lockFolder', () => {
  it('locks every file but lock files, and gives the same bytes again', async () => {
    const files = await locked();
    const again = await locked(files);
    expect(again[LOCK_NAME]).toEqual(files[LOCK_NAME]);
    const { subject, predicate } = parseLock(files[LOCK_NAME]!, 'x');
    expect(subject.map(({ name }) => name)).toEqual(Object.keys(FILES).sort());
    expect(predicate).toMatchObject({ command: 'lock', options: {}, source: null, tool: { version: '1' } });
    expect(predicate.model!.tensors).toHaveLength(20);
  });

  it('locks files that are no text model without tensors, and says so', async () => {
    const { lock, warnings } = await lockFolder(memoryFolder({ 'a.txt': Uint8Array.of(1) }), { toolVersion: '1' });
    expect(lock.predicate.model).toBeNull();
    expect(warnings[0]).toMatch(/^only the files are locked, no tensors: no Llama was found/);
  });

  it('refuses an empty folder, a broken model, and a file that vanishes', async () => {
    await expect(lockFolder(memoryFolder({}), { toolVersion: '1' })).rejects.toMatchObject({ code: 'source/empty' });
    const { 'params.json': _, ...broken } = FILES;
    await expect(locked(broken)).rejects.toMatchObject({ code: 'llama/no-params' });
    const folder = memoryFolder({ 'a.txt': Uint8Array.of(1) }, 'x');
    const listed = { ...folder, listBelow: async () => [...(await folder.list()), { name: 'gone', size: 1 }] };
    await expect(lockFolder(listed, { toolVersion: '1' })).rejects.toMatchObject({ code: 'source/not-found' });
  });
});

describe('lock and verify of folders below', () => {
  const below = { ...FILES, 'original/params.json': Uint8Array.of(1), '.git/HEAD': Uint8Array.of(2), 'a/.hidden': Uint8Array.of(3) }; // prettier-ignore

  it('take in every file by its path, but for folders with a dot', async () => {
    const files = await locked({ ...below, 'original/llama-inspect.lock.json': Uint8Array.of(4) });
    const { subject } = parseLock(files[LOCK_NAME]!, 'x');
    expect(subject.map(({ name }) => name)).toEqual(
      [...Object.keys(FILES), 'a/.hidden', 'original/llama-inspect.lock.json', 'original/params.json'].sort(),
    );
    expect(await verifyFolder(memoryFolder(files, 'x'), { failOnExtra: true })).toMatchObject({ verdict: 'intact' });
    const more = { ...files, 'original/more.txt': Uint8Array.of(5), '.git/more': Uint8Array.of(6) };
    const strict = await verifyFolder(memoryFolder(more, 'x'), { failOnExtra: true });
    expect(strict).toMatchObject({ verdict: 'failed', extra: ['original/more.txt'] });
    const changed = await verifyFolder(memoryFolder({ ...files, 'original/params.json': Uint8Array.of(9) }, 'x'));
    expect(changed.files.files.filter(({ status }) => status !== 'ok').map(({ name }) => name)).toEqual(['original/params.json']); // prettier-ignore
    const { 'a/.hidden': _, ...less } = files;
    const missing = await verifyFolder(memoryFolder(less, 'x'));
    expect(missing.files.files.filter(({ status }) => status === 'missing').map(({ name }) => name)).toEqual([
      'a/.hidden',
    ]);
  });

  it('take a lock file below for a file, and one that is none too', async () => {
    const files = await locked();
    for (const name of ['a/x.llama-inspect.lock.json', `a/${LOCK_NAME}`, 'x.llama-inspect.lock.json']) {
      const more = memoryFolder({ ...files, [name]: Uint8Array.of(4) }, 'x');
      const report = await verifyFolder(more, { failOnExtra: true });
      expect(report, name).toMatchObject({ verdict: 'failed', extra: [name] });
      const { lock } = await lockFolder(more, { toolVersion: '1' });
      expect(lock.subject.map((file) => file.name)).toContain(name);
    }
    const other = memoryFolder({ ...files, 'x.llama-inspect.lock.json': files[LOCK_NAME]! }, 'x');
    const { lock } = await lockFolder(other, { toolVersion: '1' });
    expect(lock.subject.map(({ name }) => name)).toEqual(Object.keys(FILES).sort());
  });

  it('are scanned, whether they are locked or not', async () => {
    const files = { ...FILES, 'original/evil.pth': pickle(global('posix', 'system'), 'EMPTY_TUPLE', 'REDUCE') };
    for (const folder of [files, await locked(files)]) {
      const report = await verifyFolder(memoryFolder(folder, 'x'));
      expect(report.verdict).toBe('failed');
      expect(report.scan.files.filter(({ verdict }) => verdict === 'findings').map(({ path }) => path)).toEqual(['original/evil.pth']); // prettier-ignore
    }
  });

  it('are not listed where only Meta’s list is there, which speaks of no folder', async () => {
    const report = await verifyFolder(memoryFolder(below, 'x'), { failOnExtra: true });
    expect(report).toMatchObject({ verdict: 'intact', extra: [] });
  });
});

describe('partOfFolder', () => {
  it('hides all other files', async () => {
    const folder = partOfFolder(memoryFolder({ a: Uint8Array.of(1), b: Uint8Array.of(2) }, 'x'), ['a', 'c']);
    expect(await folder.list()).toEqual([{ name: 'a', size: 1 }]);
    expect([await folder.has('a'), await folder.has('b'), await folder.has('c')]).toEqual([true, false, false]);
    await using source = await folder.open('a');
    expect(source.size).toBe(1);
    await expect(folder.open('b')).rejects.toMatchObject({ code: 'source/not-found' });
  });
});

describe('verifyFolder with a lock file', () => {
  it('is proven by it alone', async () => {
    const { 'checklist.chk': _, ...files } = FILES;
    const report = await verifyFolder(memoryFolder(await locked(files), 'x'));
    expect(report.verdict).toBe('intact');
    expect(report.locks).toMatchObject([{ name: LOCK_NAME, status: 'files-match', tensors: [] }]);
    expect(report.files.unlisted).toEqual([]);
    const deep = await verifyFolder(memoryFolder(await locked(files), 'x'), { deep: true });
    expect(deep.locks[0]!.status).toBe('unchanged');
  });

  it('names the tensor that changed', async () => {
    const files = await locked();
    const weights = new Uint8Array(files['consolidated.00.pth']!);
    weights[1_000_000]! ^= 1;
    const report = await verifyFolder(memoryFolder({ ...files, 'consolidated.00.pth': weights }, 'x'));
    expect(report.verdict).toBe('failed');
    expect(report.locks).toMatchObject([
      {
        status: 'changed',
        tensors: [{ name: 'layers.0.feed_forward.w1.weight', change: 'changed' }],
        ...{ hyperparameters: [], vocabularyChanged: false },
      },
    ]);
  });

  it('tells a hyperparameter and the vocabulary from tensors', async () => {
    const files = await locked();
    const params = new TextDecoder().decode(files['params.json']).replace('500000', '400000');
    const changed = await verifyFolder(
      memoryFolder({ ...files, 'params.json': new TextEncoder().encode(params) }, 'x'),
    );
    expect(changed.locks).toMatchObject([{ status: 'changed', tensors: [], hyperparameters: ['ropeTheta'] }]);
    const { 'tokenizer.model': _, ...rest } = files;
    const without = await verifyFolder(memoryFolder(rest, 'x'));
    expect(without.locks).toMatchObject([{ status: 'changed', tensors: [], vocabularyChanged: true }]);
    expect(without.verdict).toBe('failed');
  });

  it('says that the model is the same where only its files are not', async () => {
    const files = await locked();
    const spaced = new Uint8Array([...files['params.json']!, 0x20]);
    const report = await verifyFolder(memoryFolder({ ...files, 'params.json': spaced }, 'x'));
    expect(report.verdict).toBe('failed');
    expect(report.locks).toMatchObject([{ status: 'unchanged' }]);
  });

  it('says that the model cannot be opened any more, or that none was locked', async () => {
    const files = await locked();
    const { 'params.json': _, ...broken } = files;
    const report = await verifyFolder(memoryFolder(broken, 'x'));
    expect(report.locks).toMatchObject([{ status: 'unreadable', error: { code: 'llama/no-params' } }]);
    const plain = await locked({ 'a.txt': Uint8Array.of(1) });
    const other = await verifyFolder(memoryFolder({ ...plain, 'a.txt': Uint8Array.of(2) }, 'x'));
    expect(other.locks).toMatchObject([{ status: 'no-model', fingerprint: null }]);
  });

  it('tells files that are extra, as a failure where that is asked for', async () => {
    const files = { ...(await locked()), 'notes.txt': Uint8Array.of(1) };
    const report = await verifyFolder(memoryFolder(files, 'x'));
    expect(report).toMatchObject({ verdict: 'intact', extra: [] });
    expect(report.files.unlisted.map(({ name }) => name)).toEqual(['notes.txt']);
    const strict = await verifyFolder(memoryFolder(files, 'x'), { failOnExtra: true });
    expect(strict).toMatchObject({ verdict: 'failed', extra: ['notes.txt'] });
  });

  it.each([
    ['fingerprint', (lock: string) => lock.replace(/("fingerprint": ")[0-9a-f]{8}/, '$100000000'), 'its fingerprint'],
    ['hyperparameter', (lock: string) => lock.replace(/"dim": ?/, '"dim":1'), 'its hash of the hyperparameters'],
    ['vocabulary', (lock: string) => lock.replace(/"vocabulary": \{[^}]*\}/, '"vocabulary": null'), 'its hash of the vocabulary'], // prettier-ignore
    ['tensor', (lock: string) => lock.replace('"name":"norm.weight"', '"name":"norm.bias"'), 'its hash of the tensors'],
  ])('refuses a lock file whose %s contradicts the rest of it', async (_, change, what) => {
    const files = await locked();
    const text = new TextDecoder().decode(files[LOCK_NAME]);
    expect(change(text)).not.toBe(text);
    const folder = memoryFolder({ ...files, [LOCK_NAME]: new TextEncoder().encode(change(text)) }, 'x');
    const report = await verifyFolder(folder);
    expect(report).toMatchObject({ verdict: 'unproven', locks: [] });
    const list = report.files.lists.find(({ name }) => name === LOCK_NAME);
    expect(list).toMatchObject({ status: 'unusable' });
    expect(list!.condition!.message).toContain(`it contradicts itself: ${what}`);
  });

  it('fails by a lock file that names a file outside of the folder', async () => {
    const files = await locked();
    const text = new TextDecoder().decode(files[LOCK_NAME]).replace('"params.json"', '"../params.json"');
    const report = await verifyFolder(memoryFolder({ ...files, [LOCK_NAME]: new TextEncoder().encode(text) }, 'x'));
    expect(report.verdict).toBe('failed');
    expect(report.files.lists).toContainEqual(
      expect.objectContaining({
        name: LOCK_NAME,
        problems: [expect.objectContaining({ line: 3, fault: 'outside-folder', name: '../params.json' })],
      }),
    );
  });

  it('takes a lock file that is none for a list that proves nothing', async () => {
    const { 'checklist.chk': _, ...files } = FILES;
    const report = await verifyFolder(memoryFolder({ ...files, [LOCK_NAME]: Uint8Array.of(0x7b) }, 'x'));
    expect(report).toMatchObject({ verdict: 'unproven', locks: [] });
    expect(report.files.lists).toMatchObject([{ name: LOCK_NAME, status: 'unusable' }]);
  });
});
