/**
 * Reads safetensors files.
 *
 * Eight bytes of length, a JSON header, then the tensors back to back. Opening costs two reads
 * whatever the file's size; each tensor is read from its place on demand.
 *
 * @see https://github.com/huggingface/safetensors#format
 * @module
 */
import type { ByteSource, ReadOptions } from '../../source/byte-source.js';
import { contiguousTensor } from '../contiguous.js';
import type { TensorFile } from '../tensor.js';
import { parseHeader } from './header.js';
import { AGAIN, LENGTH_BYTES } from './header-json.js';
import { SafetensorsError } from './safetensors-error.js';

/** Largest header in bytes; the limit of the library, so that no reader disagrees on a file. */
const MAX_HEADER_BYTES = 100_000_000;

/** An open safetensors file. */
export interface SafetensorsFile extends TensorFile {
  /** Always `safetensors`. */
  readonly format: 'safetensors';
  /** The file's `__metadata__`, usually `format: pt`; empty where there is none. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Opens a safetensors file: reads its header and checks all of it. Closing the file closes the source;
 * when this throws, the source stays open.
 *
 * @throws SafetensorsError all codes but `safetensors/reserved-name`
 * @throws SourceError when reading fails
 */
export async function openSafetensorsFile(source: ByteSource, options?: ReadOptions): Promise<SafetensorsFile> {
  const headerLength = await readHeaderLength(source, options);
  const dataStart = LENGTH_BYTES + headerLength;
  const bytes = await source.read(LENGTH_BYTES, headerLength, options);
  const { metadata, tensors } = parseHeader(bytes, source.size - dataStart, source.name);
  return {
    format: 'safetensors',
    name: source.name,
    size: source.size,
    metadata,
    tensors: tensors.map((tensor) =>
      contiguousTensor(tensor, { source, fileOffset: dataStart + tensor.begin, storedDtype: tensor.storedDtype }),
    ),
    close: () => source.close(),
    [Symbol.asyncDispose]: () => source.close(),
  };
}

async function readHeaderLength(source: ByteSource, options: ReadOptions | undefined): Promise<number> {
  const { name: path, size } = source;
  if (size < LENGTH_BYTES) {
    throw new SafetensorsError('safetensors/truncated', `a length of 8 bytes was expected, but the file has ${size}`, {
      path,
      offset: 0,
      hint: AGAIN,
    });
  }
  const bytes = await source.read(0, LENGTH_BYTES, options);
  const view = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > MAX_HEADER_BYTES) {
    throw new SafetensorsError(
      'safetensors/header-too-large',
      `the file says its header has ${length} bytes, and at most ${MAX_HEADER_BYTES} are allowed`,
      { path, offset: 0, hint: 'this is probably not a safetensors file' },
    );
  }
  if (length <= size - LENGTH_BYTES) return length;
  throw new SafetensorsError(
    'safetensors/truncated',
    `the header should have ${length} bytes, but only ${size - LENGTH_BYTES} follow its length`,
    { path, offset: LENGTH_BYTES, hint: `the file ends inside its header: ${AGAIN}` },
  );
}
