import { describe, expect, it } from 'vitest';

import { memorySource } from '../../source/memory.js';
import { failingSource } from '../../testing/failing-source.js';
import { EVERY_TYPE, U32, WHOLE, arrayOf, file, open, pair, tensor, u32 } from '../../testing/gguf-bytes.js';
import { readMetadataValues } from './metadata.js';
import { planGguf } from './plan.js';
import { openGgufFile } from './read.js';

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
    const opened = await open(file({ version: u32(2), tensors: [tensor('t', [4, 1, 2], 1, 0)], dataLength: 16 }));
    expect(opened).toMatchObject({ version: 2, tensors: [{ shape: [2, 1, 4] }] });
    expect((await open(file({}).subarray(0, 24))).tensors).toEqual([]);
  });

  it('takes tensors in any order and with room between them', async () => {
    const tensors = [tensor('late', [8], 0, 128), tensor('early', [8], 0, 0)];
    const opened = await open(file({ tensors, dataLength: 160 }));
    expect(opened.tensors.map(({ name }) => name)).toEqual(['late', 'early']);
    expect([...(await opened.tensors[0]!.readRows(0, 1))].slice(0, 3)).toEqual([128, 129, 130]);
  });

  it('follows the alignment that a file states', async () => {
    const pairs = [pair('general.alignment', U32, u32(64))];
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

describe('a source that fails', () => {
  it('passes on its error, whichever read fails', async () => {
    const { header } = planGguf({
      metadata: [
        { key: 'a', type: 'arr[str]', value: Array.from({ length: 60_000 }, (_, id) => String(id)) },
        { key: 'b', type: 'str', value: 'x'.repeat(300_000) },
        { key: 'c', type: 'arr[u8]', value: new Uint8Array(300_000) },
      ],
      tensors: [],
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
