import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { memorySource } from '../../source/memory.js';
import {
  ARR,
  BOOL,
  EVERY_TYPE,
  I64,
  STR,
  U32,
  U64,
  U8,
  WHOLE,
  arrayOf,
  file,
  open,
  pair,
  str,
  tensor,
  u32,
  u64,
  u8,
} from '../../testing/gguf-bytes.js';
import { GgufError } from './gguf-error.js';
import { readMetadataValues } from './metadata.js';
import { openGgufFile } from './read.js';

async function refusal(bytes: Uint8Array): Promise<GgufError> {
  const error: unknown = await open(bytes).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(GgufError);
  return error as GgufError;
}

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
    ['big-endian', 'version 2 of a big-endian machine', file({ version: [0, 0, 0, 2] })],
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
    ['duplicate-tensor', 'a name twice', file({ tensors: [tensor('t', [1], 0, 0), tensor('t', [1], 0, 0)] })],
    ['unsupported-dtype', 'an unknown type', file({ tensors: [tensor('t', [4], 99, 0)], dataLength: 64 })],
    ['unsupported-dtype', 'a type that ggml has dropped', file({ tensors: [tensor('t', [32], 31, 0)], dataLength: 64 })], // prettier-ignore
    ['bad-shape', 'five extents', file({ tensors: [tensor('t', [1, 1, 1, 1, 1], 0, 0)], dataLength: 64 })],
    ['bad-shape', 'a row of half a block', file({ tensors: [tensor('t', [48, 2], 8, 0)], dataLength: 256 })],
    ['bad-shape', 'a scalar of a type with blocks', file({ tensors: [tensor('t', [], 8, 0)], dataLength: 64 })],
    ['overflow', 'an extent of 2^63', file({ tensors: [tensor('t', [1n << 63n], 0, 0)] })],
    ['overflow', 'extents whose product is 2^64', file({ tensors: [tensor('t', [2 ** 32, 2 ** 32], 0, 0)] })],
    ['bad-shape', 'an extent of 0', file({ tensors: [tensor('t', [4, 0], 0, 0)] })],
    ['bad-shape', 'an extent of 0 that hides others', file({ tensors: [tensor('t', [0, 2 ** 40, 2 ** 40], 0, 0)] })],
    ['overflow', 'an offset of 2^63', file({ tensors: [tensor('t', [1], 0, 1n << 63n)] })],
    ['overflow', 'an end beyond 2^53', file({ tensors: [tensor('t', [2 ** 50], 0, 2 ** 53 - 32)] })],
    ['truncated', 'data that ends too early', file({ tensors: [tensor('t', [8], 0, 0)], dataLength: 31 })],
    ['truncated', 'an offset behind the file', file({ tensors: [tensor('t', [8], 0, 2 ** 40)], dataLength: 64 })],
    ['trailing-data', 'a byte behind the padding', file({ tensors: [tensor('t', [8], 0, 0)], dataLength: 33 })],
    ['trailing-data', 'a second file appended', Uint8Array.of(...WHOLE, ...WHOLE)],
    ['trailing-data', 'data without a tensor', file({ dataLength: 33 })],
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
    const huge = (bytes: Uint8Array, size = 2 ** 45) => ({
      ...memorySource(bytes),
      size,
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
    const strings = await openGgufFile(huge(file({ pairs: [pair('k', ARR, STR, u64(1), u64(1n << 40n))], dataLength: 32 }), 2 ** 40 + 64)); // prettier-ignore
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

  it('holds bools in an array to 0 and 1, as it does outside of one', async () => {
    const opened = await open(file({ pairs: [pair('k', ARR, BOOL, u64(3), u8(0), u8(1), u8(2))] }));
    const error: unknown = await arrayOf(opened, 'k').readNumbers().catch((cause: unknown) => cause); // prettier-ignore
    expect(error).toMatchObject({
      code: 'gguf/bad-value',
      message: 'element 2 of k must be 0 or 1 as a bool, found 2',
    });
    expect(error).toHaveProperty('offset', arrayOf(opened, 'k').fileOffset + 2);
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

  it('says how much is missing at the end, or too much', async () => {
    const whole = file({ tensors: [tensor('a', [8], 0, 0), tensor('b', [8], 0, 32)], dataLength: 64 });
    const short = await refusal(whole.subarray(0, whole.byteLength - 40));
    expect(short.message).toMatch(/^cut off: tensor b, the last one, ends at 0x[0-9a-f]+, but the file has \d+ bytes$/);
    expect(short).toMatchObject({ hint: '40 bytes are missing: download or copy the file again' });
    const long = await refusal(Uint8Array.of(...whole, 1, 2, 3));
    expect(long.message).toMatch(/^3 bytes follow the last tensor/);
    expect(long.hint).toBe(`keep only the first ${whole.byteLength} bytes, or download or copy the file again`);
    expect((await refusal(whole.subarray(0, 60))).hint).toMatch(/^the file ends inside its header/);
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
