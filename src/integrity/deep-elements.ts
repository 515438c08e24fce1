/**
 * Counting the numbers of a tensor block by block, in whatever order its file can give them fastest.
 *
 * @module
 */
import { blockLayout } from '../dtype.js';
import { type StoredTensor, tensorByteLength } from '../formats/tensor.js';
import type { StoredElements } from '../formats/torch/storage-order.js';
import type { TorchFile } from '../formats/torch/torch-file.js';
import type { NumberTally } from '../quant/number-tally.js';
import type { MemberOptions } from './deep-members.js';
import type { SkippedTensor } from './deep-report.js';
import { BLOCK_BYTES } from './read-ahead.js';

/** The elements of a tensor of safetensors or GGUF, which lie in one piece. */
export function elementsInPlace(tensor: StoredTensor): StoredElements {
  const byteLength = tensorByteLength(tensor);
  const { blockBytes } = blockLayout(tensor.dtype);
  return {
    itemBytes: blockBytes,
    byteLength,
    span: byteLength,
    readBytes: (start, length, options) => tensor.readBytes(start, length, options),
  };
}

/** Bytes that are read to see all elements. */
export function costOf({ byteLength, span }: StoredElements): number {
  return Math.max(byteLength, span);
}

/** The tensors of a file of PyTorch's that have no elements to count. */
export function skippedOthers({ others }: TorchFile): SkippedTensor[] {
  return others.map(({ name }) => ({ name, reason: 'no-numbers' }));
}

/**
 * Counts all elements; reads each once, one block of 1 MiB ahead.
 *
 * @throws every error of reading; the signal's reason
 */
export async function countElements(
  elements: StoredElements,
  tally: NumberTally,
  { signal, onBytes }: MemberOptions,
): Promise<void> {
  const { itemBytes, byteLength } = elements;
  const step = Math.floor(BLOCK_BYTES / itemBytes) * itemBytes;
  const read = (start: number): Promise<Uint8Array> =>
    elements.readBytes(start, Math.min(step, byteLength - start), { signal });
  let next = read(0);
  for (let start = 0; start < byteLength; start += step) {
    const bytes = await next;
    if (start + step < byteLength) next = read(start + step);
    tally.update(bytes);
    onBytes?.(bytes.byteLength);
  }
}
