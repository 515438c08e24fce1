// @ts-check
/**
 * Lists the tensors of a file that a person picked in a browser.
 *
 * A page gets a `File` from `<input type="file">`; here a Blob stands for it. Only headers are read: the
 * list of a 16 GB file costs a few hundred kilobytes.
 *
 * Prints: layers.0.attention.wq.weight bfloat16 256 x 256
 */
import { readFile } from 'node:fs/promises';

import { openTensorFile, tensorByteLength } from 'llama-inspect';

const picked = new Blob([await readFile('fixtures/llama3.2-tiny/consolidated.00.pth')]);

const file = await openTensorFile(picked);
for (const tensor of file.tensors) {
  console.log(`${tensor.name} ${tensor.dtype} ${tensor.shape.join(' x ')}, ${tensorByteLength(tensor)} bytes`);
}
await file.close();
