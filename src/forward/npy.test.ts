import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { readNpy } from '../testing/fixtures.js';
import { encodeNpy } from './npy.js';

describe('encodeNpy', () => {
  it('writes the bytes that numpy.save writes', () => {
    // numpy.save of numpy.array([[1, -2, 0.5]], dtype='<f4')
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }";
    const expected = Buffer.concat([
      Buffer.from('\x93NUMPY\x01\x00v\x00', 'latin1'),
      Buffer.from(`${header.padEnd(117)}\n`),
      Buffer.from('0000803f000000c00000003f', 'hex'),
    ]);
    expect(Buffer.from(encodeNpy(Float32Array.of(1, -2, 0.5), [1, 3]))).toEqual(expected);
  });

  it.each([
    [[2, 3], 6],
    [[4], 4],
    [[0, 5], 0],
    [[2, 1, 2], 4],
  ])('is read back, shape %j', (shape, count) => {
    const values = Float32Array.from({ length: count }, (_, i) => i / 3);
    const path = join(mkdtempSync(join(tmpdir(), 'npy-')), 'a.npy');
    const bytes = encodeNpy(values, shape);
    writeFileSync(path, bytes);
    const back = readNpy(path);
    expect(back.shape).toEqual(shape);
    expect(back.data.slice(0, count)).toEqual(values);
    expect((bytes.length - values.byteLength) % 64).toBe(0);
  });

  it('writes a scalar with an empty shape', () => {
    expect(new TextDecoder('latin1').decode(encodeNpy(Float32Array.of(7), []))).toContain("'shape': (), }");
  });

  it('refuses a shape that does not hold the values', () => {
    expect(() => encodeNpy(new Float32Array(5), [2, 3])).toThrow(
      expect.objectContaining({ code: 'forward/bad-array', message: 'the shape [2, 3] does not hold 5 values' }),
    );
  });
});
