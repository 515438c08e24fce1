import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { planGguf } from '../formats/gguf/plan.js';
import { planSafetensors } from '../formats/safetensors/plan.js';
import { openTorchFile } from '../formats/torch/torch-file.js';
import { SourceError } from '../source/byte-source.js';
import { openDirectory } from '../source/directory.js';
import { type Folder, memoryFolder } from '../source/folder.js';
import { memorySource } from '../source/memory.js';
import { TEXT_MODELS, modelFolder } from '../testing/fixtures.js';
import { countingSource, failingSource } from '../testing/sources.js';
import { type Py, pickleOf, storageId, tensorV2, torchBytes } from '../testing/torch-bytes.js';
import { makeWithJszip, readWithYauzl } from '../testing/zip.js';
import { crc32InNode } from './crc32-node.js';
import type { DeepFile, DeepReport } from './deep-report.js';
import { verifyDeep } from './verify-deep.js';

const MODEL = modelFolder('llama3.2-tiny');

/** What a single file of that name and content gives. */
async function look(bytes: Uint8Array, name = 'x.pth'): Promise<DeepFile & Pick<DeepReport, 'verdict'>> {
  const { verdict, files } = await verifyDeep(memoryFolder({ [name]: bytes }));
  expect(files).toHaveLength(1);
  return { verdict, ...files[0]! };
}

const bytesOf = (values: ArrayBufferView): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** A file of one tensor `t` of float32 numbers, read with these strides. */
function floats(
  values: readonly number[],
  shape: readonly number[],
  stride: readonly number[],
  offset = 0,
): Promise<Uint8Array> {
  const storage = storageId('torch.FloatStorage', '0', values.length);
  const root: Py = { dict: [['t', tensorV2(storage, offset, [...shape], [...stride])]] };
  return torchBytes(root, { 'data/0': bytesOf(Float32Array.from(values)) });
}

/** Bytes in which those from `at` on are replaced. */
function patched(bytes: Uint8Array, at: number, ...changed: readonly number[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.set(changed, at);
  return copy;
}

describe('members', () => {
  it.each([...TEXT_MODELS, 'llama3.2-vision-tiny'])('of %s have their checksums', async (name) => {
    const report = await verifyDeep(await openDirectory(modelFolder(name)), { crc32: crc32InNode });
    expect(report.verdict).toBe('sound');
    expect(report.files.length).toBeGreaterThan(0);
    for (const { name: file, members, error, skipped, tensors } of report.files) {
      const listed = await readWithYauzl(readFileSync(join(modelFolder(name), file)));
      expect(members).toEqual({ count: listed.length, withoutChecksum: 0, damaged: [] });
      expect([error, skipped]).toEqual([undefined, []]);
      expect(tensors.filter(({ nan, infinite }) => nan + infinite > 0)).toEqual([]);
    }
  });

  it('tell where a byte was flipped, and which tensors lie there', async () => {
    const whole = readFileSync(join(MODEL, 'consolidated.00.pth'));
    await using file = await openTorchFile(memorySource(whole));
    await file.locate();
    const offsets = file.tensors.map(({ fileOffset }) => fileOffset!);
    for (const at of [offsets[0]!, offsets[5]! + 77, ...Array.from({ length: 12 }, (_, i) => 3000 + i * 222_222)]) {
      const bytes = patched(whole, at, whole[at]! ^ 0x10);
      const damaged = (await readWithYauzl(bytes)).filter(({ data, crc32: stated }) => crc32(data) !== stated);
      const names = file.tensors.filter((_, i) => offsets[i]! <= at && at < offsets[i]! + file.tensors[i]!.shape.reduce((a, b) => a * b, 2)); // prettier-ignore
      const { members, verdict } = await look(bytes);
      expect(members?.damaged).toEqual(
        damaged.map(({ name, data, crc32: stated }) => ({
          ...{ name, fault: 'checksum', error: undefined },
          expected: stated.toString(16).padStart(8, '0'),
          found: crc32(data).toString(16).padStart(8, '0'),
          tensors: names.map((tensor) => tensor.name),
        })),
      );
      expect(verdict).toBe(damaged.length > 0 ? 'failed' : 'sound');
    }
  });

  it('are named with every tensor that shares them', async () => {
    const whole = readFileSync(join(MODEL, 'consolidated.00.pth'));
    await using file = await openTorchFile(memorySource(whole));
    await file.locate();
    const { members } = await look(patched(whole, file.tensors[0]!.fileOffset!, 0x55, 0x55));
    expect(members?.damaged.map(({ tensors }) => tensors)).toEqual([['tok_embeddings.weight', 'output.weight']]);
  });

  it('may have no checksum, which is not held against them', async () => {
    const bytes = await floats([1, 2], [2], [1]);
    const without = await withoutChecksums(bytes);
    expect(await look(without)).toMatchObject({
      verdict: 'sound',
      members: { count: 2, withoutChecksum: 2, damaged: [] },
    });
    expect((await look(patched(without, (await placeOf(without, 'archive/data/0')) + 1, 9))).verdict).toBe('sound');
  });

  it('have one that was taken away when only the directory says 0', async () => {
    const bytes = await floats([1, 2], [2], [1]);
    const at = indexOf(bytes, [0x50, 0x4b, 1, 2]) + 16;
    const { verdict, members } = await look(patched(bytes, at, 0, 0, 0, 0));
    expect(verdict).toBe('failed');
    expect(members).toMatchObject({
      withoutChecksum: 0,
      damaged: [{ name: 'archive/data.pkl', expected: '00000000' }],
    });
  });

  it('that cannot be read do not hide the others', async () => {
    const bytes = await torchBytes(
      { dict: ['a', 'b', 'c'].map((name, i): readonly [Py, Py] => [name, tensorV2(storageId('torch.FloatStorage', String(i), 1), 0, [1], [1])]) }, // prettier-ignore
      {
        'data/0': bytesOf(Float32Array.of(1)),
        'data/1': bytesOf(Float32Array.of(2)),
        'data/2': bytesOf(Float32Array.of(NaN)),
      },
    );
    const name = new TextEncoder().encode('archive/data/1');
    const report = await look(patched(bytes, indexOf(bytes, [...name]), 0x41));
    expect(report.verdict).toBe('failed');
    expect(report.members).toMatchObject({
      count: 4,
      damaged: [
        {
          ...{ name: 'archive/data/1', fault: 'unreadable', found: null, tensors: ['b'] },
          error: { code: 'zip/bad-local-header' },
        },
      ],
    });
    expect(report.tensors.map((tensor) => [tensor.name, tensor.nan])).toEqual([['a', 0], ['c', 1]]); // prettier-ignore
    expect(report.skipped).toEqual([{ name: 'b', reason: 'unreadable' }]);
  });

  it('are looked at when the pickle is broken, too', async () => {
    const bytes = await floats([1, 2], [2], [1]);
    const at = (await placeOf(bytes, 'archive/data.pkl')) + 2;
    const report = await look(patched(bytes, at, 0xff));
    expect(report).toMatchObject({ verdict: 'failed', error: { code: 'pickle/unknown-opcode' }, tensors: [], skipped: [] }); // prettier-ignore
    expect(report.members?.damaged).toMatchObject([{ name: 'archive/data.pkl', fault: 'checksum', tensors: [] }]);
  });

  it('may be packed, and broken so that they cannot be unpacked', async () => {
    const records = Object.fromEntries((await readWithYauzl(await floats([1, Infinity, 0, 0], [2], [1]))).map(({ name, data }) => [name, data])); // prettier-ignore
    const packed = await makeWithJszip(records, { deflate: true });
    const whole = await look(packed);
    expect(whole).toMatchObject({
      verdict: 'failed',
      members: { count: 2, damaged: [] },
      tensors: [{ infinite: 1, count: 2 }],
    });
    const broken = await look(patched(packed, await placeOf(packed, 'archive/data/0'), 0xff, 0xff));
    expect(broken.members?.damaged).toMatchObject([
      { name: 'archive/data/0', fault: 'unreadable', tensors: ['t'], error: { code: 'zip/bad-data' } },
    ]);
    expect(broken.skipped).toEqual([{ name: 't', reason: 'unreadable' }]);
  });

  it('of an archive that is no checkpoint are looked at', async () => {
    const report = await look(await makeWithJszip({ 'a/readme': 'text' }));
    expect(report).toMatchObject({ verdict: 'failed', members: { count: 1, damaged: [] }, error: { code: 'torch/no-pickle' } }); // prettier-ignore
  });

  it('may have something before them', async () => {
    const bytes = Uint8Array.from([...new TextEncoder().encode('junk'), ...(await floats([1, 2], [2], [1]))]);
    expect(await look(bytes)).toMatchObject({ verdict: 'sound', members: { count: 2 }, tensors: [{ count: 2 }] });
  });

  it('are held against their checksums by the implementation given', async () => {
    const folder = memoryFolder({ 'x.pth': await floats([1, 2], [2], [1]) });
    const { files } = await verifyDeep(folder, { crc32: (bytes, before) => before + bytes.byteLength });
    expect(files[0]?.members?.damaged.map(({ name, found }) => [name, found])).toEqual([
      ['archive/data.pkl', (await readWithYauzl(await floats([1, 2], [2], [1])))[0]!.data.byteLength.toString(16).padStart(8, '0')], // prettier-ignore
      ['archive/data/0', '00000008'],
    ]);
  });
});

describe('numbers', () => {
  const NOTHING = { nan: 0, infinite: 0, allZero: false, constant: false };

  it.each<[what: string, shape: number[], stride: number[], offset: number, expected: object]>([
    ['as they lie there', [5], [1], 0, { count: 5, nan: 2, infinite: 1 }],
    ['from the middle', [3], [1], 1, { count: 3, nan: 1, infinite: 1 }],
    ['transposed', [2, 2], [1, 2], 0, { count: 4, nan: 1, infinite: 1 }],
    ['every second', [3], [2], 0, { count: 3, nan: 1, infinite: 1 }],
    ['repeated, each counted once', [1000, 2], [0, 1], 3, { count: 2, nan: 1, infinite: 0 }],
    ['none', [0, 5], [5, 1], 0, { count: 0, nan: 0, infinite: 0 }],
  ])('are counted %s', async (_what, shape, stride, offset, expected) => {
    const { tensors, verdict } = await look(await floats([1, NaN, -Infinity, 0, NaN], shape, stride, offset));
    expect(tensors).toEqual([{ ...NOTHING, name: 't', dtype: 'float32', shape, unit: 'numbers', ...expected }]);
    expect(verdict).toBe('nan' in expected && expected.nan === 0 ? 'sound' : 'failed');
  });

  it('of big-endian files are turned around', async () => {
    const root: Py = { dict: [['t', tensorV2(storageId('torch.FloatStorage', '0', 2), 0, [2], [1])]] };
    const big = Uint8Array.of(0x7f, 0xc0, 0, 0, 0x3f, 0x80, 0, 0);
    const { tensors } = await look(await torchBytes(root, { 'data/0': big, byteorder: 'big' }));
    expect(tensors).toMatchObject([{ count: 2, nan: 1, infinite: 0 }]);
  });

  it('that are all zero, or all the same, are noted and no failure', async () => {
    const tensors: readonly (readonly [Py, Py])[] = [
      ['zero', tensorV2(storageId('torch.FloatStorage', '0', 6), 0, [3], [1])],
      ['same', tensorV2(storageId('torch.FloatStorage', '0', 6), 3, [3], [1])],
      ['both', tensorV2(storageId('torch.FloatStorage', '0', 6), 0, [6], [1])],
    ];
    const storage = bytesOf(Float32Array.of(0, -0, 0, 2.5, 2.5, 2.5));
    const report = await look(await torchBytes({ dict: tensors }, { 'data/0': storage }));
    expect(report.verdict).toBe('sound');
    expect(report.tensors).toMatchObject([
      { ...NOTHING, name: 'zero', allZero: true },
      { ...NOTHING, name: 'same', constant: true },
      { ...NOTHING, name: 'both' },
    ]);
  });

  it('of two names for the same bytes are counted once and shown twice', async () => {
    const tensor = tensorV2(storageId('torch.FloatStorage', '0', 3), 0, [3], [1]);
    const storage = bytesOf(Float32Array.of(NaN, 1, 2));
    const { tensors } = await look(await torchBytes({ dict: [['a', tensor], ['b', tensor]] }, { 'data/0': storage })); // prettier-ignore
    expect(tensors.map(({ name, count, nan }) => [name, count, nan])).toEqual([
      ['a', 3, 1],
      ['b', 3, 1],
    ]);
  });

  it('are counted across blocks, also where views begin and end within them', async () => {
    const count = 1_000_000;
    const values = new Float32Array(count).fill(1);
    for (const at of [0, 262_143, 262_144, 600_000, 999_999]) values[at] = NaN;
    const view = (name: string, offset: number, length: number): readonly [Py, Py] => [
      name,
      tensorV2(storageId('torch.FloatStorage', '0', count), offset, [length], [1]),
    ];
    const root: Py = {
      dict: [view('all', 0, count), view('late', 600_001, 399_999), view('over', 262_143, 2), view('one', 0, 1), view('inside', 300_000, 10)], // prettier-ignore
    };
    const { tensors } = await look(await torchBytes(root, { 'data/0': bytesOf(values) }));
    expect(tensors.map(({ name, count: numbers, nan }) => [name, numbers, nan])).toEqual([
      ['all', count, 5],
      ['late', 399_999, 1],
      ['over', 2, 2],
      ['one', 1, 1],
      ['inside', 10, 0],
    ]);
  });

  it('of safetensors are counted in one pass, however long a row is', async () => {
    const plan = planSafetensors([
      { name: 'row', dtype: 'bfloat16', shape: [1_500_001] },
      { name: 'flags', dtype: 'bool', shape: [3] },
    ]);
    const file = new Uint8Array(plan.byteLength);
    file.set(plan.header);
    const row = plan.tensors.find(({ name }) => name === 'row')!;
    new DataView(file.buffer).setUint16(row.fileOffset + 2 * 1_500_000, 0x7fc0, true);
    new DataView(file.buffer).setUint16(row.fileOffset + 2 * 524_288, 0xff80, true);
    const source = countingSource(memorySource(file));
    const { files, verdict } = await verifyDeep(oneFile('model.safetensors', source));
    expect(verdict).toBe('failed');
    expect(files[0]).toMatchObject({ members: undefined, error: undefined, skipped: [] });
    expect(files[0]?.tensors).toEqual([
      {
        ...NOTHING,
        name: 'row',
        dtype: 'BF16',
        shape: [1_500_001],
        unit: 'numbers',
        count: 1_500_001,
        nan: 1,
        infinite: 1,
      },
      {
        ...NOTHING,
        name: 'flags',
        dtype: 'BOOL',
        shape: [3],
        unit: 'numbers',
        count: 3,
        allZero: true,
        constant: true,
      },
    ]);
    expect(Math.max(...source.reads.map(([, length]) => length))).toBeLessThanOrEqual(1 << 20);
    const read = source.reads.reduce((sum, [, length]) => sum + length, 0);
    expect(read).toBeLessThan(file.byteLength + 20_000);
  });

  it('of GGUF are counted by blocks where they are quantized', async () => {
    const plan = planGguf({
      metadata: [],
      tensors: [
        { name: 'q', dtype: 'q8_0', shape: [40_000, 32] },
        { name: 'f', dtype: 'float32', shape: [2] },
      ],
    });
    const file = new Uint8Array(plan.byteLength);
    file.set(plan.header);
    const [q, f] = plan.tensors.map(({ fileOffset }) => fileOffset) as [number, number];
    for (const [at, bits] of [
      [0, 0x3c00],
      [30_840, 0x7e00],
      [30_841, 0xfc00],
      [39_999, 0x7e00],
    ] as const) {
      // prettier-ignore
      new DataView(file.buffer).setUint16(q + 34 * at, bits, true);
    }
    new DataView(file.buffer).setFloat32(f, 3, true);
    const { tensors, verdict } = await look(file, 'x.gguf');
    expect(verdict).toBe('failed');
    expect(tensors).toEqual([
      { ...NOTHING, name: 'q', dtype: 'Q8_0', shape: [40_000, 32], unit: 'blocks', count: 40_000, nan: 2, infinite: 1 },
      { ...NOTHING, name: 'f', dtype: 'F32', shape: [2], unit: 'numbers', count: 2 },
    ]);
  });

  it('of files in the form before PyTorch 1.6 are counted', async () => {
    const magic = Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e);
    const storage = storageId('torch.FloatStorage', '7', 4);
    const root: Py = {
      dict: [
        ['plain', tensorV2(storage, 0, [4], [1])],
        ['turned', tensorV2(storage, 0, [2, 2], [1, 2])],
        ['meta', { call: 'torch._utils._rebuild_meta_tensor_no_storage', args: [{ global: 'torch.float32' }, [2], [1], false] }], // prettier-ignore
      ],
    };
    const parts = [magic, pickleOf(1001), pickleOf({ dict: [] }), pickleOf(root), pickleOf({ list: ['7'] })];
    const values = Float32Array.of(1, NaN, 3, 4);
    const file = Buffer.concat([...parts, bytesOf(BigUint64Array.of(4n)), bytesOf(values)]);
    const report = await look(file);
    expect(report.members).toBeUndefined();
    expect(report.tensors.map(({ name, count, nan }) => [name, count, nan])).toEqual([
      ['plain', 4, 1],
      ['turned', 4, 1],
    ]);
    expect(report.skipped).toEqual([{ name: 'meta', reason: 'no-numbers' }]);
  });

  it('are not looked at again and again, however many tensors claim them', async () => {
    const elements = 1 << 18;
    const storage = storageId('torch.FloatStorage', '0', elements);
    const views = Array.from({ length: 100 }, (_, i): readonly [Py, Py] => [`v${i}`, tensorV2(storage, i, [elements - i], [1])]); // prettier-ignore
    const overlapping: readonly [Py, Py] = ['square', tensorV2(storage, 0, [65_536, 65_536], [1, 1])];
    const root: Py = { dict: [...views, overlapping] };
    const report = await look(await torchBytes(root, { 'data/0': new Uint8Array(4 * elements) }));
    expect(report.verdict).toBe('sound');
    expect(report.tensors).toHaveLength(64);
    expect(report.skipped).toHaveLength(37);
    expect(report.skipped.at(-1)).toEqual({ name: 'square', reason: 'too-many-views' });
  });
});

describe('verifyDeep', () => {
  it('looks at files of tensors only', async () => {
    const text = new TextEncoder().encode('text');
    const report = await verifyDeep(memoryFolder({ 'notes.txt': text, 'tokenizer.model': text, 'params.json': text }));
    expect(report).toEqual({ verdict: 'sound', files: [] });
  });

  it('says of each file why it could not be looked at', async () => {
    const page = new TextEncoder().encode('<!DOCTYPE html><html><title>Access Denied</title></html>');
    const cut = (await floats([1, 2], [2], [1])).subarray(0, -30);
    const files = {
      'a.pth': page,
      'b.pth': cut,
      'c.safetensors': new Uint8Array(5),
      'd.pth': await floats([1], [1], [1]),
    };
    const report = await verifyDeep(memoryFolder(files));
    expect(report.verdict).toBe('failed');
    expect(report.files.map(({ name, error, tensors }) => [name, error?.code, tensors.length])).toEqual([
      ['a.pth', 'source/html-page', 0],
      ['b.pth', 'zip/no-end-record', 0],
      ['c.safetensors', 'source/all-zero', 0],
      ['d.pth', undefined, 1],
    ]);
  });

  it('finds a file that cannot be opened or read, whichever read fails', async () => {
    const bytes = await floats([1, 2, 3, 4], [2, 2], [1, 2]);
    const counting = countingSource(memorySource(bytes));
    await verifyDeep(oneFile('x.pth', counting));
    expect(counting.reads.length).toBeGreaterThan(4);
    for (let n = 0; n < counting.reads.length; n++) {
      const { verdict, files } = await verifyDeep(oneFile('x.pth', failingSource(memorySource(bytes), n)));
      expect([n, verdict, files[0]?.error?.code]).toEqual([n, 'failed', 'source/read-failed']);
    }
    const gone: Folder = {
      ...memoryFolder({ 'x.pth': bytes }),
      open: async () => {
        throw new SourceError('source/permission', 'reading it is not permitted');
      },
    };
    expect((await verifyDeep(gone)).files[0]?.error?.code).toBe('source/permission');
  });

  it('tells how far it has come, in bytes of all files', async () => {
    const bytes = await floats(Array<number>(600_000).fill(1), [600_000], [1]);
    const turned = await floats([1, 2, 3, 4], [2, 2], [1, 2]);
    const steps: number[] = [];
    await verifyDeep(memoryFolder({ 'a.pth': bytes, 'b.pth': turned }), {
      onProgress: ({ phase, item, done, total }) => {
        expect([phase, total]).toEqual(['look', bytes.byteLength + turned.byteLength]);
        expect(item).toBe(done <= bytes.byteLength ? 'a.pth' : 'b.pth');
        steps.push(done);
      },
    });
    expect(steps.length).toBeGreaterThan(3);
    expect([...steps].sort((a, b) => a - b)).toEqual(steps);
    expect(steps.at(-1)).toBeLessThanOrEqual(bytes.byteLength + turned.byteLength);
  });

  it('stops when it is told to', async () => {
    const controller = new AbortController();
    const folder = memoryFolder({ 'a.pth': await floats(Array<number>(600_000).fill(1), [600_000], [1]) });
    const onProgress = (): void => controller.abort(new Error('enough'));
    await expect(verifyDeep(folder, { signal: controller.signal, onProgress })).rejects.toThrow('enough');
    await expect(verifyDeep(folder, { signal: controller.signal })).rejects.toThrow('enough');
  });
});

/** A folder of one file that is read from that source. */
function oneFile(name: string, source: ReturnType<typeof memorySource>): Folder {
  return { ...memoryFolder({}), list: async () => [{ name, size: source.size }], open: async () => source };
}

function indexOf(bytes: Uint8Array, sequence: readonly number[], from = 0): number {
  return Buffer.from(bytes).indexOf(Buffer.from(sequence), from);
}

/** Where the data of a member begin; reads the local header, which no test here moves. */
async function placeOf(bytes: Uint8Array, name: string): Promise<number> {
  const header = (await readWithYauzl(bytes)).find((entry) => entry.name === name)!.localHeaderOffset;
  const view = new DataView(bytes.buffer, bytes.byteOffset + header);
  return header + 30 + view.getUint16(26, true) + view.getUint16(28, true);
}

/** The archive with zeros for all checksums, as `set_crc32_options(False)` makes PyTorch write it. */
async function withoutChecksums(bytes: Uint8Array): Promise<Uint8Array> {
  const copy = Uint8Array.from(bytes);
  for (const { name, size } of await readWithYauzl(bytes)) {
    const descriptor = (await placeOf(bytes, name)) + size;
    copy.fill(0, descriptor + 4, descriptor + 8);
  }
  for (let at = indexOf(copy, [0x50, 0x4b, 1, 2]); at !== -1; at = indexOf(copy, [0x50, 0x4b, 1, 2], at + 4)) {
    copy.fill(0, at + 16, at + 20);
  }
  return copy;
}
