import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { noLoss } from '../quant/cast-loss.js';
import { isRecordName, recordNameOf } from './part-record.js';
import { expectPart, partFiles } from './parts.js';
import { type FilePiece, type PlannedFile, bytesFile } from './plan.js';

/** A file of one tensor of so many bytes. */
function weightFile(name: string, byteLength: number): PlannedFile {
  const tensor = { name, dtype: 'bfloat16', shape: [byteLength / 2], readRows: async () => new Uint8Array(0) } as const;
  const piece: FilePiece = {
    ...{ kind: 'tensor', name, dtype: 'bfloat16', shape: tensor.shape, from: name, fileOffset: 0, byteLength, tensor },
    ...{ loss: noLoss(), importance: undefined, finite: false },
  };
  return { name, byteLength, pieces: [piece] };
}

function loadsOf(sizes: readonly number[], count: number): number[] {
  const files = sizes.map((size, index) => weightFile(`w${index}`, size));
  const dealt = partFiles({ files: [...files, bytesFile('config.json', new Uint8Array(1000))] }, count);
  expect(dealt.map(({ name }) => name)).toEqual(files.map(({ name }) => name));
  expect(dealt.every(({ part }) => part.count === count)).toBe(true);
  return Array.from({ length: count }, (_, index) =>
    dealt.filter(({ part }) => part.number === index + 1).reduce((sum, { byteLength }) => sum + byteLength, 0),
  );
}

describe('partFiles', () => {
  it('deals equal files out one after the other', () => {
    expect(loadsOf([10, 10, 10, 10, 10], 3)).toEqual([20, 20, 10]);
    expect(loadsOf([10, 10], 4)).toEqual([10, 10, 0, 0]);
    expect(loadsOf([10, 80, 20, 30], 2)).toEqual([80, 60]);
  });

  it('gives every file to one part, and no part more than its fair share and one file', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 20 }), (bytes, count) => {
        const loads = loadsOf(bytes, count);
        const total = bytes.reduce((sum, size) => sum + size, 0);
        expect(loads.reduce((sum, load) => sum + load, 0)).toBe(total);
        expect(Math.max(...loads)).toBeLessThanOrEqual(total / count + Math.max(...bytes));
        // no part is idle while another has two files
        if (bytes.length >= count) expect(Math.min(...loads)).toBeGreaterThan(0);
      }),
    );
  });
});

describe('expectPart', () => {
  it('takes parts counted from 1', () => {
    for (const part of [{ number: 1, count: 1 }, { number: 9999, count: 9999 }]) expectPart(part); // prettier-ignore
    for (const part of [
      { number: 0, count: 1 },
      { number: 2, count: 1 },
      { number: NaN, count: 2 },
    ]) {
      expect(() => expectPart(part)).toThrow(`there is no part ${part.number} of ${part.count}`);
    }
  });
});

describe('recordNameOf', () => {
  it('is known again beside its own output only', () => {
    const part = { number: 2, count: 8 };
    const inFolder = recordNameOf(part, undefined);
    const besideFile = recordNameOf(part, '1b.gguf');
    expect(inFolder).toBe('llama-inspect.part-00002-of-00008.json');
    expect(besideFile).toBe(`1b.gguf.${inFolder}`);
    expect([isRecordName(inFolder, undefined), isRecordName(besideFile, '1b.gguf')]).toEqual([true, true]);
    for (const [name, file] of [
      [inFolder, '1b.gguf'],
      [besideFile, undefined],
      [besideFile, 'b.gguf'],
    ] as const) {
      expect(isRecordName(name, file)).toBe(false);
    }
  });
});
