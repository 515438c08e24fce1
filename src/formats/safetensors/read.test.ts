import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { memorySource } from '../../source/memory.js';
import { failingSource } from '../../testing/failing-source.js';
import { type SafetensorsFile, openSafetensorsFile } from './read.js';
import { SafetensorsError } from './safetensors-error.js';

/** A file of that header text and as many bytes of data, 0, 1, 2, … */
function file(header: string | Uint8Array, dataLength: number): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.byteLength + dataLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.byteLength), true);
  bytes.set(text, 8);
  for (let i = 0; i < dataLength; i++) bytes[8 + text.byteLength + i] = i;
  return bytes;
}

function open(bytes: Uint8Array): Promise<SafetensorsFile> {
  return openSafetensorsFile(memorySource(bytes, 'x.safetensors'));
}

async function refusal(bytes: Uint8Array): Promise<SafetensorsError> {
  const error: unknown = await open(bytes).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(SafetensorsError);
  return error as SafetensorsError;
}

/** A header of one tensor, its parts given as JSON text. */
function one(dtype = '"BF16"', shape = '[2,3]', offsets = '[0,12]', more = ''): string {
  return `{"w":{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}${more}}`;
}

const WHOLE =
  '{"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2,3],"data_offsets":[8,20]},' +
  '"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   ';

describe('openSafetensorsFile', () => {
  it('lists tensors in the order of their bytes, with what the file says of itself', async () => {
    const opened = await open(file(WHOLE, 20));
    expect(opened).toMatchObject({ format: 'safetensors', name: 'x.safetensors', size: 8 + WHOLE.length + 20 });
    expect([...opened.metadata]).toEqual([['format', 'pt']]);
    expect(opened.tensors).toMatchObject([
      { name: 'a', dtype: 'float32', storedDtype: 'F32', shape: [2], fileOffset: 8 + WHOLE.length },
      { name: 'b', dtype: 'bfloat16', storedDtype: 'BF16', shape: [2, 3], fileOffset: 16 + WHOLE.length },
    ]);
    expect(opened.tensors.every(({ storage }) => storage === undefined)).toBe(true);
  });

  it('reads rows and bytes of a tensor from its place', async () => {
    const { tensors } = await open(file(WHOLE, 20));
    const b = tensors[1]!;
    expect([...(await b.readRows(0, 2))]).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    expect([...(await b.readRows(1, 1))]).toEqual([14, 15, 16, 17, 18, 19]);
    expect([...(await b.readRows(2, 0))]).toEqual([]);
    expect([...(await b.readBytes(2, 4))]).toEqual([10, 11, 12, 13]);
  });

  it('refuses rows and bytes outside a tensor', async () => {
    const { tensors } = await open(file(WHOLE, 20));
    const b = tensors[1]!;
    const outOfRange = expect.objectContaining({ code: 'source/out-of-range' }) as Error;
    await expect(b.readRows(1, 2)).rejects.toThrow('2 rows from row 1 wanted, but the tensor b has 2 rows');
    await expect(b.readRows(-1, 1)).rejects.toThrow(outOfRange);
    await expect(b.readBytes(8, 6)).rejects.toThrow(outOfRange);
    await expect(b.readBytes(-2, 2)).rejects.toThrow(outOfRange);
    await expect(b.readBytes(2, -2)).rejects.toThrow(outOfRange);
    await expect(b.readBytes(1, 2)).rejects.toThrow(outOfRange);
    await expect(b.readBytes(0, 3)).rejects.toThrow(outOfRange);
  });

  it('opens a file of any size with two reads', async () => {
    const source = failingSource(file(WHOLE, 20));
    await openSafetensorsFile(source);
    expect(source.reads()).toBe(2);
  });

  it('opens files without tensors, scalars and empty tensors', async () => {
    expect((await open(file('{}', 0))).tensors).toEqual([]);
    const scalar = await open(file(one('"I64"', '[]', '[0,8]'), 8));
    expect(await scalar.tensors[0]!.readRows(0, 1)).toHaveLength(8);
    const empty = await open(file(one('"F64"', '[5,0]', '[0,0]', ',"v":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}'), 1)); // prettier-ignore
    expect(empty.tensors.map(({ name }) => name)).toEqual(['w', 'v']);
  });

  it('ignores members of a tensor that it does not know', async () => {
    const text = '{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"note":{"a":[{"a":1}]}}}';
    expect((await open(file(text, 1))).tensors).toHaveLength(1);
  });

  it('keeps names that mean something to JavaScript', async () => {
    const text = '{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"__metadata__":{"__proto__":"x"}}';
    const opened = await open(file(text, 1));
    expect(opened.tensors[0]!.name).toBe('__proto__');
    expect([...opened.metadata]).toEqual([['__proto__', 'x']]);
  });

  it('closes its source', async () => {
    let closed = 0;
    const source = {
      ...memorySource(file(WHOLE, 20)),
      close: async () => {
        closed++;
      },
    };
    const opened = await openSafetensorsFile(source);
    await opened.close();
    await opened[Symbol.asyncDispose]();
    expect(closed).toBe(2);
  });

  it.each<[code: string, what: string, bytes: Uint8Array]>([
    ['truncated', 'an empty file', new Uint8Array(0)],
    ['truncated', 'a header longer than the file', file('{}', 0).fill(9, 0, 1)],
    ['truncated', 'data shorter than its tensors', file(WHOLE, 19)],
    ['trailing-data', 'data longer than its tensors', file(WHOLE, 21)],
    ['trailing-data', 'data without a tensor', file('{}', 1)],
    ['header-too-large', 'a ZIP archive', new TextEncoder().encode('PK\x03\x04 and so on')],
    ['header-too-large', 'a length of 2^64 - 1', new Uint8Array(16).fill(0xff)],
    ['header-too-large', 'a header built to fill memory', file(`[${','.repeat(10_000_000)}`, 0)],
    ['bad-header', 'a header of no bytes', new Uint8Array(8)],
    ['bad-header', 'a list', file('[]', 0)],
    ['bad-header', 'a space before the brace', file(' {}', 0)],
    ['bad-header', 'a byte order mark', file('\ufeff{}', 0)],
    ['bad-header', 'broken JSON', file('{"a":', 0)],
    ['bad-header', 'bytes that are not UTF-8', file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), 0)],
    ['bad-header', 'metadata that is no object', file('{"__metadata__":[]}', 0)],
    ['bad-header', 'metadata that is null', file('{"__metadata__":null}', 0)],
    ['bad-header', 'metadata that holds a number', file('{"__metadata__":{"a":1}}', 0)],
    ['bad-header', 'a tensor that is a number', file('{"w":1}', 0)],
    ['bad-header', 'a tensor without dtype', file('{"w":{"shape":[1],"data_offsets":[0,1]}}', 1)],
    ['bad-header', 'a tensor without shape', file('{"w":{"dtype":"U8","data_offsets":[0,1]}}', 1)],
    ['bad-header', 'a tensor without offsets', file('{"w":{"dtype":"U8","shape":[1]}}', 1)],
    ['bad-header', 'a dtype that is null', file(one('null'), 12)],
    ['bad-header', 'a shape that is a string', file(one('"U8"', '"1"'), 12)],
    ['bad-header', 'a shape with a fraction', file(one('"U8"', '[1.5]'), 12)],
    ['bad-header', 'a negative extent', file(one('"U8"', '[-1]'), 12)],
    ['bad-header', 'an extent that is a list', file(one('"U8"', '[[1]]'), 12)],
    ['bad-header', 'a shape of 65 extents', file(one('"U8"', `[${Array(65).fill(1).join(',')}]`), 12)],
    ['bad-header', 'one offset', file(one('"U8"', '[12]', '[0]'), 12)],
    ['bad-header', 'three offsets', file(one('"U8"', '[12]', '[0,12,12]'), 12)],
    ['header-too-large', 'a length of one more than is allowed', file('{}', 0).with(0, 1).with(1, 0xe1).with(2, 0xf5).with(3, 5)], // prettier-ignore
    ['bad-header', 'brackets nested 129 deep', file(`{"w":${'['.repeat(128)}${']'.repeat(128)}}`, 0)],
    ['bad-header', 'five million brackets within one another', file(`{"w":${'['.repeat(5_000_000)}`, 0)],
    ['bad-header', 'an extent of 2.0', file(one('"BF16"', '[2.0,3]'), 12)],
    ['bad-header', 'an extent of 2e0', file(one('"BF16"', '[2e0,3]'), 12)],
    ['bad-header', 'an extent of 20E-1', file(one('"BF16"', '[20E-1,3]'), 12)],
    ['bad-header', 'an offset of -0', file(one('"BF16"', '[2,3]', '[-0,12]'), 12)],
    ['bad-header', 'a name of half a surrogate pair', file('{"\\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}', 0)], // prettier-ignore
    ['bad-header', 'half a surrogate pair in the metadata', file('{"__metadata__":{"k":"\\udc00x"}}', 0)],
    ['bad-header', 'a key of half a surrogate pair in the metadata', file('{"__metadata__":{"\\ud83dx":""}}', 0)],
    ['duplicate-name', 'two tensors of one name', file(one('"U8"', '[0]', '[0,0]', ',"w":{}'), 0)],
    ['duplicate-name', 'one name spelled in two ways', file('{"a":1,"\\u0061" : 2}', 0)],
    ['duplicate-name', 'two dtypes of one tensor', file('{"w":{"dtype":"U8","dtype":"I8"}}', 0)],
    ['duplicate-name', 'a metadata key twice', file('{"__metadata__":{"k\\\\":"[{\\"","k\\\\":""}}', 0)],
    ['unsupported-dtype', 'a type of four bits', file(one('"F4"', '[24]'), 12)],
    ['unsupported-dtype', 'an unknown type', file(one('"Q4_0"'), 12)],
    ['size-mismatch', 'too few bytes for the shape', file(one('"F32"'), 12)],
    ['size-mismatch', 'an end before the begin', file(one('"U8"', '[12]', '[12,0]'), 12)],
    ['bad-offsets', 'a hole at the start', file(one('"BF16"', '[2,3]', '[1,13]'), 13)],
    ['bad-offsets', 'a hole', file(one('"U8"', '[12]', '[0,12]', ',"v":{"dtype":"U8","shape":[1],"data_offsets":[13,14]}'), 14)], // prettier-ignore
    ['bad-offsets', 'an overlap', file(one('"U8"', '[12]', '[0,12]', ',"v":{"dtype":"U8","shape":[12],"data_offsets":[1,13]}'), 13)], // prettier-ignore
    ['overflow', 'an extent beyond 2^53', file(one('"U8"', '[9007199254740993]'), 12)],
    ['overflow', 'a product beyond 2^53', file(one('"U8"', '[4294967296,4294967296]'), 12)],
    ['overflow', 'a product that would come back to zero', file(one('"U8"', '[4294967296,4294967296,0]', '[0,0]'), 0)],
    ['overflow', 'an offset beyond 2^53', file(one('"U8"', '[12]', `[0,${'9'.repeat(300)}]`), 12)],
  ])('refuses with %s: %s', async (code, _what, bytes) => {
    const error = await refusal(bytes);
    expect(error.code).toBe(`safetensors/${code}`);
    expect(error.path).toBe('x.safetensors');
    expect(error.message).toMatch(/^\S.*[^.]$/s);
  });

  it('takes marks in names for what they are, and whole surrogate pairs', async () => {
    const name = 'a.b-c,E{[["\\ \u{1f600}';
    const described = { dtype: 'U8', shape: [1], data_offsets: [0, 1], ok: [true, false, null] };
    const { tensors } = await open(file(JSON.stringify({ [name]: described }), 1));
    expect(tensors.map((tensor) => tensor.name)).toEqual([name]);
    const escaped = '{"\\ud83d\\ude00":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}';
    expect((await open(file(escaped, 1))).tensors[0]!.name).toBe('\u{1f600}');
  });

  it('reads unknown members nested as deep as is allowed', async () => {
    const deep = `${'['.repeat(126)}${']'.repeat(126)}`;
    const text = `{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":${deep}}}`;
    expect((await open(file(text, 1))).tensors).toHaveLength(1);
  });

  it('says where a number stands that is not written with digits alone', async () => {
    const bytes = file(one('"BF16"', '[2,3.0]'), 12);
    const error = await refusal(bytes);
    expect(error.message).toBe('a number must be written with digits alone');
    expect(new TextDecoder().decode(bytes.subarray(error.offset! - 1, error.offset! + 2))).toBe('3.0');
  });

  it('says where the second of two equal names stands', async () => {
    const text = '{"ä":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"ä":{}}';
    const bytes = file(text, 0);
    const error = await refusal(bytes);
    expect(error.message).toBe('the name ä occurs twice in the header');
    expect(new TextDecoder().decode(bytes.subarray(error.offset, error.offset! + 4))).toBe('"ä"');
  });

  it('says how much is missing of a truncated file', async () => {
    const error = await refusal(file(WHOLE, 13));
    expect(error.message).toBe('the header describes 20 bytes of tensors, but only 13 follow it');
    expect(error.offset).toBe(8 + WHOLE.length + 13);
    expect(error.hint).toBe('7 bytes are missing: download or copy the file again');
    const inside = await refusal(file(WHOLE, 20).subarray(0, 50));
    expect(inside.hint).toBe('the file ends inside its header: download or copy the file again');
  });

  it('says how much to keep of a file to which something was appended', async () => {
    const error = await refusal(file(WHOLE, 23));
    expect(error.message).toBe(
      `3 bytes follow the last tensor, which ends at 0x${(8 + WHOLE.length + 20).toString(16)}`,
    );
    expect(error.hint).toBe(`keep only the first ${8 + WHOLE.length + 20} bytes, or download or copy the file again`);
  });

  it('shows names short and harmless', async () => {
    const error = await refusal(file(`{"\\u001b[2J${'x'.repeat(500)}":1}`, 0));
    expect(error.message).toContain('tensor \\u001b[2Jxxx');
    expect(error.message.length).toBeLessThan(220);
  });

  it('refuses every truncation', async () => {
    const whole = file(WHOLE, 20);
    for (let length = 0; length < whole.byteLength; length++) {
      expect((await refusal(whole.subarray(0, length))).code).toBe('safetensors/truncated');
    }
  });

  it('throws nothing but its own errors on damaged files', async () => {
    const whole = file(WHOLE, 20);
    const change = fc.record({ at: fc.nat(whole.byteLength - 1), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const damaged = whole.slice();
        for (const { at, byte } of changes) damaged[at] = byte;
        const outcome: unknown = await open(damaged).catch((cause: unknown) => cause);
        expect(outcome instanceof Error ? outcome : undefined).toSatisfy(
          (error) => error === undefined || error instanceof SafetensorsError,
        );
      }),
      { numRuns: 3000 },
    );
  });

  it('passes on the errors of its source, whichever read fails', async () => {
    for (const failingRead of [1, 2]) {
      await expect(openSafetensorsFile(failingSource(file(WHOLE, 20), failingRead))).rejects.toThrow(
        'the disk is gone',
      );
    }
    const opened = await openSafetensorsFile(failingSource(file(WHOLE, 20), 3));
    await expect(opened.tensors[0]!.readRows(0, 1)).rejects.toThrow('the disk is gone');
  });

  it('stops when it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(openSafetensorsFile(memorySource(file(WHOLE, 20)), { signal })).rejects.toThrow('enough');
  });
});
