/**
 * Tensors as rows: name, shape, type, bytes, and how many there are of them.
 *
 * @module
 */
import type { CollapsibleTensor, TensorGroup } from './collapse-layers.js';
import { extents, sized } from './numbers.js';
import { table } from './table.js';

/** A tensor that has a size. */
export interface SizedTensor extends CollapsibleTensor {
  /** Bytes in contiguous form. */
  readonly byteLength: number;
}

/** What a table says beside its groups. */
export interface TensorTableOptions {
  /** Head of the first column; `tensor` when absent. */
  readonly title?: string;
  /** Rows to put below, cell by cell. */
  readonly more?: readonly (readonly string[])[];
}

/** The head and one line a group; the size is that of one tensor. */
export function tensorTable(
  groups: readonly TensorGroup<SizedTensor>[],
  { title = 'tensor', more = [] }: TensorTableOptions = {},
): string[] {
  const several = groups.some(({ tensors }) => tensors.length > 1);
  const rows = groups.map(({ name, tensors }) => {
    const [{ shape, dtype, byteLength }] = tensors;
    const row = [name, extents(shape), dtype, sized(byteLength)];
    return several ? [...row, tensors.length === 1 ? '' : String(tensors.length)] : row;
  });
  const head = [title, 'shape', 'dtype', 'bytes', ...(several ? ['×'] : [])];
  return table([...rows, ...more], { head, numbers: [3, 4] });
}
