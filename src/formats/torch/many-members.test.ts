/**
 * An archive of more members than a 16-bit count holds is opened with the limits that hold for everybody.
 */
import { expect, it } from 'vitest';

import { memorySink } from '../../source/byte-sink.js';
import { memorySource } from '../../source/memory.js';
import { openTorchFile } from './torch-file.js';
import { writeTorchFile } from './write.js';

/** With the six records that are no storages, 65,606 members. */
const COUNT = 65_600;

it('65,600 tensors in 65,606 members are opened, and read each from its place', async () => {
  const sink = memorySink();
  await writeTorchFile(
    sink,
    Array.from({ length: COUNT }, (_, index) => ({
      ...{ name: `p${index}`, dtype: 'int32' as const, shape: [1] },
      produce: () => [new Uint8Array(Int32Array.of(index).buffer)],
    })),
  );
  const file = await openTorchFile(memorySource(sink.bytes(), 'many.pth'));
  expect(file.archive?.entries).toHaveLength(COUNT + 6);
  expect(file.tensors).toHaveLength(COUNT);
  for (const index of [0, 9999, 65_535, 65_599]) {
    expect([...(await file.tensors[index]!.readRows(0, 1))]).toEqual([...new Uint8Array(Int32Array.of(index).buffer)]);
  }
}, 60_000);
