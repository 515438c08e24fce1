/**
 * NumPy's `.npy` file of one float32 array, so that logits can be read by anything that knows NumPy.
 *
 * The header is a Python literal, padded with spaces so that the data begin at a multiple of 64 bytes.
 *
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 * @module
 */
import { elementCount } from '../dtype.js';
import { ForwardError } from './errors.js';

const MAGIC = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0); // \x93NUMPY, version 1.0

/** Data of a `.npy` file begin at a multiple of this many bytes. */
const ALIGNMENT = 64;

/**
 * The bytes of a `.npy` file, version 1.0, little-endian, C order.
 *
 * @param values - elements, row-major
 * @param shape - extents, slowest first; empty for a scalar
 * @throws ForwardError `forward/bad-array` where the shape does not hold as many elements as there are values
 */
export function encodeNpy(values: Float32Array, shape: readonly number[]): Uint8Array {
  if (elementCount(shape) !== values.length) {
    const extents = shape.join(', ');
    throw new ForwardError('forward/bad-array', `the shape [${extents}] does not hold ${values.length} values`);
  }
  const extents = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const literal = `{'descr': '<f4', 'fortran_order': False, 'shape': (${extents}), }`;
  const prefix = MAGIC.length + 2; // magic, version, length of the header
  const dataStart = Math.ceil((prefix + literal.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = new TextEncoder().encode(`${literal.padEnd(dataStart - prefix - 1)}\n`);
  const bytes = new Uint8Array(dataStart + values.byteLength);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint16(MAGIC.length, header.length, true);
  bytes.set(header, prefix);
  values.forEach((value, i) => view.setFloat32(dataStart + i * Float32Array.BYTES_PER_ELEMENT, value, true));
  return bytes;
}
