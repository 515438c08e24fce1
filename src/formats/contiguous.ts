/**
 * A tensor whose bytes lie in one piece in a file, as safetensors and GGUF store them.
 *
 * @module
 */
import { blockLayout } from '../dtype.js';
import { type ByteSource, SourceError } from '../source/byte-source.js';
import { lengthOf, readScattered } from '../source/scattered.js';
import { shownName } from './shown-name.js';
import {
  type StoredTensor,
  type TensorInfo,
  rowByteLengthOf,
  rowCountOf,
  rowsAreInside,
  tensorByteLength,
} from './tensor.js';

/** Where a tensor lies and what its file calls its type. */
export interface Place {
  /** The file. */
  readonly source: ByteSource;
  /** First byte of the tensor in it; the caller has checked that all of it is there. */
  readonly fileOffset: number;
  /** The file's own spelling of the type. */
  readonly storedDtype: string;
}

/** A tensor over a stretch of a file; each `readRows` and `readBytes` is one read. Throws SourceError `source/out-of-range`. */
export function contiguousTensor({ name, dtype, shape }: TensorInfo, place: Place): StoredTensor {
  const { source, fileOffset, storedDtype } = place;
  const rowByteLength = rowByteLengthOf({ dtype, shape });
  const byteLength = tensorByteLength({ dtype, shape });
  const { blockBytes } = blockLayout(dtype);
  const refuse = (wanted: string, present: string): never => {
    throw new SourceError('source/out-of-range', `${wanted} wanted, but the tensor ${shownName(name)} has ${present}`, {
      path: source.name,
    });
  };
  const expectRows = (first: number, count: number): void => {
    if (!rowsAreInside(shape, first, count)) refuse(`${count} rows from row ${first}`, `${rowCountOf(shape)} rows`);
  };
  return {
    name,
    dtype,
    shape,
    storedDtype,
    storage: undefined,
    viewKey: undefined,
    fileOffset,
    readRows: async (first, count, options) => {
      expectRows(first, count);
      return source.read(fileOffset + first * rowByteLength, count * rowByteLength, options);
    },
    readRowsInto: async (first, targets, options) => {
      expectRows(first, lengthOf(targets) / rowByteLength);
      await readScattered(source, fileOffset + first * rowByteLength, targets, options);
    },
    readBytes: async (start, length, options) => {
      const inside = start >= 0 && length >= 0 && start + length <= byteLength;
      if (!inside || start % blockBytes !== 0 || length % blockBytes !== 0) {
        refuse(`${length} bytes from byte ${start}`, `${byteLength} bytes in blocks of ${blockBytes}`);
      }
      return source.read(fileOffset + start, length, options);
    },
  };
}
