/**
 * One file of tensors, looked at to its last byte.
 *
 * @module
 */
import { openTensorFile } from '../formats/open.js';
import type { StoredTensor } from '../formats/tensor.js';
import { type StoredElements, elementsInStorageOrder } from '../formats/torch/storage-order.js';
import { openTorchFile } from '../formats/torch/torch-file.js';
import type { ByteSource } from '../source/byte-source.js';
import { identifySource } from '../source/identify.js';
import { checkArchive } from './deep-archive.js';
import { costOf, countElements, elementsInPlace, skippedOthers } from './deep-elements.js';
import type { MemberOptions } from './deep-members.js';
import type { FileFindings } from './deep-report.js';
import { Tallies } from './deep-tallies.js';

/**
 * Looks at every byte of a file of tensors; reads it once, in blocks of 1 MiB.
 *
 * @param source - the file; the caller closes it
 * @param options - how
 * @throws CheckpointError when the file cannot be opened or read; the signal's reason
 */
export async function checkTensorFile(source: ByteSource, options: MemberOptions = {}): Promise<FileFindings> {
  const { kind } = await identifySource(source, options);
  switch (kind) {
    case 'safetensors':
    case 'gguf': {
      const file = await openTensorFile(source);
      return countAll(file.tensors, elementsInPlace, source, options);
    }
    case 'torch-legacy':
    case 'pickle':
    case 'tar': {
      const file = await openTorchFile(source, options);
      const findings = await countAll(file.tensors, elementsInStorageOrder, source, options);
      return { ...findings, skipped: [...findings.skipped, ...skippedOthers(file)] };
    }
    default: // an archive may have something before it; what is none at all is refused there
      return checkArchive(source, options);
  }
}

async function countAll<T extends StoredTensor>(
  tensors: readonly T[],
  elementsOf: (tensor: T) => StoredElements,
  source: ByteSource,
  options: MemberOptions,
): Promise<FileFindings> {
  const tallies = new Tallies(tensors, source.size, (tensor) => costOf(elementsOf(tensor)));
  for (const tallied of tallies.unread()) {
    await countElements(elementsOf(tallied.tensor), tallied.tally, options);
    tallied.state = 'done';
  }
  return { members: undefined, ...tallies.report(), error: undefined };
}
