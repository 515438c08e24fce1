/**
 * Models split over several GGUF files: in a folder in memory, and by path.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { memoryFolder } from '../source/folder.js';
import { temporaryFolder } from '../testing/cli.js';
import { splitFiles } from '../testing/gguf-parts.js';
import { SMALL_GGUF_METADATA, SMALL_GGUF_SHAPES, countingFolder, ggufBytes } from '../testing/small-checkpoints.js';
import { findCheckpointPaths, inspectEach } from './find-checkpoints-node.js';
import { inspectPath } from './inspect-path-node.js';
import { openModel as openModelInput } from './open-model.js';
import { openModel } from './open-path-node.js';

const TENSORS = Object.entries(SMALL_GGUF_SHAPES).map(([name, shape]) => ({ name, shape, dtype: 'float32' as const }));

/** The small model in three parts, the first of them without tensors as `--no-tensor-first-split` makes it. */
const FILES = splitFiles(
  [
    { metadata: SMALL_GGUF_METADATA, tensors: [] },
    { metadata: [], tensors: TENSORS.slice(0, 4) },
    { metadata: [], tensors: TENSORS.slice(4) },
  ],
  'tiny',
);
const [FIRST = '', SECOND = '', THIRD = ''] = Object.keys(FILES);
const SIZE = Object.values(FILES).reduce((sum, { byteLength }) => sum + byteLength, 0);

/** A folder on disk with these files. */
function onDisk(files: Readonly<Record<string, Uint8Array>>): string {
  const path = join(temporaryFolder(), 'model');
  mkdirSync(path);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(path, name), bytes);
  return path;
}

describe('a model split over several GGUF files', () => {
  it('is one model in a folder in memory', async () => {
    const folder = countingFolder(memoryFolder(FILES, 'folder'));
    const model = await openModelInput(folder);
    expect(model).toMatchObject({ layout: 'gguf', name: 'tiny', path: `folder/${FIRST}` });
    expect(model.tensors.size).toBe(TENSORS.length);
    expect((await model.tensors.get('norm.weight')?.readRows(0, 1))?.byteLength).toBe(32);
    expect(folder.openFiles()).toBe(3);
    await model.close();
    expect(folder.openFiles()).toBe(0);
  });

  it('is the same model as the whole file', async () => {
    await using split = await openModelInput(memoryFolder(FILES));
    await using whole = await openModelInput(ggufBytes());
    expect(split.config).toEqual(whole.config);
    expect([...split.tensors.keys()]).toEqual([...whole.tensors.keys()]);
  });

  it('is no model when only a part of it is given', async () => {
    await expect(openModelInput(FILES[SECOND]!)).rejects.toMatchObject({ code: 'gguf/missing-part' });
    const rest = countingFolder(memoryFolder({ [FIRST]: FILES[FIRST]!, [THIRD]: FILES[THIRD]! }, 'folder'));
    await expect(openModelInput(rest)).rejects.toMatchObject({
      code: 'gguf/missing-part',
      message: `${SECOND} is missing of the 3 parts of this model`,
      path: 'folder',
    });
    expect(rest.openFiles()).toBe(0);
  });

  it('is closed again when it is no Llama', async () => {
    const folder = countingFolder(memoryFolder(splitFiles([{ metadata: [], tensors: [] }, { metadata: [], tensors: TENSORS }]))); // prettier-ignore
    await expect(openModelInput(folder)).rejects.toMatchObject({ code: 'llama/unsupported' });
    expect(folder.openFiles()).toBe(0);
  });

  it('counts once beside others', async () => {
    const files = { ...FILES, 'other.gguf': ggufBytes() };
    await expect(openModelInput(memoryFolder(files))).rejects.toMatchObject({
      code: 'llama/several-models',
      message: 'there are 2 GGUF models in this folder',
      hint: `name one of them: other.gguf, ${FIRST}`,
    });
    const found = await inspectPath(onDisk(files));
    expect(found.kind === 'several' && found.checkpoints.map(({ inspection }) => inspection)).toMatchObject([
      { name: 'other', shardCount: 1, byteLength: files['other.gguf'].byteLength },
      { name: 'tiny', shardCount: 3, byteLength: SIZE },
    ]);
  });

  it('is opened by the path of any part, or of the folder', async () => {
    const path = onDisk(FILES);
    for (const place of [path, ...Object.keys(FILES).map((name) => join(path, name))]) {
      await using model = await openModel(place);
      expect(model.tensors.size).toBe(TENSORS.length);
      const found = await inspectPath(place);
      expect(found.kind === 'one' && found.inspection).toMatchObject({
        ...{ layout: 'gguf', kind: 'text', name: 'tiny', shardCount: 3, byteLength: SIZE },
      });
    }
  });

  it('is found among the checkpoints of a folder', async () => {
    const path = onDisk(FILES);
    expect(await findCheckpointPaths(join(path, '..'))).toEqual([path]);
    const [checkpoint] = await inspectEach([join(path, SECOND)]);
    expect(checkpoint?.inspection).toMatchObject({ name: 'tiny', byteLength: SIZE });
  });

  it('says which part is missing beside the one that was named', async () => {
    const path = onDisk({ [SECOND]: FILES[SECOND]! });
    for (const open of [openModel, inspectPath]) {
      await expect(open(join(path, SECOND))).rejects.toMatchObject({
        code: 'gguf/missing-part',
        message: `${FIRST} and 1 more are missing of the 3 parts of this model`,
      });
    }
  });
});
