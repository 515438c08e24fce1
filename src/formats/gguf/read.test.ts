import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { memorySource } from '../../source/memory.js';
import { failingSource } from '../../testing/failing-source.js';
import type { GgufArray } from './array.js';
import { GgufError } from './gguf-error.js';
import { readMetadataValues } from './metadata.js';
import { planGguf } from './plan.js';
import { type GgufFile, openGgufFile } from './read.js';

/** Fields written one after the other, by the specification and not by the code under test. */
function u8(value: number): number[] {
  return [value];
}
function u32(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
}
function u64(value: number | bigint): number[] {
  const big = BigInt.asUintN(64, BigInt(value));
  return [...u32(Number(big & 0xffffffffn)), ...u32(Number(big >> 32n))];
}
function str(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [...u64(bytes.byteLength), ...bytes];
}
const [U8, U32, BOOL, STR, ARR, U64, I64] = [0, 4, 7, 8, 9, 10, 11].map(u32) as [number[], number[], number[], number[], number[], number[], number[]]; // prettier-ignore

interface Parts {
  magic?: string;
  version?: number[];
  tensorCount?: number[];
  pairCount?: number[];
  /** Bytes of each pair. */
  pairs?: number[][];
  /** Bytes of each entry of the list of tensors. */
  tensors?: number[][];
  /** Bytes after the padding. */
  dataLength?: number;
  alignment?: number;
}

function file(parts: Parts): Uint8Array {
  const { pairs = [], tensors = [], dataLength = 0, alignment = 32 } = parts;
  const head = [
    ...new TextEncoder().encode(parts.magic ?? 'GGUF'),
    ...(parts.version ?? u32(3)),
    ...(parts.tensorCount ?? u64(tensors.length)),
    ...(parts.pairCount ?? u64(pairs.length)),
    ...pairs.flat(),
    ...tensors.flat(),
  ];
  const bytes = new Uint8Array(Math.ceil(head.length / alignment) * alignment + dataLength);
  bytes.set(head);
  for (let i = 0; i < dataLength; i++) bytes[bytes.byteLength - dataLength + i] = i;
  return bytes;
}

/** An entry of the list of tensors; extents fastest first, as in the file. */
function tensor(name: string, ne: (number | bigint)[], type: number, offset: number | bigint): number[] {
  return [...str(name), ...u32(ne.length), ...ne.flatMap(u64), ...u32(type), ...u64(offset)];
}

function open(bytes: Uint8Array): Promise<GgufFile> {
  return openGgufFile(memorySource(bytes, 'x.gguf'));
}

function arrayOf(opened: GgufFile, key: string): GgufArray {
  const value = opened.metadata.get(key)?.value;
  if (typeof value !== 'object') throw new Error(`${key} is no array`);
  return value;
}

async function refusal(bytes: Uint8Array): Promise<GgufError> {
  const error: unknown = await open(bytes).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(GgufError);
  return error as GgufError;
}

/** One pair of every type, the smallest and the largest value of each. */
const EVERY_TYPE = planGguf({
  metadata: [
    { key: 'u8', type: 'u8', value: 255 },
    { key: 'i8', type: 'i8', value: -128 },
    { key: 'u16', type: 'u16', value: 65535 },
    { key: 'i16', type: 'i16', value: -32768 },
    { key: 'u32', type: 'u32', value: 4294967295 },
    { key: 'i32', type: 'i32', value: -2147483648 },
    { key: 'f32', type: 'f32', value: 0.1 },
    { key: 'yes', type: 'bool', value: true },
    { key: 'no', type: 'bool', value: false },
    { key: 'str', type: 'str', value: '\ufeffgrüße \u0000' },
    { key: 'u64', type: 'u64', value: Number.MAX_SAFE_INTEGER },
    { key: 'i64', type: 'i64', value: -Number.MAX_SAFE_INTEGER },
    { key: 'f64', type: 'f64', value: 0.1 },
    { key: 'strings', type: 'arr[str]', value: ['\ufeffĠa', '', '▁b'] },
    { key: 'bools', type: 'arr[bool]', value: [true, false] },
    { key: 'numbers', type: 'arr[i32]', value: [1, -2, 3] },
    { key: 'scores', type: 'arr[f32]', value: Float32Array.of(-0.5, 1) },
    { key: 'wide', type: 'arr[i64]', value: [-1, 2 ** 40] },
    { key: 'small', type: 'arr[i8]', value: [-128, 127] },
    { key: 'short', type: 'arr[i16]', value: [-32768, 32767] },
    { key: 'ids', type: 'arr[u32]', value: Uint32Array.of(4294967295) },
    { key: 'double', type: 'arr[f64]', value: [0.1] },
    { key: 'large', type: 'arr[u64]', value: [2 ** 53 - 1] },
    { key: 'none', type: 'arr[u16]', value: [] },
  ],
  tensors: [
    { name: 'w', dtype: 'float16', shape: [2, 3] },
    { name: 'q', dtype: 'q8_0', shape: [2, 64] },
  ],
});
const WHOLE = new Uint8Array(EVERY_TYPE.byteLength).map((_, i) => i);
WHOLE.set(EVERY_TYPE.header);

describe('openGgufFile', () => {
  it('reads every type of value exactly and in order', async () => {
    const opened = await open(WHOLE);
    const scalars = [...opened.metadata].filter(([, { value }]) => typeof value !== 'object');
    expect(scalars.map(([key, { type, value }]) => [key, type, value])).toEqual([
      ['u8', 'u8', 255],
      ['i8', 'i8', -128],
      ['u16', 'u16', 65535],
      ['i16', 'i16', -32768],
      ['u32', 'u32', 4294967295],
      ['i32', 'i32', -2147483648],
      ['f32', 'f32', Math.fround(0.1)],
      ['yes', 'bool', true],
      ['no', 'bool', false],
      ['str', 'str', '\ufeffgrüße \u0000'],
      ['u64', 'u64', Number.MAX_SAFE_INTEGER],
      ['i64', 'i64', -Number.MAX_SAFE_INTEGER],
      ['f64', 'f64', 0.1],
    ]);
  });

  it('reads arrays on demand, in their own type', async () => {
    const opened = await open(WHOLE);
    expect(await arrayOf(opened, 'strings').readStrings()).toEqual(['\ufeffĠa', '', '▁b']);
    expect(await arrayOf(opened, 'bools').readNumbers()).toEqual(Uint8Array.of(1, 0));
    expect(await arrayOf(opened, 'numbers').readNumbers()).toEqual(Int32Array.of(1, -2, 3));
    expect(await arrayOf(opened, 'scores').readNumbers()).toEqual(Float32Array.of(-0.5, 1));
    expect(await arrayOf(opened, 'wide').readNumbers()).toEqual(Float64Array.of(-1, 2 ** 40));
    expect(await arrayOf(opened, 'small').readNumbers()).toEqual(Int8Array.of(-128, 127));
    expect(await arrayOf(opened, 'short').readNumbers()).toEqual(Int16Array.of(-32768, 32767));
    expect(await arrayOf(opened, 'ids').readNumbers()).toEqual(Uint32Array.of(4294967295));
    expect(await arrayOf(opened, 'double').readNumbers()).toEqual(Float64Array.of(0.1));
    expect(await arrayOf(opened, 'large').readNumbers()).toEqual(Float64Array.of(2 ** 53 - 1));
    expect(await arrayOf(opened, 'none').readNumbers()).toEqual(new Uint16Array(0));
    expect(arrayOf(opened, 'numbers')).toMatchObject({ elementType: 'i32', length: 3, byteLength: 12 });
    expect(opened.metadata.get('numbers')?.type).toBe('arr[i32]');
  });

  it('reads the values of some keys together', async () => {
    const { metadata } = await open(WHOLE);
    expect(await readMetadataValues(metadata, ['strings', 'absent', 'u8', 'numbers'])).toEqual(
      new Map<string, unknown>([
        ['strings', { type: 'arr[str]', value: ['\ufeffĠa', '', '▁b'] }],
        ['u8', { type: 'u8', value: 255 }],
        ['numbers', { type: 'arr[i32]', value: Int32Array.of(1, -2, 3) }],
      ]),
    );
  });

  it('refuses to read an array as what it is not', async () => {
    const opened = await open(WHOLE);
    await expect(arrayOf(opened, 'numbers').readStrings()).rejects.toThrow(
      'numbers is an array of i32, not of strings',
    );
    await expect(arrayOf(opened, 'strings').readNumbers()).rejects.toThrow(
      expect.objectContaining({ code: 'gguf/wrong-type' }) as Error,
    );
  });

  it('turns shapes around and reads rows and blocks from their place', async () => {
    const opened = await open(WHOLE);
    const start = EVERY_TYPE.header.byteLength;
    expect(opened).toMatchObject({ format: 'gguf', version: 3, alignment: 32, dataStart: start, name: 'x.gguf' });
    expect(opened.tensors).toMatchObject([
      { name: 'w', dtype: 'float16', storedDtype: 'F16', shape: [2, 3], fileOffset: start, storage: undefined },
      { name: 'q', dtype: 'q8_0', storedDtype: 'Q8_0', shape: [2, 64], fileOffset: start + 32 },
    ]);
    const [w, q] = opened.tensors;
    expect(await w!.readRows(1, 1)).toEqual(WHOLE.subarray(start + 6, start + 12));
    expect(await q!.readRows(1, 1)).toEqual(WHOLE.subarray(start + 32 + 68, start + 32 + 136));
    expect(await q!.readBytes(34, 68)).toEqual(WHOLE.subarray(start + 66, start + 134));
    await expect(q!.readBytes(33, 34)).rejects.toThrow('in blocks of 34');
    const scalar = await open(file({ tensors: [tensor('s', [], 0, 0)], dataLength: 4 }));
    expect(scalar.tensors[0]!.shape).toEqual([]);
  });

  it('reads version 2, files without padding at the end, and files without tensors', async () => {
    const opened = await open(file({ version: u32(2), tensors: [tensor('t', [4, 0, 2], 1, 0)] }));
    expect(opened).toMatchObject({ version: 2, tensors: [{ shape: [2, 0, 4] }] });
    expect((await open(file({}).subarray(0, 24))).tensors).toEqual([]);
  });

  it('takes tensors in any order and with room between them', async () => {
    const tensors = [tensor('late', [8], 0, 128), tensor('empty', [0], 0, 0), tensor('early', [8], 0, 0)];
    const opened = await open(file({ tensors, dataLength: 160 }));
    expect(opened.tensors.map(({ name }) => name)).toEqual(['late', 'empty', 'early']);
    expect([...(await opened.tensors[0]!.readRows(0, 1))].slice(0, 3)).toEqual([128, 129, 130]);
  });

  it('follows the alignment that a file states', async () => {
    const pairs = [[...str('general.alignment'), ...U32, ...u32(64)]];
    const opened = await open(file({ pairs, tensors: [tensor('t', [16], 24, 64)], alignment: 64, dataLength: 80 }));
    expect(opened).toMatchObject({ alignment: 64, dataStart: 128 });
    expect([...(await opened.tensors[0]!.readRows(0, 1))].slice(0, 2)).toEqual([64, 65]);
  });

  it('reads a Llama 3 sized header through one window', async () => {
    const tokens = Array.from({ length: 128_256 }, (_, id) => `Ġ${id.toString(36)}`);
    const merges = Array.from({ length: 280_147 }, (_, id) => `Ġ${id.toString(36)} ${(id * 7).toString(36)}`);
    const { header } = planGguf({
      metadata: [
        { key: 'long', type: 'str', value: 'x'.repeat(300_000) },
        { key: 'tokens', type: 'arr[str]', value: tokens },
        { key: 'types', type: 'arr[i32]', value: new Int32Array(tokens.length).fill(1) },
        { key: 'lengthy', type: 'arr[str]', value: ['y'.repeat(600_000), 'z'] },
        { key: 'merges', type: 'arr[str]', value: merges },
        { key: 'last', type: 'u8', value: 7 },
      ],
      tensors: [],
    });
    const source = failingSource(header);
    const lengths: number[] = [];
    const opened = await openGgufFile({
      ...source,
      readInto: async (offset, target, options) => {
        lengths.push(target.byteLength);
        return source.readInto(offset, target, options);
      },
    });
    expect(opened.metadata.get('last')?.value).toBe(7);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(1 << 18);
    expect(source.reads()).toBeLessThan(40);
    expect(await arrayOf(opened, 'tokens').readStrings()).toEqual(tokens);
    expect(await arrayOf(opened, 'merges').readStrings()).toEqual(merges);
    expect(opened.metadata.get('long')?.value).toHaveLength(300_000);
  });

  it('closes its source', async () => {
    let closed = 0;
    const opened = await openGgufFile({
      ...memorySource(WHOLE),
      close: async () => {
        closed++;
      },
    });
    await opened.close();
    await opened[Symbol.asyncDispose]();
    expect(closed).toBe(2);
  });
});

const pair = (key: string, ...value: number[][]): number[] => [...str(key), ...value.flat()];
const notUtf8 = [...u64(2), 0xc3, 0x28];

describe('a malformed GGUF file', () => {
  it.each<[code: string, what: string, bytes: Uint8Array]>([
    ['truncated', 'no bytes', new Uint8Array(0)],
    ['not-gguf', 'another magic number', file({ magic: 'GGML' })],
    ['not-gguf', 'a ZIP archive', new TextEncoder().encode('PK\x03\x04')],
    ['unsupported-version', 'version 1', file({ version: u32(1) })],
    ['unsupported-version', 'version 0', file({ version: u32(0) })],
    ['unsupported-version', 'version 4', file({ version: u32(4) })],
    ['big-endian', 'version 3 of a big-endian machine', file({ version: [0, 0, 0, 3] })],
    ['truncated', '2^63 tensors', file({ tensorCount: u64(1n << 63n) })],
    ['truncated', '2^64 - 1 pairs', file({ pairCount: u64(-1) })],
    ['truncated', 'more tensors than bytes for them', file({ tensorCount: u64(2) })],
    ['truncated', 'a key longer than the file', file({ pairs: [[...u64(1n << 40n)]], dataLength: 32 })],
    ['truncated', 'a string longer than the file', file({ pairs: [pair('k', STR, u64(1000))] })],
    ['truncated', 'a string of an array longer than the file', file({ pairs: [pair('k', ARR, STR, u64(1), u64(1000))], dataLength: 64 })], // prettier-ignore
    ['truncated', 'an array of 2^40 strings', file({ pairs: [pair('k', ARR, STR, u64(1n << 40n))] })],
    ['truncated', 'an array of 2^61 numbers of 8 bytes', file({ pairs: [pair('k', ARR, U64, u64(1n << 61n))] })],
    ['truncated', 'strings that end with the file', file({ pairs: [pair('k', ARR, STR, u64(4), str('a'), str('b'))] }).subarray(0, 65)], // prettier-ignore
    ['not-utf8', 'a key', file({ pairs: [[...notUtf8, ...U8, 1]], dataLength: 32 })],
    ['not-utf8', 'a string', file({ pairs: [pair('k', STR, notUtf8)] })],
    ['not-utf8', 'the name of a tensor', file({ tensors: [[...notUtf8, ...u32(0), ...u32(0), ...u64(0)]] })],
    ['unknown-type', 'a value of type 13', file({ pairs: [pair('k', u32(13), u64(0))] })],
    ['unknown-type', 'a value of type 2^32 - 1', file({ pairs: [pair('k', u32(-1), u64(0))] })],
    ['unknown-type', 'elements of type 99', file({ pairs: [pair('k', ARR, u32(99), u64(0))] })],
    ['nested-array', 'an array of arrays', file({ pairs: [pair('k', ARR, ARR, u64(1), U8, u64(0))] })],
    ['nested-array', 'arrays nested a thousand deep', file({ pairs: [pair('k', ARR, ...Array.from({ length: 1000 }, () => [...ARR, ...u64(1)]))] })], // prettier-ignore
    ['bad-value', 'a bool of 2', file({ pairs: [pair('k', BOOL, u8(2), Array<number>(9).fill(0))] })],
    ['overflow', 'a u64 beyond 2^53', file({ pairs: [pair('k', U64, u64(1n << 53n))] })],
    ['overflow', 'an i64 below -2^53', file({ pairs: [pair('k', I64, u64(-(1n << 53n)))] })],
    ['duplicate-key', 'a key twice', file({ pairs: [pair('k', U8, u8(1)), pair('k', U8, u8(1))] })],
    ['bad-alignment', 'an alignment of 0', file({ pairs: [pair('general.alignment', U32, u32(0))] })],
    ['bad-alignment', 'an alignment of 4', file({ pairs: [pair('general.alignment', U32, u32(4))] })],
    ['bad-alignment', 'an alignment of 24', file({ pairs: [pair('general.alignment', U32, u32(24))] })],
    ['bad-alignment', 'an alignment as u64', file({ pairs: [pair('general.alignment', U64, u64(32))] })],
    ['bad-alignment', 'an alignment as array', file({ pairs: [pair('general.alignment', ARR, U32, u64(1), u32(32))] })],
    ['duplicate-tensor', 'a name twice', file({ tensors: [tensor('t', [0], 0, 0), tensor('t', [0], 0, 0)] })],
    ['unsupported-dtype', 'an unknown type', file({ tensors: [tensor('t', [4], 99, 0)], dataLength: 64 })],
    ['unsupported-dtype', 'a type that ggml has dropped', file({ tensors: [tensor('t', [32], 31, 0)], dataLength: 64 })], // prettier-ignore
    ['bad-shape', 'five extents', file({ tensors: [tensor('t', [1, 1, 1, 1, 1], 0, 0)], dataLength: 64 })],
    ['bad-shape', 'a row of half a block', file({ tensors: [tensor('t', [48, 2], 8, 0)], dataLength: 256 })],
    ['bad-shape', 'a scalar of a type with blocks', file({ tensors: [tensor('t', [], 8, 0)], dataLength: 64 })],
    ['overflow', 'an extent of 2^63', file({ tensors: [tensor('t', [1n << 63n], 0, 0)] })],
    ['overflow', 'extents whose product is 2^64', file({ tensors: [tensor('t', [2 ** 32, 2 ** 32], 0, 0)] })],
    ['overflow', 'an offset of 2^63', file({ tensors: [tensor('t', [1], 0, 1n << 63n)] })],
    ['overflow', 'an end beyond 2^53', file({ tensors: [tensor('t', [2 ** 50], 0, 2 ** 53 - 32)] })],
    ['truncated', 'data that ends too early', file({ tensors: [tensor('t', [8], 0, 0)], dataLength: 31 })],
    ['truncated', 'an offset behind the file', file({ tensors: [tensor('t', [8], 0, 2 ** 40)], dataLength: 64 })],
    ['bad-offset', 'an offset that is not aligned', file({ tensors: [tensor('t', [1], 0, 8)], dataLength: 64 })],
    ['bad-offset', 'tensors that overlap', file({ tensors: [tensor('a', [16], 0, 0), tensor('b', [8], 0, 32)], dataLength: 64 })], // prettier-ignore
    ['bad-offset', 'tensors in one place', file({ tensors: [tensor('a', [8], 0, 0), tensor('b', [8], 0, 0)], dataLength: 64 })], // prettier-ignore
  ])('is refused with %s: %s', async (code, _what, bytes) => {
    const error = await refusal(bytes);
    expect(error.code).toBe(`gguf/${code}`);
    expect(error.path).toBe('x.gguf');
    expect(error.message).toMatch(/^\S.*[^.]$/s);
  });

  it('is refused before memory is taken for what it claims', async () => {
    // Sparse files of terabytes whose counts would fit: the caps hold, not the size.
    const huge = (bytes: Uint8Array) => ({
      ...memorySource(bytes),
      size: 2 ** 45,
      readInto: async (offset: number, target: Uint8Array) =>
        target.set(bytes.subarray(offset, offset + target.length)),
    });
    for (const parts of [
      { tensorCount: u64(1n << 32n) },
      { pairCount: u64(1n << 32n) },
      { pairs: [[...u64(1n << 30n)]] },
      { pairs: [pair('k', STR, u64(1n << 30n))] },
      { pairs: [pair('k', ARR, U8, u64(1n << 40n))] },
      { tensors: [[...u64(1n << 20n)]] },
    ]) {
      await expect(openGgufFile(huge(file({ ...parts, dataLength: 32 })))).rejects.toThrow(
        expect.objectContaining({ code: 'gguf/too-large' }) as Error,
      );
    }
    const strings = await openGgufFile(huge(file({ pairs: [pair('k', ARR, STR, u64(1), u64(1n << 40n))], dataLength: 32 }))); // prettier-ignore
    await expect(arrayOf(strings, 'k').readStrings()).rejects.toThrow('the elements of k take 1099511627784 bytes');
  });

  it('says which element of an array is wrong, and where', async () => {
    const bytes = file({ pairs: [pair('k', ARR, STR, u64(2), str('a'), notUtf8), pair('n', ARR, I64, u64(2), u64(5), u64(1n << 60n))] }); // prettier-ignore
    const opened = await open(bytes);
    const strings: unknown = await arrayOf(opened, 'k').readStrings().catch((cause: unknown) => cause); // prettier-ignore
    expect(strings).toMatchObject({ code: 'gguf/not-utf8', message: 'element 1 of k is not valid UTF-8' });
    expect(strings).toHaveProperty('offset', arrayOf(opened, 'k').fileOffset + 9);
    const numbers: unknown = await arrayOf(opened, 'n').readNumbers().catch((cause: unknown) => cause); // prettier-ignore
    expect(numbers).toMatchObject({ code: 'gguf/overflow', message: 'element 1 of n is 1152921504606847000, beyond 2^53' }); // prettier-ignore
  });

  it('is no danger when it changes after it was opened', async () => {
    const bytes = WHOLE.slice();
    const opened = await open(bytes);
    const strings = arrayOf(opened, 'strings');
    bytes.fill(0xff, strings.fileOffset, strings.fileOffset + 8);
    await expect(strings.readStrings()).rejects.toThrow(GgufError);
  });

  it('gives advice where there is some', async () => {
    expect((await refusal(file({ version: u32(1) }))).hint).toMatch(/^convert the original model again/);
    expect((await refusal(file({ version: [0, 0, 0, 3] }))).hint).toBe('get the little-endian file');
    const dropped = await refusal(file({ tensors: [tensor('t', [32], 31, 0)], dataLength: 64 }));
    expect(dropped).toMatchObject({ message: 'tensor t has the type Q4_0_4_4, which ggml has dropped' });
    expect(dropped.hint).toBe('convert the original model again');
  });

  it('is refused at every truncation', async () => {
    const lastByte = EVERY_TYPE.tensors[1]!.fileOffset + EVERY_TYPE.tensors[1]!.byteLength;
    for (let length = 0; length < lastByte; length++) {
      expect((await refusal(WHOLE.subarray(0, length))).code).toBe('gguf/truncated');
    }
    await expect(open(WHOLE.subarray(0, lastByte))).resolves.toBeDefined();
  });

  it('throws nothing but its own errors, however it is damaged', async () => {
    const change = fc.record({ at: fc.nat(EVERY_TYPE.header.byteLength - 1), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const damaged = WHOLE.slice();
        for (const { at, byte } of changes) damaged[at] = byte;
        const outcome: unknown = await open(damaged)
          .then((opened) => readMetadataValues(opened.metadata, opened.metadata.keys()))
          .catch((cause: unknown) => cause);
        expect(outcome).toSatisfy((value) => value instanceof Map || value instanceof GgufError);
      }),
      { numRuns: 4000 },
    );
  });
});

describe('a source that fails', () => {
  it('passes on its error, whichever read fails', async () => {
    const { header } = planGguf({
      metadata: [
        { key: 'a', type: 'arr[str]', value: Array.from({ length: 60_000 }, (_, id) => String(id)) },
        { key: 'b', type: 'str', value: 'x'.repeat(300_000) },
        { key: 'c', type: 'arr[u8]', value: new Uint8Array(300_000) },
      ],
      tensors: [{ name: 't', dtype: 'int8', shape: [0] }],
    });
    const whole = failingSource(header);
    await openGgufFile(whole);
    expect(whole.reads()).toBeGreaterThan(4);
    for (let failingRead = 1; failingRead <= whole.reads(); failingRead++) {
      await expect(openGgufFile(failingSource(header, failingRead))).rejects.toThrow('the disk is gone');
    }
    const opened = await openGgufFile(failingSource(header, whole.reads() + 1));
    await expect(arrayOf(opened, 'a').readStrings()).rejects.toThrow('the disk is gone');
  });

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(openGgufFile(memorySource(WHOLE), { signal })).rejects.toThrow('enough');
    const opened = await open(WHOLE);
    await expect(arrayOf(opened, 'numbers').readNumbers({ signal })).rejects.toThrow('enough');
  });
});
