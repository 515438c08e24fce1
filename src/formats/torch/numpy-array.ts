/**
 * NumPy's arrays inside a pickle.
 *
 * An array is pickled as an empty one and a state with its shape, its type and its bytes; since protocol 5
 * as a call with the bytes. NumPy turns the bytes of another byte order around when it reads the former, and
 * keeps those of the latter as they are.
 *
 * @see https://github.com/numpy/numpy/blob/main/numpy/_core/src/multiarray/methods.c (array_reduce, array_setstate)
 * @module
 */
import { isKind, qualifiedName } from '../../pickle/access.js';
import type { PickleValue, ReduceValue } from '../../pickle/values.js';
import { type NumpyDtype, nativeDtype, numpyDtype } from './numpy-dtype.js';
import { rawBytes } from './python-bytes.js';
import { swapBytes } from './signs-and-order.js';

/** An array. */
export interface NumpyArray {
  /** Type of its elements, as NumPy has it after reading. */
  readonly dtype: NumpyDtype;
  /** Extents, slowest first. */
  readonly shape: readonly number[];
  /** Its elements, where they are Python objects. */
  readonly objects: readonly PickleValue[] | undefined;
  /** Its bytes in row-major order, little-endian but for records; empty where its elements are objects. */
  readonly bytes: () => Uint8Array;
}

/** Dimensions of an array; NumPy stops at 64. */
const MOST_DIMENSIONS = 64;

/** The array that a call makes; undefined for any other call, and where shape, type and bytes do not fit. */
export function numpyArray(value: ReduceValue): NumpyArray | undefined {
  if (!isKind(value.callable, 'global') || !isKind(value.args, 'tuple')) return undefined;
  const name = qualifiedName(value.callable);
  if (RECONSTRUCT.test(name)) return reconstructed(value.args.items, value.states);
  return FROM_BUFFER.test(name) && value.states.length === 0 ? fromBuffer(value.args.items) : undefined;
}

const RECONSTRUCT = /^numpy\.(?:_core|core)\.multiarray\._reconstruct$/;
const FROM_BUFFER = /^numpy\.(?:_core|core)\.numeric\._frombuffer$/;
const ARRAY_CLASSES = ['numpy.ndarray', 'numpy.matrix', 'numpy.memmap'];

/** class, shape, type; then the state: version, shape, type, whether in Fortran's order, bytes or a list */
function reconstructed(
  [type]: readonly PickleValue[],
  [state, ...others]: readonly PickleValue[],
): NumpyArray | undefined {
  if (!isKind(type, 'global') || !ARRAY_CLASSES.includes(qualifiedName(type)) || others.length > 0) return undefined;
  const [, size, dtypeValue, isFortran, data] = isKind(state, 'tuple') ? state.items : [];
  const [shape, dtype] = [shapeOf(size), numpyDtype(dtypeValue)];
  if (shape === undefined || dtype === undefined) return undefined;
  if (dtype.hasObjects) {
    return isKind(data, 'list') ? { dtype, shape, objects: data.items, bytes: () => new Uint8Array(0) } : undefined;
  }
  return arrayOf(shape, dtype, nativeDtype(dtype), isFortran === true, rawBytes(data));
}

/** bytes, type, shape, order */
function fromBuffer([data, type, size, order]: readonly PickleValue[]): NumpyArray | undefined {
  const [shape, dtype] = [shapeOf(size), numpyDtype(type)];
  if (shape === undefined || dtype === undefined || dtype.hasObjects) return undefined;
  return arrayOf(shape, dtype, dtype, order === 'F', rawBytes(data));
}

function arrayOf(
  shape: readonly number[],
  stored: NumpyDtype,
  dtype: NumpyDtype,
  isFortran: boolean,
  data: Uint8Array | undefined,
): NumpyArray | undefined {
  const length = shape.reduce((product, extent) => product * extent, stored.itemBytes);
  if (data?.byteLength !== length) return undefined;
  const bytes = (): Uint8Array => {
    const ordered = isFortran ? fromFortranOrder(data, shape, stored.itemBytes) : Uint8Array.from(data);
    if (stored.bigEndian) swapBytes(ordered, stored.swapUnit);
    return ordered;
  };
  return { dtype, shape, objects: undefined, bytes };
}

function shapeOf(value: PickleValue | undefined): readonly number[] | undefined {
  const items = isKind(value, 'tuple') ? value.items : undefined;
  const isShape = (extents: readonly PickleValue[]): extents is number[] =>
    extents.length <= MOST_DIMENSIONS && extents.every((extent) => typeof extent === 'number' && extent >= 0);
  return items !== undefined && isShape(items) ? items : undefined;
}

/** Elements that lie with the first index fastest, with the last fastest. */
function fromFortranOrder(bytes: Uint8Array, shape: readonly number[], itemBytes: number): Uint8Array {
  const result = new Uint8Array(bytes.byteLength);
  const steps: number[] = [];
  let step = itemBytes;
  for (const extent of shape) {
    steps.push(step);
    step *= extent;
  }
  const index = shape.map(() => 0);
  for (let to = 0, from = 0; to < result.byteLength; to += itemBytes) {
    result.set(bytes.subarray(from, from + itemBytes), to);
    for (let dimension = shape.length - 1; dimension >= 0; dimension -= 1) {
      index[dimension]! += 1;
      from += steps[dimension]!;
      if (index[dimension]! < shape[dimension]!) break;
      from -= steps[dimension]! * shape[dimension]!;
      index[dimension] = 0;
    }
  }
  return result;
}
