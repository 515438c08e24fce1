/**
 * Archives that stand one behind the other in a file: parts of distributed checkpoints are so made.
 *
 * @see https://github.com/pytorch/pytorch/blob/main/torch/distributed/checkpoint/filesystem.py
 * @module
 */
import type { ByteSource, ReadOptions } from '../../source/byte-source.js';
import { sliceSource } from '../../source/slice.js';
import { parseTailExtent, readTail } from '../archive-extent.js';

/** Archives in a row that are looked for. */
const MOST_ARCHIVES = 10_000;

/**
 * Where each archive begins, in order, if the file consists of archives from its first byte to its last; empty where
 * it does not. One read of 65 kB for each.
 */
export async function archiveRow(source: ByteSource, options?: ReadOptions): Promise<number[]> {
  const starts: number[] = [];
  for (let end = source.size; end > 0;) {
    const extent = parseTailExtent(await readTail(sliceSource(source, 0, end), options), end);
    if (extent === undefined || extent.start < 0 || extent.start >= end || starts.length >= MOST_ARCHIVES) return [];
    starts.push(extent.start);
    end = extent.start;
  }
  return starts.reverse();
}
