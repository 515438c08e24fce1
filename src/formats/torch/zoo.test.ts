/**
 * Every file of the zoo is held to what PyTorch itself says it holds, value by value and byte by byte.
 */
import { createHash } from 'node:crypto';
import { cpSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { CheckpointError } from '../../errors.js';
import { openFileSource } from '../../source/file.js';
import { copyOfModel, llamaInspect } from '../../testing/cli.js';
import { firstElements } from '../../testing/zoo-elements.js';
import { ZOO, ZOO_FILES, type ZooFile, type ZooTensor } from '../../testing/zoo.js';
import { openTensorFile } from '../open-path-node.js';
import { tensorByteLength } from '../tensor.js';
import { objectAsJson } from './object-json.js';
import { jsonDumps } from './python-text.js';
import { swapBytes } from './signs-and-order.js';
import { elementsInStorageOrder } from './storage-order.js';
import type { ObjectJson, TaggedJson } from './tagged-json.js';
import { type TorchFile, openTorchFile } from './torch-file.js';
import type { TorchTensor } from './torch-tensor.js';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const of = (outcome: ZooFile['outcome']): ZooFile[] => ZOO_FILES.filter((file) => file.outcome === outcome);

/** Files that are sound, but of another format: the reader of PyTorch's files refuses them, the reader of any reads them. */
const OTHER_FORMATS = ['not_gguf.pth', 'not_safetensors.pth'];

const opened: TorchFile[] = [];
afterEach(async () => {
  for (const file of opened.splice(0)) await file.close();
});

async function open({ file }: ZooFile): Promise<TorchFile> {
  const path = join(ZOO, file);
  if (OTHER_FORMATS.includes(file)) {
    await using source = await openFileSource(path);
    return await openTorchFile(source);
  }
  const found = (await openTensorFile(path)) as TorchFile;
  opened.push(found);
  expect(found.format).toBe('torch');
  return found;
}

/** Names that PyTorch's tensors have no rule for: of keys that are neither strings nor integers. */
const NAMES_OF_KEYS: Readonly<Record<string, string>> = {
  '{"$float": "2.5"}': '2.5',
  null: 'None',
  '{"$tuple": [1, "a"]}': '<a tuple of 2>',
  '{"$bytes": "6b"}': '<bytes of length 1>',
  '{"$int": "1180591620717411303424"}': '1180591620717411303424',
};

/** Names of the tensors in a file as they have to be: the oracle's, or `name#2` where that is taken. */
function expectedNames(tensors: readonly ZooTensor[]): string[] {
  const used = new Set<string>();
  return tensors.map(({ name, path }) => {
    const isKey = (segment: TaggedJson): boolean => typeof segment === 'object' && jsonDumps(segment).includes('"key"');
    const own = path.some(isKey) ? (NAMES_OF_KEYS[name] ?? name) : name;
    let unique = own;
    for (let count = 2; used.has(unique); count += 1) unique = `${own}#${count}`;
    used.add(unique);
    return unique;
  });
}

/** A row without what is not in the JSON, because it takes reading weights. */
function described(row: object): object {
  const { name: _, sha256: __, sha256_unresolved: ___, first: ____, ...rest } = row as Record<string, unknown>;
  return rest;
}

async function expectExact(file: TorchFile, expected: ZooFile): Promise<void> {
  const json = await objectAsJson(file);
  expect(json.root).toStrictEqual(expected.root);
  expect(json.tensors.map(described)).toStrictEqual(expected.tensors?.map(described));
  expect(json.tensors.map(({ name }) => name)).toEqual(expectedNames(expected.tensors ?? []));
  if (expected.globals !== undefined) expect(json.globals).toEqual(expected.globals);
  if (expected.opaque_classes !== undefined) expect(json.opaque_classes).toEqual(expected.opaque_classes);
  await expectStorages(file, json, expected);
  await expectTensors(file, json, expected);
  await expectArchive(file, expected.archive);
}

async function expectStorages(file: TorchFile, json: ObjectJson, { storages = [] }: ZooFile): Promise<void> {
  expect(json.storages).toStrictEqual(storages.map(({ sha256: _, ...rest }) => rest));
  expect(new Set(file.storages.map(({ key }) => key))).toEqual(new Set(storages.map(({ key }) => key)));
  for (const { key, sha256: hash } of storages) {
    const { record, byteLength, swapUnit } = file.storages.find((storage) => storage.key === key)!;
    const bytes = Uint8Array.from(await record.source.read(0, byteLength));
    swapBytes(bytes, swapUnit);
    expect([key, sha256(bytes)]).toEqual([key, hash]);
  }
}

/** The file's own list of tensors says the same as the rows, and their bytes are right. */
async function expectTensors(file: TorchFile, json: ObjectJson, expected: ZooFile): Promise<void> {
  const { tensors: rows = [], truth } = expected;
  const all = [...file.tensors, ...file.others];
  expect(all).toHaveLength(rows.length);
  const keys = new Map<number, string>();
  for (const [index, row] of rows.entries()) {
    const tensor = all.find(({ name }) => name === json.tensors[index]!.name)!;
    expect(tensor.path).toHaveLength(row.path.length);
    if (row.sha256 === undefined) {
      expect(file.others).toContain(tensor);
      continue;
    }
    await expectBytes(tensor as TorchTensor, row, truth);
    if (typeof row.storage !== 'number') continue;
    const key = (tensor as TorchTensor).storage;
    expect(keys.get(row.storage) ?? key).toBe(key);
    keys.set(row.storage, key);
  }
  expect(new Set(keys.values()).size).toBe(keys.size);
}

async function expectBytes(tensor: TorchTensor, row: ZooTensor, truth: ZooFile['truth']): Promise<void> {
  const bytes = await tensor.readBytes(0, tensorByteLength(tensor));
  expect([row.name, bytes.byteLength, sha256(bytes)]).toEqual([row.name, row.nbytes, row.sha256]);
  expect(tensor).toMatchObject({
    ...{ kind: row.kind, storedDtype: row.dtype, shape: row.shape, stride: row.stride },
    ...{ storageOffset: row.storage_offset, requiresGrad: row.requires_grad, isParameter: row.is_parameter },
    pythonType: row.python_type,
  });
  const first = firstElements(row.dtype, bytes);
  const isEmpty = first === undefined || first.length === 0;
  // where PyTorch could not read the file, nobody decoded some of its types
  const isUndecoded = truth === 'writer' && row.first === undefined;
  if (!isUndecoded) expect([row.name, row.first]).toEqual([row.name, isEmpty ? undefined : first]);
  if (row.sha256_unresolved === undefined) return;
  const stored = elementsInStorageOrder(tensor);
  expect(sha256(await stored.readBytes(0, stored.byteLength))).toBe(row.sha256_unresolved);
}

/** Records of an archive that are text. */
const RECORDS: Readonly<Record<string, string>> = {
  byteorder: 'byteorder',
  format_version: '.format_version',
  storage_alignment: '.storage_alignment',
  version: 'version',
  data_version: '.data/version',
  serialization_id: '.data/serialization_id',
};

async function expectArchive({ archive }: TorchFile, facts: ZooFile['archive']): Promise<void> {
  if (facts === undefined) return;
  const prefix = String(facts['prefix']);
  expect(archive?.entries).toHaveLength(Number(facts['entries']));
  expect(archive?.find(`${prefix}data.pkl`)).toBeDefined();
  for (const [fact, record] of Object.entries(RECORDS)) {
    const entry = archive?.find(`${prefix}${record}`);
    // PyTorch can be told to leave checksums out; then Python, which gave the facts, cannot read the record
    if (entry?.crc32 === 0 && facts[fact] === undefined) continue;
    const bytes = entry === undefined ? undefined : await archive?.openMember(entry).read(0, entry.size);
    expect([fact, bytes && new TextDecoder().decode(bytes).trim()]).toEqual([fact, facts[fact]]);
  }
}

/** Throws unless the error is one of ours and says what is wrong. */
function expectClear(error: unknown, { reason }: ZooFile): void {
  expect(error).toBeInstanceOf(CheckpointError);
  const { message, hint = '' } = error as CheckpointError;
  expectMention(`${message} ${hint}`, reason?.mention ?? []);
}

function expectMention(text: string, mention: readonly string[]): void {
  const words = mention.filter((word) => text.toLowerCase().includes(word.toLowerCase()));
  expect([text, mention, words.length > 0 || mention.length === 0]).toEqual([text, mention, true]);
}

/** What the command is given: a file of another format stands where a checkpoint of PyTorch's has to be. */
function commandInput({ file }: ZooFile): string {
  const path = join(ZOO, file);
  if (!OTHER_FORMATS.includes(file)) return path;
  const model = copyOfModel('llama3.2-tiny');
  cpSync(path, join(model, 'consolidated.00.pth'));
  return model;
}

/** Files that passed, by what was expected of them. */
const passed = { read: 0, refuse: 0, either: 0, refusedByCommand: 0 };

describe('files that have to be read', () => {
  it.each(of('read').map((entry) => [entry.file, entry] as const))('%s', async (_, entry) => {
    await expectExact(await open(entry), entry);
    passed.read += 1;
  });
});

describe('files that have to be refused', () => {
  it.each(of('refuse').map((entry) => [entry.file, entry] as const))('%s', async (_, entry) => {
    const error: unknown = await open(entry).catch((cause: unknown) => cause);
    expectClear(error, entry);
    passed.refuse += 1;
  });

  it.each(of('refuse').map((entry) => [entry.file, entry] as const))('%s, by the command', async (_, entry) => {
    const { code, stdout, stderr } = await llamaInspect('inspect', commandInput(entry));
    expect([code, stdout]).toEqual([2, '']);
    const [line = '', ...more] = stderr.split('\n');
    expect(line).toMatch(/^error: .+ \[[a-z]+\/[a-z-]+\]$/);
    expect(more.join('\n')).not.toMatch(/^\s+at /m);
    expectMention(stderr, entry.reason?.mention ?? []);
    passed.refusedByCommand += 1;
  });
});

describe('files that may be read or refused', () => {
  it.each(of('either').map((entry) => [entry.file, entry] as const))('%s', async (_, entry) => {
    const found: unknown = await open(entry).catch((cause: unknown) => cause);
    if (found instanceof Error) expectClear(found, entry);
    else if (entry.root !== undefined) await expectExact(found as TorchFile, entry);
    else await expectReadWithoutTruth(found as TorchFile, entry);
    passed.either += 1;
  });

  /** PyTorch refuses or runs these, so nobody says what they hold; they must neither run nor hang nor crash. */
  async function expectReadWithoutTruth(file: TorchFile, entry: ZooFile): Promise<void> {
    const json = await objectAsJson(file).catch((cause: unknown) => cause);
    if (json instanceof Error) {
      expectClear(json, entry);
      return;
    }
    const names = JSON.stringify((json as ObjectJson).root);
    expectMention(names, entry.reason?.mention ?? []);
    for (const name of entry.opaque_classes ?? []) expect((json as ObjectJson).opaque_classes).toContain(name);
    for (const tensor of file.tensors) {
      const byteLength = tensorByteLength(tensor);
      expect((await tensor.readBytes(0, byteLength)).byteLength).toBe(byteLength);
    }
  }
});

describe('the zoo', () => {
  it('was gone through whole', () => {
    expect(passed).toEqual({ read: 158, refuse: 52, either: 39, refusedByCommand: 52 });
  });
});
