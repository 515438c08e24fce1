/**
 * Every format cut off at every byte, and read from a disk that fails at every read.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { CheckpointError } from '../errors.js';
import { type ByteSource, SourceError } from '../source/byte-source.js';
import { type Folder, memoryFolder } from '../source/folder.js';
import { memorySource } from '../source/memory.js';
import { exerciseFile } from '../testing/exercise.js';
import { failingSource } from '../testing/failing-source.js';
import { FIXTURES } from '../testing/fixtures.js';
import { THREE_PARTS } from '../testing/gguf-parts.js';
import { countingFolder, ggufBytes, safetensorsBytes } from '../testing/small-checkpoints.js';
import { openGgufParts } from './gguf/open-parts.js';
import { openTensorFile } from './open.js';

const zoo = (name: string): Uint8Array => new Uint8Array(readFileSync(join(FIXTURES, 'zoo', name)));
const SHAPES = { a: [2, 3], b: [4, 2] };

interface Format {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Bytes from which on the format is recognised. */
  readonly known: number;
  /** Bytes from which on the end can be computed, and with it how many are missing. */
  readonly endKnown?: number;
}

/** A tensor that is padded at its end is whole without the padding. */
const gguf = ggufBytes([{ key: 'k', type: 'arr[str]', value: ['x', 'yz'] }], SHAPES);
const safetensors = safetensorsBytes(SHAPES);
const headerLength = new DataView(safetensors.buffer).getUint32(0, true);

const FORMATS: readonly Format[] = [
  { name: 'torch zip', bytes: zoo('dtype_float32.pt'), known: 4 },
  { name: 'deflated torch zip', bytes: zoo('zip_deflated.pt'), known: 4 },
  { name: 'torch legacy', bytes: zoo('format_legacy_p2.pt'), known: 2 },
  { name: 'safetensors', bytes: safetensors, known: 10, endKnown: 8 + headerLength },
  { name: 'GGUF', bytes: gguf, known: 4, endKnown: gguf.length - 64 },
];

const failure = (opening: Promise<unknown>): Promise<unknown> =>
  opening.then(
    () => 'read',
    (error: unknown) => error,
  );

describe.each(FORMATS)('$name', ({ bytes, known, endKnown = Infinity }) => {
  it('cut off at any byte is refused, and said to be cut off', async () => {
    for (let length = 0; length < bytes.length; length++) {
      const error = await failure(openTensorFile(memorySource(bytes.subarray(0, length), 'x')));
      expect(error, `cut off at byte ${length}`).toBeInstanceOf(CheckpointError);
      const { code, message, hint } = error as CheckpointError;
      if (length < known) {
        expect(code).toBe(length === 0 ? 'source/empty' : 'source/unrecognised');
        continue;
      }
      const said = `${message}; ${hint ?? ''}`;
      expect(said).toMatch(/cut off|the file ends inside its header|are missing/);
      expect(said).toMatch(/download/);
      if (length >= endKnown) expect(said).toContain(`${bytes.length - length} bytes are missing`);
    }
  });

  it('gives the error of a disk that fails at any read, and its handle back', async () => {
    const whole = failingSource(bytes);
    await using file = await openTensorFile(whole);
    const opening = whole.reads();
    await exerciseFile(file);
    const all = whole.reads();
    expect(all).toBeGreaterThan(opening);
    for (let n = 1; n <= all; n++) {
      const { source, isClosed } = watched(failingSource(bytes, n));
      const reading = openTensorFile(source).then(async (opened) => {
        expect(n, 'opening went on after a failed read').toBeGreaterThan(opening);
        await exerciseFile(opened).finally(() => opened.close());
      });
      const error = await failure(reading);
      expect(error, `read ${n}`).toBeInstanceOf(SourceError);
      expect(error).toMatchObject({ code: 'source/read-failed', message: 'the disk is gone' });
      expect(isClosed(), `closed after read ${n} failed`).toBe(true);
    }
  });
});

describe('split GGUF', () => {
  const files = THREE_PARTS;
  const names = Object.keys(files);

  it.each(names)('of which %s is cut off at any byte is refused, all parts closed again', async (name) => {
    const part = files[name]!;
    for (let length = 0; length < part.length; length++) {
      const folder = countingFolder(memoryFolder({ ...files, [name]: part.subarray(0, length) }));
      const error = await failure(openGgufParts(folder, names[0]!));
      if (error === 'read') {
        // an empty part needs no padding
        expect(part.length - length).toBeLessThan(32);
        expect(name).toBe(names[1]);
        continue;
      }
      expect(error, `cut off at byte ${length}`).toBeInstanceOf(CheckpointError);
      expect((error as CheckpointError).path).toContain(name);
      if (length >= 4) expect(error).toMatchObject({ code: 'gguf/truncated' });
      expect(folder.openFiles()).toBe(0);
    }
  });

  it.each(names)('of which the disk of %s fails at any read gives its error, all parts closed again', async (name) => {
    for (let n = 1, isOver = false; !isOver; n++) {
      let reads = 0;
      const folder = countingFolder(
        withFailing(memoryFolder(files), name, () => {
          reads += 1;
          return reads === n;
        }),
      );
      const reading = openGgufParts(folder, names[0]!).then((file) => exerciseFile(file).finally(() => file.close()));
      const error = await failure(reading);
      isOver = reads < n;
      if (isOver) expect(error).toBe('read');
      else expect(error).toMatchObject({ code: 'source/read-failed', message: 'the disk is gone' });
      expect(folder.openFiles()).toBe(0);
    }
  });
});

/** The folder with one file whose reads fail when `fails` says so. */
function withFailing(folder: Folder, name: string, fails: () => boolean): Folder {
  const open = async (opened: string): Promise<ByteSource> => {
    const source = await folder.open(opened);
    if (opened !== name) return source;
    const expectDisk = (): void => {
      if (fails()) throw new SourceError('source/read-failed', 'the disk is gone');
    };
    return {
      ...source,
      read: async (offset, length) => {
        expectDisk();
        return source.read(offset, length);
      },
      readInto: async (offset, target) => {
        expectDisk();
        await source.readInto(offset, target);
      },
    };
  };
  return { ...folder, open };
}

/** The source, and whether it has been closed. */
function watched(source: ByteSource): { source: ByteSource; isClosed: () => boolean } {
  let closed = false;
  const close = async (): Promise<void> => {
    closed = true;
  };
  return { source: { ...source, close, [Symbol.asyncDispose]: close }, isClosed: () => closed };
}
