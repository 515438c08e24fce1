/**
 * The library's openings by path, as `llama-inspect/node` exports them.
 */
import { cpSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import {
  CheckpointError,
  convert,
  findCheckpointPaths,
  inspect,
  inspectEach,
  listTensors,
  openDirectory,
  openModel,
  openModelPair,
  openPath,
  openTensorFile,
  verifyFolder,
} from './node.js';
import { copyOfModel, temporaryFolder } from './testing/cli.js';
import { modelFolder } from './testing/fixtures.js';

const MODEL = modelFolder('llama3.2-tiny');

/** The error of a promise that must fail. */
async function failure(promise: Promise<unknown>): Promise<CheckpointError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CheckpointError);
  return error as CheckpointError;
}

describe('openPath', () => {
  it('opens a folder with the one above it, and a file', async () => {
    const folder = await openPath(MODEL);
    expect(folder).toMatchObject({ kind: 'folder', path: MODEL });
    expect(folder.kind === 'folder' && (await folder.parent?.has('rope.json'))).toBe(true);
    const file = await openPath(join(MODEL, 'params.json'));
    expect(file.kind).toBe('file');
    if (file.kind === 'file') await file.source.close();
  });

  it('does without the folder above where there is none', async () => {
    const root = await openPath('/');
    expect(root.kind === 'folder' && root.parent?.name).toBe('/');
  });
});

describe('openTensorFile', () => {
  it('takes a path or bytes', async () => {
    const path = join(MODEL, 'consolidated.00.pth');
    await using byPath = await openTensorFile(path);
    await using byBytes = await openTensorFile(new Uint8Array(readFileSync(path)));
    expect(byPath.tensors.map(({ name }) => name)).toEqual(byBytes.tensors.map(({ name }) => name));
    expect((await failure(openTensorFile('./nothing.pth'))).code).toBe('source/not-found');
  });
});

describe('openModel', () => {
  it('takes a path or a folder', async () => {
    await using byPath = await openModel(MODEL);
    await using byFolder = await openModel(await openDirectory(MODEL));
    expect(byPath.config).toEqual(byFolder.config);
  });

  it('finds the tokenizer in the folder above', async () => {
    const download = temporaryFolder();
    const model = join(download, '7B');
    cpSync(modelFolder('llama2-tiny'), model, { recursive: true });
    renameSync(join(model, 'tokenizer.model'), join(download, 'tokenizer.model'));
    await using opened = await openModel(model);
    expect(opened.vocabulary?.kind).toBe('sentencepiece');
  });

  it('names the checkpoints of a folder that is none itself', async () => {
    const model = copyOfModel('llama1-tiny');
    const error = await failure(openModel(join(model, '..')));
    expect(error).toMatchObject({ code: 'llama/several-models', hint: `name the one in it: ${model}` });
    expect((await failure(openModel(temporaryFolder()))).code).toBe('llama/no-model');
  });

  it('opens pairs, with the rope factor only for those that do not state one', async () => {
    const gguf = join(temporaryFolder(), 'x.gguf');
    {
      await using model = await openModel(MODEL);
      await convert(model, gguf, { to: 'gguf' });
    }
    const { a, b } = await openModelPair(MODEL, gguf, { ropeFactor: 32 });
    expect([a.config.ropeScaling?.factor, b.config.ropeScaling?.factor]).toEqual([32, 8]);
    await a.close();
    await b.close();
    expect((await failure(openModelPair(MODEL, './nothing'))).code).toBe('source/not-found');
  });
});

describe('inspect', () => {
  it('lists the GGUF files of a folder', async () => {
    const place = temporaryFolder();
    {
      await using model = await openModel(MODEL);
      for (const name of ['a.gguf', 'b.gguf']) await convert(model, join(place, name), { to: 'gguf' });
    }
    const found = await inspect(place);
    expect(found.kind === 'several' && found.checkpoints.map(({ inspection }) => inspection?.name)).toEqual(['a', 'b']);
    expect((await failure(openModel(place))).code).toBe('llama/several-models');
  });

  it('inspects a folder with one GGUF file, and the file', async () => {
    const path = join(temporaryFolder(), 'a.gguf');
    await using model = await openModel(MODEL);
    await convert(model, path, { to: 'gguf' });
    for (const place of [path, join(path, '..')]) {
      const found = await inspect(place);
      expect(found.kind === 'one' && found.inspection).toMatchObject({ layout: 'gguf', byteLength: 2_789_728 });
    }
  });

  it('lists the tensors of a GGUF file that is no Llama', async () => {
    const path = join(temporaryFolder(), 'a.gguf');
    {
      await using model = await openModel(MODEL);
      await convert(model, path, { to: 'gguf' });
    }
    const bytes = readFileSync(path);
    const key = bytes.indexOf('llama', bytes.indexOf('general.architecture') + 20);
    bytes.write('gemma', key);
    writeFileSync(path, bytes);
    const found = await inspect(path);
    expect(found.kind === 'one' && found.inspection).toMatchObject({
      ...{ layout: 'file', config: undefined },
      notes: ['no model was recognised: general.architecture is "gemma", only "llama" can be read'],
    });
    bytes.writeUInt32LE(99, 4);
    writeFileSync(path, bytes);
    expect((await failure(inspect(path))).code).toMatch(/^gguf\//);
  });

  it('mentions checkpoints inside a checkpoint, as Hugging Face has them in `original`', async () => {
    const model = copyOfModel('llama1-tiny');
    cpSync(modelFolder('llama1-tiny'), join(model, 'original'), { recursive: true });
    const found = await inspect(model);
    expect(found.kind === 'one' && found.inside).toEqual([join(model, 'original')]);
  });

  it('says so when there is nothing', async () => {
    expect((await failure(inspect(temporaryFolder()))).code).toBe('llama/no-model');
    const empty = join(temporaryFolder(), 'empty.pth');
    writeFileSync(empty, '');
    expect((await failure(inspect(empty))).code).toBe('source/empty');
  });
});

describe('findCheckpointPaths', () => {
  it('sees through links, and past folders that cannot be read', async () => {
    const place = temporaryFolder();
    symlinkSync(MODEL, join(place, 'linked'));
    symlinkSync(join(place, 'gone'), join(place, 'broken'));
    mkdirSync(join(place, 'empty'));
    expect(await findCheckpointPaths(place)).toEqual([join(place, 'linked')]);
  });
});

describe('inspectEach', () => {
  it('stops when aborted', async () => {
    const stopped = inspectEach([MODEL], { signal: AbortSignal.abort(new Error('enough')) });
    await expect(stopped).rejects.toThrow('enough');
  });
});

describe('verifyFolder and listTensors', () => {
  it('take a path or what was opened', async () => {
    const byPath = await verifyFolder(MODEL);
    const byFolder = await verifyFolder(await openDirectory(MODEL));
    expect(byPath).toEqual(byFolder);
    expect(byPath.verdict).toBe('intact');
    expect((await failure(verifyFolder(join(MODEL, 'params.json')))).code).toBe('source/not-a-folder');

    await using file = await openTensorFile(join(MODEL, 'consolidated.00.pth'));
    const hashed = await listTensors([file], { hash: 'sha256' });
    expect(await listTensors(MODEL, { hash: 'sha256' })).toEqual(hashed);
    expect((await listTensors(MODEL))[0]?.sha256).toBeUndefined();
  });
});
