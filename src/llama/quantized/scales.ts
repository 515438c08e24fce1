/**
 * Whether the parts of a quantized matrix fit together.
 *
 * @module
 */
import type { StoredTensor } from '../../formats/tensor.js';
import { LlamaError } from '../model.js';

/** Types that scales, zeros and adaptors may have. */
const FLOATS = ['float32', 'bfloat16', 'float16'];

/** Throws unless the tensor holds plain floats. @throws LlamaError `llama/wrong-dtype` */
export function expectFloats(tensor: StoredTensor, path: string): void {
  if (FLOATS.includes(tensor.dtype)) return;
  throw new LlamaError(
    'llama/wrong-dtype',
    `${tensor.name} is ${tensor.storedDtype}; ${FLOATS.join(', ')} can be read`,
    {
      path,
    },
  );
}

/** Throws unless the tensor has one of the shapes. @throws LlamaError `llama/wrong-shape` */
export function expectOneOfShapes(
  tensor: StoredTensor,
  shapes: readonly (readonly number[])[],
  because: string,
  path: string,
): void {
  if (shapes.some((shape) => shape.join() === tensor.shape.join())) return;
  const wanted = shapes.map(shownShape).join(' or ');
  throw new LlamaError(
    'llama/wrong-shape',
    `${tensor.name} has shape ${shownShape(tensor.shape)}; ${because} asks for ${wanted}`,
    { path },
  );
}

/** A shape for a message. */
export function shownShape(shape: readonly number[]): string {
  return `(${shape.join(', ')})`;
}

/** Rows and columns. @throws LlamaError `llama/wrong-shape` for what is no matrix or empty */
export function expectMatrix(tensor: StoredTensor, path: string): readonly [number, number] {
  const [rows = 0, columns = 0] = tensor.shape;
  if (tensor.shape.length === 2 && rows > 0 && columns > 0) return [rows, columns];
  const message = `${tensor.name} has shape ${shownShape(tensor.shape)}; quantized weights are a matrix`;
  throw new LlamaError('llama/wrong-shape', message, { path });
}
