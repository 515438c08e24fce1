import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import type { Progress } from '../../options.js';
import { memorySink } from '../../source/byte-sink.js';
import { memorySource } from '../../source/memory.js';
import { TEXT_MODELS, modelFolder } from '../../testing/fixtures.js';
import { readWithYauzl } from '../../testing/zip.js';
import { memoryTensor } from '../../testing/synthetic-model.js';
import { tensorByteLength } from '../tensor.js';
import { serializationId } from './serialization-id.js';
import { pickleStateDict } from './state-dict-pickle.js';
import { openTorchFile } from './torch-file.js';
import { type TorchEntryWithData, planTorchFile, torchEntry, writeTorchFile } from './write.js';

const CHECKPOINTS = TEXT_MODELS.filter((model) => model !== 'llama2-tiny-2shards').flatMap((model) =>
  readdirSync(modelFolder(model))
    .filter((name) => name.endsWith('.pth'))
    .map((name) => join(modelFolder(model), name)),
);

describe('what torch.save wrote', () => {
  it.each(CHECKPOINTS)('%s comes out byte for byte when its tensors are written', async (path) => {
    const expected = readFileSync(path);
    const file = await openTorchFile(memorySource(expected));
    const sink = memorySink();
    const root = typeof file.root === 'object' && file.root?.kind === 'reduce' ? 'OrderedDict' : 'dict';
    const entries = file.tensors.map((tensor) => torchEntry(tensor, tensor.storage));
    const plan = await writeTorchFile(sink, entries, {
      archiveName: 'consolidated.00'.replace('00', /\d\d/.exec(path.slice(-6))![0]),
      root,
    });
    expect(plan.byteLength).toBe(expected.byteLength);
    expect(Buffer.from(sink.bytes()).equals(expected)).toBe(true);
    await file.locate();
    expect(plan.tensors.map((tensor) => tensor.fileOffset)).toEqual(file.tensors.map((tensor) => tensor.fileOffset));
  });
});

const numbers = (length: number): Float32Array => Float32Array.from({ length }, (_, index) => index / 3);

describe('a file of ours', () => {
  it('holds the tensors, shared ones once', async () => {
    const a = memoryTensor('a', [3, 4], numbers(12), 'float32');
    const b = memoryTensor('b', [4, 3], numbers(12), 'float32');
    const c = memoryTensor('c', [300], numbers(300), 'bfloat16');
    const scalar = memoryTensor('é', [], numbers(1), 'float16');
    const sink = memorySink();
    await writeTorchFile(sink, [torchEntry(a, 's'), torchEntry(b, 's'), torchEntry(c), torchEntry(scalar)]);
    await using file = await openTorchFile(memorySource(sink.bytes()));
    expect(file.tensors.map(({ name, dtype, shape, storage }) => [name, dtype, shape, storage])).toEqual([
      ['a', 'float32', [3, 4], '0'],
      ['b', 'float32', [4, 3], '0'],
      ['c', 'bfloat16', [300], '1'],
      ['é', 'float16', [], '2'],
    ]);
    for (const [index, tensor] of [a, b, c, scalar].entries()) {
      const length = tensorByteLength(tensor);
      expect(await file.tensors[index]!.readBytes(0, length)).toEqual(
        await tensor.readRows(0, tensor.shape.length === 2 ? tensor.shape[0]! : 1),
      );
    }
    expect((await readWithYauzl(sink.bytes())).map(({ name }) => name)).toEqual([
      'archive/data.pkl',
      'archive/.format_version',
      'archive/.storage_alignment',
      'archive/byteorder',
      'archive/data/0',
      'archive/data/1',
      'archive/data/2',
      'archive/version',
      'archive/.data/serialization_id',
    ]);
  });

  it('has types without a storage class as untyped bytes', async () => {
    const entry = (name: string, dtype: 'float8_e4m3fn' | 'uint16', bytes: number[]): TorchEntryWithData => ({
      ...{ name, dtype, shape: [2] },
      produce: () => [Uint8Array.from(bytes)],
    });
    const sink = memorySink();
    await writeTorchFile(sink, [entry('f', 'float8_e4m3fn', [1, 2]), entry('u', 'uint16', [1, 0, 2, 0])]);
    const { tensors, storages } = await openTorchFile(memorySource(sink.bytes()));
    expect(tensors.map(({ dtype, storedDtype }) => [dtype, storedDtype])).toEqual([
      ['float8_e4m3fn', 'float8_e4m3fn'],
      ['uint16', 'uint16'],
    ]);
    expect(storages.map(({ className, elementCount }) => [className, elementCount])).toEqual([
      ['torch.storage.UntypedStorage', 2],
      ['torch.storage.UntypedStorage', 4],
    ]);
    expect([...(await tensors[1]!.readBytes(0, 4))]).toEqual([1, 0, 2, 0]);
  });

  it('is written with progress, and stops when told to', async () => {
    const tensors = ['a', 'b'].map((name) => torchEntry(memoryTensor(name, [4], numbers(4), 'float32')));
    const steps: Progress[] = [];
    const plan = await writeTorchFile(memorySink(), tensors, { onProgress: (progress) => steps.push(progress) });
    expect(steps.map(({ phase, item, total }) => [phase, item, total])).toEqual([
      ['write', 'a', plan.byteLength],
      ['write', 'b', plan.byteLength],
    ]);
    expect(steps[0]!.done).toBe(plan.tensors[0]!.fileOffset + 16);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(writeTorchFile(memorySink(), tensors, { signal })).rejects.toThrow('enough');
    const unheeded: TorchEntryWithData = { name: 'a', dtype: 'uint8', shape: [1], produce: () => [Uint8Array.of(1)] };
    await expect(writeTorchFile(memorySink(), [unheeded], { signal })).rejects.toThrow('enough');
  });

  it('is refused when a tensor is shorter than its shape', async () => {
    const entry: TorchEntryWithData = { name: 'a', dtype: 'float32', shape: [2], produce: () => [new Uint8Array(4)] };
    await expect(writeTorchFile(memorySink(), [entry])).rejects.toMatchObject({ code: 'zip/bad-write' });
  });
});

describe('planTorchFile', () => {
  it('knows the place of every byte of what torch.save wrote beyond 4 GiB', () => {
    const plan = planTorchFile(
      [
        { name: 'a', dtype: 'uint8', shape: [2 ** 32 + 100] },
        { name: 'b', dtype: 'float32', shape: [10] },
        { name: 'e', dtype: 'float32', shape: [0] },
      ],
      { archiveName: 'big1' },
    );
    expect(plan.pickle.byteLength).toBe(306);
    expect(plan.byteLength).toBe(4_294_969_426);
    expect(plan.tensors.map(({ fileOffset }) => fileOffset)).toEqual([0x340, 0x100000400, 0x100000480]);
  });

  it.each([
    [
      'two names alike',
      [
        { name: 'a', dtype: 'float32', shape: [1] },
        { name: 'a', dtype: 'float32', shape: [1] },
      ],
    ],
    ['a type of ggml', [{ name: 'a', dtype: 'q8_0', shape: [32] }]],
    ['a quantized type', [{ name: 'a', dtype: 'qint8', shape: [32] }]],
    [
      'a storage of two types',
      [
        { name: 'a', dtype: 'int8', shape: [4], storage: 's' },
        { name: 'b', dtype: 'uint8', shape: [4], storage: 's' },
      ],
    ],
    [
      'a storage of two sizes',
      [
        { name: 'a', dtype: 'int8', shape: [4], storage: 's' },
        { name: 'b', dtype: 'int8', shape: [5], storage: 's' },
      ],
    ],
  ] as const)('refuses %s', (_, entries) => {
    expect(() => planTorchFile(entries)).toThrow(expect.objectContaining({ code: 'torch/bad-write' }) as Error);
  });
});

describe('the pickle', () => {
  const tensor = (name: string, elements: number, storage = '0'): Parameters<typeof pickleStateDict>[0][number] => ({
    ...{ name, dtype: 'float32', shape: [elements], storage, storageSize: elements },
  });
  const many = (count: number): ReturnType<typeof tensor>[] =>
    Array.from({ length: count }, (_, index) => tensor(`k${String(index).padStart(5, '0')}`, 1, String(index)));
  /** Number of opcodes that open a batch of items; offsets of data in these pickles never hold the bytes by chance. */
  const batches = (pickle: Uint8Array): number =>
    pickle.reduce(
      (sum, byte, at) => sum + (byte === 0x75 && (at === pickle.length - 2 || pickle[at + 1] === 0x28) ? 1 : 0),
      0,
    );

  // Lengths of data.pkl in files that torch.save of PyTorch 2.13 wrote.
  it.each([
    ['dict', 0, 6],
    ['dict', 2, 230],
    ['dict', 999, 87_158],
    ['dict', 1000, 87_248],
    ['dict', 1001, 87_337],
    ['dict', 2000, 176_250],
  ] as const)('of a %s of %i items has the length Python gives it', (root, count, length) => {
    expect(pickleStateDict(many(count), root).byteLength).toBe(length);
  });

  it('sets a thousand items at a time', () => {
    expect(batches(pickleStateDict(many(1000), 'dict'))).toBe(2);
    expect(batches(pickleStateDict(many(1000), 'OrderedDict'))).toBe(1);
    expect(pickleStateDict(many(1001), 'OrderedDict').at(-2)).toBe(0x73);
    expect(pickleStateDict(many(1001), 'dict').at(-2)).toBe(0x75);
  });

  it('writes integers as short as Python does', () => {
    // The number of elements stands behind the string "cpu" and its place in the memo.
    const tail = (elements: number): number[] => {
      const pickle = pickleStateDict([tensor('a', elements)]);
      const at = Buffer.from(pickle).indexOf('cpuq') + 5;
      return [...pickle.subarray(at, pickle.indexOf(0x74, at))];
    };
    expect(tail(255)).toEqual([0x4b, 255]);
    expect(tail(256)).toEqual([0x4d, 0, 1]);
    expect(tail(65_536)).toEqual([0x4a, 0, 0, 1, 0]);
    expect(tail(2 ** 31)).toEqual([0x8a, 5, 0, 0, 0, 0x80, 0]);
    expect(tail(2 ** 39 - 1)).toEqual([0x8a, 5, 255, 255, 255, 255, 127]);
    expect(tail(2 ** 39)).toEqual([0x8a, 6, 0, 0, 0, 0, 0x80, 0]);
  });
});

describe('the serialization id', () => {
  it('skips the checksum of empty records, as a file of torch.save with an empty tensor shows', () => {
    const records = [
      { name: 'data.pkl', byteLength: 372, crc32: 0 },
      { name: '.format_version', byteLength: 1, crc32: 0x83dcefb7 },
      { name: '.storage_alignment', byteLength: 2, crc32: 0xe971773f },
      { name: 'byteorder', byteLength: 6, crc32: 0x19e33d85 },
      ...[0, 1, 2, 3].map((key) => ({ name: `data/${key}`, byteLength: key, crc32: 0 })),
      { name: 'version', byteLength: 2, crc32: 0x55679ed1 },
    ];
    expect(serializationId(records).slice(0, 20)).toBe('10778627297998541625');
    const withoutEmpty = serializationId(
      records.map((record) => (record.byteLength === 0 ? { ...record, crc32: 77 } : record)),
    );
    expect(withoutEmpty).toBe(serializationId(records));
  });
});
