/**
 * Models that are split over several files.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ggufAllShards } from '@huggingface/gguf';
import { describe, expect, it } from 'vitest';

import { openDirectory } from '../../source/directory.js';
import { memoryFolder } from '../../source/folder.js';
import { type Part, partBytes, splitEntries, splitFiles } from '../../testing/gguf-parts.js';
import { countingFolder } from '../../testing/small-checkpoints.js';
import { openGgufParts } from './open-parts.js';
import { type GgufMetadataEntry, planGguf } from './plan.js';
import { openGgufFile } from './read.js';
import { ggufModelNames, parseSplitName, splitNameOf } from './split-name.js';
import { memorySource } from '../../source/memory.js';

const METADATA: readonly GgufMetadataEntry[] = [
  { key: 'general.architecture', type: 'str', value: 'llama' },
  { key: 'tokenizer.ggml.tokens', type: 'arr[str]', value: ['a', 'b'] },
];

/** Three parts of two, no and one tensors; only the first has metadata. */
const PARTS: readonly Part[] = [
  { metadata: METADATA, tensors: [{ name: 'a', dtype: 'float32', shape: [2, 3] }, { name: 'b', dtype: 'float16', shape: [5] }] }, // prettier-ignore
  { metadata: [], tensors: [] },
  { metadata: [], tensors: [{ name: 'c', dtype: 'q8_0', shape: [2, 32] }] },
];

const [FIRST, SECOND, THIRD] = [1, 2, 3].map((part) => `x-0000${part}-of-00003.gguf`) as [string, string, string];
const FILES = splitFiles(PARTS);

/** Opens the parts from a folder and checks that all files are closed if that fails. */
async function open(
  files: Record<string, Uint8Array>,
  name = FIRST,
): Promise<Awaited<ReturnType<typeof openGgufParts>>> {
  const folder = countingFolder(memoryFolder(files, 'folder'));
  try {
    return await openGgufParts(folder, name);
  } catch (cause) {
    expect(folder.openFiles()).toBe(0);
    throw cause;
  }
}

async function refusal(files: Record<string, Uint8Array>, name = FIRST): Promise<unknown> {
  return open(files, name).then(
    () => 'accepted',
    (cause: unknown) => cause,
  );
}

describe('openGgufParts', () => {
  it.each([FIRST, SECOND, THIRD])('opens all parts, whichever is named: %s', async (name) => {
    const folder = countingFolder(memoryFolder(FILES, 'folder'));
    const opened = await openGgufParts(folder, name);
    expect(opened).toMatchObject({ format: 'gguf', version: 3, name: `folder/${FIRST}` });
    expect(opened.size).toBe(Object.values(FILES).reduce((sum, { byteLength }) => sum + byteLength, 0));
    expect([...opened.metadata.keys()]).toEqual(['general.architecture', 'tokenizer.ggml.tokens']);
    expect(opened.tensors.map((tensor) => tensor.name)).toEqual(['a', 'b', 'c']);
    const { metadata, tensors } = PARTS[2]!;
    const plan = planGguf({ metadata: [...metadata, ...splitEntries(2, 3, 3)], tensors });
    const at = plan.tensors[0]!.fileOffset;
    expect(await opened.tensors[2]!.readRows(0, 2)).toEqual(FILES[THIRD]!.subarray(at, at + 68));
    expect(folder.openFiles()).toBe(3);
    await opened[Symbol.asyncDispose]();
    expect(folder.openFiles()).toBe(0);
  });

  it('finds what @huggingface/gguf finds', async () => {
    const path = mkdtempSync(join(tmpdir(), 'gguf-parts-'));
    try {
      for (const [name, bytes] of Object.entries(FILES)) writeFileSync(join(path, name), bytes);
      const theirs = await ggufAllShards(join(path, FIRST), { allowLocalFile: true });
      await using ours = await openGgufParts(await openDirectory(path), SECOND);
      expect(theirs.shards).toHaveLength(3);
      for (const [no, { metadata }] of theirs.shards.entries()) expect(metadata).toHaveProperty(['split.no'], no);
      const expected = theirs.shards.flatMap((shard) =>
        shard.tensorInfos.map(({ name, shape, offset }) => {
          return [name, shape.map(Number).reverse(), Number(shard.tensorDataOffset) + Number(offset)];
        }),
      );
      expect(ours.tensors.map(({ name, shape, fileOffset }) => [name, [...shape], fileOffset])).toEqual(expected);
    } finally {
      rmSync(path, { recursive: true });
    }
  });

  it('opens whole files, whatever they are called', async () => {
    const whole = partBytes({ metadata: METADATA, tensors: PARTS[0]!.tensors });
    for (const name of ['x.gguf', FIRST, SECOND, 'y-00001-of-00001.gguf']) {
      const opened = await open({ [name]: whole }, name);
      expect(opened.tensors).toHaveLength(2);
      expect(opened.name).toBe(`folder/${name}`);
    }
  });

  it('takes a file that was put together again for whole', async () => {
    const merged = partBytes({ metadata: [...METADATA, ...splitEntries(0, 0, 2)], tensors: PARTS[0]!.tensors });
    expect((await open({ 'x.gguf': merged }, 'x.gguf')).tensors).toHaveLength(2);
  });

  it('permits parts to repeat the metadata of the first', async () => {
    const repeated = splitFiles([PARTS[0]!, { metadata: METADATA, tensors: [] }, PARTS[2]!]);
    expect((await open(repeated)).tensors).toHaveLength(3);
  });

  it('reads parts of different alignment, each by its own', async () => {
    const alignment: GgufMetadataEntry = { key: 'general.alignment', type: 'u32', value: 64 };
    const opened = await open(splitFiles([PARTS[0]!, PARTS[1]!, { ...PARTS[2]!, metadata: [alignment] }]));
    expect(opened.tensors.map(({ fileOffset }) => (fileOffset ?? 1) % 64)).toEqual([32, 0, 0]);
  });

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(openGgufParts(memoryFolder(FILES), FIRST, { signal })).rejects.toThrow('enough');
  });
});

describe('parts that do not make one file', () => {
  const without = (name: string): Record<string, Uint8Array> =>
    Object.fromEntries(Object.entries(FILES).filter(([key]) => key !== name));
  const claims = (no: number, said: object): Record<string, Uint8Array> => splitFiles(PARTS, 'x', { [no]: said });
  const other: Part = { metadata: [], tensors: [{ name: 'a', dtype: 'float32', shape: [1] }] };
  const gemma: GgufMetadataEntry = { key: 'general.architecture', type: 'str', value: 'gemma' };
  const tokens = (...value: string[]): GgufMetadataEntry => ({ key: 'tokenizer.ggml.tokens', type: 'arr[str]', value });
  const types: GgufMetadataEntry = { key: 'tokenizer.ggml.tokens', type: 'arr[u8]', value: [1, 2] };
  const asU32: GgufMetadataEntry[] = [{ key: 'split.count', type: 'u32', value: 3 }];
  const countOnly: GgufMetadataEntry[] = [{ key: 'split.count', type: 'u16', value: 3 }];
  const withSecond = (part: Part): Record<string, Uint8Array> => splitFiles([PARTS[0]!, part, PARTS[2]!]);

  it.each<[code: string, what: string, files: Record<string, Uint8Array>, message: string]>([
    ['missing-part', 'one missing', without(SECOND), `${SECOND} is missing of the 3 parts of this model`],
    ['missing-part', 'two missing', { [FIRST]: FILES[FIRST]! }, `${SECOND} and 1 more are missing of the 3 parts of this model`], // prettier-ignore
    ['part-order', 'two exchanged', { ...FILES, [SECOND]: FILES[THIRD]!, [THIRD]: FILES[SECOND]! }, 'its name says part 2, but it says itself that it is part 3'], // prettier-ignore
    ['part-order', 'one twice', { ...FILES, [SECOND]: FILES[FIRST]! }, 'its name says part 2, but it says itself that it is part 1'], // prettier-ignore
    ['foreign-part', 'a whole file among them', { ...FILES, [THIRD]: partBytes(PARTS[2]!) }, 'it does not say that it is a part of a split file'], // prettier-ignore
    ['foreign-part', 'a whole file in the place of the first', { ...FILES, [FIRST]: partBytes(PARTS[0]!) }, 'it does not say that it is a part of a split file'], // prettier-ignore
    ['foreign-part', 'a part of four', claims(2, { count: 4 }), 'it says that there are 4 parts, but its name says 3'],
    ['foreign-part', 'parts of four', claims(0, { count: 4 }), 'it says that there are 4 parts, but its name says 3'],
    ['foreign-part', 'a part of another number of tensors', claims(1, { tensorCount: 4 }), 'it says that all parts have 4 tensors together, but they have 3'], // prettier-ignore
    ['foreign-part', 'tensors missing', splitFiles(PARTS.map((part) => part), 'x', { 0: { tensorCount: 9 }, 1: { tensorCount: 9 }, 2: { tensorCount: 9 } }), 'it says that all parts have 9 tensors together, but they have 3'], // prettier-ignore
    ['foreign-part', 'another architecture', withSecond({ metadata: [gemma], tensors: [] }), 'its general.architecture is not that of the first part'], // prettier-ignore
    ['foreign-part', 'a key that the first does not have', withSecond({ metadata: [{ key: 'k', type: 'u8', value: 1 }], tensors: [] }), 'its k is not that of the first part'], // prettier-ignore
    ['foreign-part', 'an array of another length', withSecond({ metadata: [tokens('a')], tensors: [] }), 'its tokenizer.ggml.tokens is not that of the first part'], // prettier-ignore
    ['foreign-part', 'an array of longer strings', withSecond({ metadata: [tokens('a', 'bc')], tensors: [] }), 'its tokenizer.ggml.tokens is not that of the first part'], // prettier-ignore
    ['foreign-part', 'an array of another type', withSecond({ metadata: [types], tensors: [] }), 'its tokenizer.ggml.tokens is not that of the first part'], // prettier-ignore
    ['duplicate-tensor', 'a tensor twice', withSecond(other), `the tensor a is in folder/${FIRST} too`],
    ['bad-value', 'a part behind the last', claims(1, { no: 3 }), 'split.no is 3, but there are only 3 parts'],
    ['bad-value', 'a negative number of tensors', claims(1, { tensorCount: -1 }), 'split.tensors.count is -1'],
    ['wrong-type', 'a count of another type', { ...FILES, [THIRD]: partBytes({ metadata: asU32, tensors: [] }) }, 'split.count must be there as u16, found u32'], // prettier-ignore
    ['wrong-type', 'a count and nothing else', { ...FILES, [THIRD]: partBytes({ metadata: countOnly, tensors: [] }) }, 'split.no must be there as u16, found nothing'], // prettier-ignore
    ['truncated', 'a part cut off', { ...FILES, [THIRD]: FILES[THIRD]!.subarray(0, 100) }, ''],
  ])('are refused with %s: %s', async (code, _what, files, message) => {
    const error = await refusal(files);
    expect(error).toMatchObject({ code: `gguf/${code}` });
    if (message !== '') expect(error).toHaveProperty('message', message);
  });

  it('say what they are when they are no GGUF files', async () => {
    const page = new TextEncoder().encode('<!DOCTYPE html><html><head><title>Access Denied</title></head></html>');
    expect(await refusal({ ...FILES, [SECOND]: page })).toMatchObject({
      code: 'source/html-page',
      path: `folder/${SECOND}`,
    });
  });

  it('are no model alone under another name', async () => {
    expect(await refusal({ 'mine.gguf': FILES[SECOND]! }, 'mine.gguf')).toMatchObject({
      code: 'gguf/missing-part',
      message: 'this is part 2 of 3 of a split file, which by itself is no model',
      hint: 'keep all parts in one folder, called NAME-00001-of-00003.gguf and so on',
    });
  });

  it('can still be opened one by one', async () => {
    const part = await openGgufFile(memorySource(FILES[THIRD]!));
    expect(part.tensors.map(({ name }) => name)).toEqual(['c']);
  });
});

describe('names of parts', () => {
  it.each([
    ['a-00001-of-00002.gguf', { stem: 'a', part: 1, count: 2 }],
    ['-00002-of-00002.gguf', { stem: '', part: 2, count: 2 }],
    ['a\nb-00001-of-00001.gguf', { stem: 'a\nb', part: 1, count: 1 }],
    ['a-00001-of-00002-00003-of-00004.gguf', { stem: 'a-00001-of-00002', part: 3, count: 4 }],
  ])('are understood and made again: %s', (name, split) => {
    expect(parseSplitName(name)).toEqual(split);
    expect(splitNameOf(split)).toBe(name);
  });

  it.each(['a.gguf', 'a-00000-of-00002.gguf', 'a-00003-of-00002.gguf', 'a-1-of-2.gguf', 'a-00001-of-00002.gguf.part'])(
    'are not seen where there is none: %s',
    (name) => {
      expect(parseSplitName(name)).toBeUndefined();
    },
  );

  it('stand for one model', () => {
    const names = ['b.gguf', 'a-00002-of-00002.gguf', 'a-00001-of-00002.gguf', 'a-00001-of-00003.gguf', 'config.json'];
    expect(ggufModelNames(names)).toEqual(['a-00001-of-00002.gguf', 'a-00001-of-00003.gguf', 'b.gguf']);
  });
});
