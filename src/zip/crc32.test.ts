import { crc32 as nodeCrc32 } from 'node:zlib';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { crc32 } from './crc32.js';

describe('crc32', () => {
  it('gives the check value of the literature', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  });

  it('agrees with zlib for any bytes, at any place in a buffer, whole or in pieces', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), fc.nat(300), (bytes, shift, cut) => {
        const shifted = new Uint8Array(bytes.byteLength + shift).subarray(shift);
        shifted.set(bytes);
        const expected = nodeCrc32(bytes);
        expect(crc32(shifted)).toBe(expected);
        expect(crc32(shifted.subarray(cut), crc32(shifted.subarray(0, cut)))).toBe(expected);
      }),
    );
  });
});
