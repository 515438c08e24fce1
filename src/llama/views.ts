/**
 * Tensors made of other tensors, still lazy: each view is a function on blocks of rows.
 *
 * A view reads no more than the rows asked for (a permutation: the heads these rows belong to), so a
 * pipeline of views runs in a few blocks of memory. Nothing here but `cast` touches a value: every other
 * view is exact in any dtype.
 *
 * @module
 */
import { type DType, byteLengthOf } from '../dtype.js';
import { type Tensor, rowByteLengthOf, rowCountOf, rowLengthOf } from '../formats/tensor.js';
import { bufferFor } from '../source/byte-source.js';

/** The same tensor under another name. */
export function renamed(tensor: Tensor, name: string): Tensor {
  return tensor.name === name ? tensor : renamedCopy(tensor, name);
}

function renamedCopy(tensor: Tensor, name: string): Tensor {
  return {
    name,
    dtype: tensor.dtype,
    shape: tensor.shape,
    ...(tensor.rowGroup === undefined ? {} : { rowGroup: tensor.rowGroup }),
    readRows: (first, count, options) => tensor.readRows(first, count, options),
  };
}

/** Parts (out_i, in) one below the other: shape (sum of out_i, in). One read per part that the rows touch. */
export function concatRows(name: string, parts: readonly [Tensor, ...Tensor[]]): Tensor {
  const rowBytes = rowByteLengthOf(parts[0]);
  const rows = parts.reduce((sum, part) => sum + rowCountOf(part.shape), 0);
  return {
    name,
    dtype: parts[0].dtype,
    shape: [rows, ...parts[0].shape.slice(1)],
    readRows: async (first, count, options) => {
      const bytes = bufferFor(count * rowBytes, options);
      let start = 0;
      for (const part of parts) {
        const partRows = rowCountOf(part.shape);
        const from = Math.max(first, start);
        const to = Math.min(first + count, start + partRows);
        if (from < to) {
          const block = await part.readRows(from - start, to - from, { ...options, into: undefined });
          bytes.set(block, (from - first) * rowBytes);
        }
        start += partRows;
      }
      return bytes;
    },
  };
}

/** Parts (out, in_i) side by side: shape (out, sum of in_i). One read per part. */
export function concatColumns(name: string, parts: readonly [Tensor, ...Tensor[]]): Tensor {
  const widths = parts.map(rowByteLengthOf);
  const rowBytes = widths.reduce((sum, width) => sum + width, 0);
  const columns = parts.reduce((sum, part) => sum + rowLengthOf(part.shape), 0);
  return {
    name,
    dtype: parts[0].dtype,
    shape: [...parts[0].shape.slice(0, -1), columns],
    readRows: async (first, count, options) => {
      const bytes = bufferFor(count * rowBytes, options);
      const parted = { ...options, into: undefined };
      const blocks = await Promise.all(parts.map((part) => part.readRows(first, count, parted)));
      let column = 0;
      blocks.forEach((block, part) => {
        const width = widths[part]!;
        for (let row = 0; row < count; row++) {
          bytes.set(block.subarray(row * width, (row + 1) * width), row * rowBytes + column);
        }
        column += width;
      });
      return bytes;
    },
  };
}

/**
 * Rows of each group in another order: row `r` of a group is row `order[r]` of the same group of `tensor`.
 * Reads the whole groups that the rows belong to: at most `count` rows and two groups.
 */
export function permuteRowsInGroups(tensor: Tensor, order: Uint32Array): Tensor {
  const rowBytes = rowByteLengthOf(tensor);
  const group = order.length;
  return {
    name: tensor.name,
    dtype: tensor.dtype,
    shape: tensor.shape,
    rowGroup: group,
    readRows: async (first, count, options) => {
      const from = Math.floor(first / group) * group;
      const to = Math.ceil((first + count) / group) * group;
      const source = await tensor.readRows(from, to - from, { ...options, into: undefined });
      const bytes = bufferFor(count * rowBytes, options);
      for (let row = 0; row < count; row++) {
        const inGroup = (first + row) % group;
        const at = first + row - inGroup + order[inGroup]! - from;
        bytes.set(source.subarray(at * rowBytes, (at + 1) * rowBytes), row * rowBytes);
      }
      return bytes;
    },
  };
}

/** `count` rows from row `first` on: shape (count, ...). */
export function sliceRows(tensor: Tensor, first: number, count: number): Tensor {
  return {
    name: tensor.name,
    dtype: tensor.dtype,
    shape: [count, ...tensor.shape.slice(1)],
    ...(tensor.rowGroup !== undefined && first % tensor.rowGroup === 0 ? { rowGroup: tensor.rowGroup } : {}),
    readRows: (from, rows, options) => tensor.readRows(first + from, rows, options),
  };
}

/** The same rows under another name and with other extents, of which the last is the same. */
export function reshaped(tensor: Tensor, name: string, shape: readonly number[]): Tensor {
  return { ...renamedCopy(tensor, name), shape };
}

/** Parts (groups * rows_i, in), joined group by group: shape (groups * sum of rows_i, in). One read per run of a part's rows. */
export function concatRowsInGroups(name: string, parts: readonly [Tensor, ...Tensor[]], groups: number): Tensor {
  const rowBytes = rowByteLengthOf(parts[0]);
  const partRows = parts.map(({ shape }) => rowCountOf(shape) / groups);
  const groupRows = partRows.reduce((sum, rows) => sum + rows, 0);
  return {
    name,
    dtype: parts[0].dtype,
    shape: [groups * groupRows, rowLengthOf(parts[0].shape)],
    readRows: async (first, count, options) => {
      const bytes = bufferFor(count * rowBytes, options);
      for (let row = first; row < first + count;) {
        const group = Math.floor(row / groupRows);
        let start = group * groupRows;
        for (const [index, part] of parts.entries()) {
          const rows = partRows[index]!;
          const run = Math.min(start + rows, first + count) - row;
          if (row >= start && run > 0) {
            const block = await part.readRows(group * rows + row - start, run, { ...options, into: undefined });
            bytes.set(block, (row - first) * rowBytes);
            row += run;
          }
          start += rows;
        }
      }
      return bytes;
    },
  };
}

/** The transposed matrix (in, out). Every block reads the whole matrix and holds it: for small ones only. */
export function transposed(tensor: Tensor): Tensor {
  const [rows = 0, columns = 0] = tensor.shape;
  const itemBytes = rowByteLengthOf({ dtype: tensor.dtype, shape: [1] });
  return {
    name: tensor.name,
    dtype: tensor.dtype,
    shape: [columns, rows],
    readRows: async (first, count, options) => {
      const source = await tensor.readRows(0, rows, { ...options, into: undefined });
      const bytes = bufferFor(count * rows * itemBytes, options);
      for (let column = first; column < first + count; column++) {
        for (let row = 0; row < rows; row++) {
          const at = (row * columns + column) * itemBytes;
          bytes.set(source.subarray(at, at + itemBytes), ((column - first) * rows + row) * itemBytes);
        }
      }
      return bytes;
    },
  };
}

/** Columns `first` to `first + count` of a tensor without blocks as one of its own; reads whole rows. */
export function sliceColumns(tensor: Tensor, first: number, count: number): Tensor {
  const elementBytes = byteLengthOf(tensor.dtype, 1);
  const wholeBytes = rowByteLengthOf(tensor);
  const rowBytes = count * elementBytes;
  return {
    name: tensor.name,
    dtype: tensor.dtype,
    shape: [...tensor.shape.slice(0, -1), count],
    ...(tensor.rowGroup === undefined ? {} : { rowGroup: tensor.rowGroup }),
    readRows: async (from, rows, options) => {
      const whole = await tensor.readRows(from, rows, { ...options, into: undefined });
      const bytes = bufferFor(rows * rowBytes, options);
      for (let row = 0; row < rows; row++) {
        const at = row * wholeBytes + first * elementBytes;
        bytes.set(whole.subarray(at, at + rowBytes), row * rowBytes);
      }
      return bytes;
    },
  };
}

/**
 * The tensor in another type, lazily; itself where it has that type already. What casting loses is not counted. A block
 * of rows is held in both types.
 */
export function cast(tensor: Tensor, dtype: DType): Tensor {
  if (tensor.dtype === dtype) return tensor;
  const { name, shape, rowGroup } = tensor;
  const rowBytes = rowByteLengthOf({ dtype, shape });
  return {
    ...{ name, shape, dtype },
    ...(rowGroup === undefined ? {} : { rowGroup }),
    readRows: async (first, count, options) => {
      const rows = await tensor.readRows(first, count, { ...options, into: undefined });
      const bytes = bufferFor(count * rowBytes, options);
      const { convertRow } = await import('../quant/convert-row.js'); // headers are read without it
      convertRow(tensor.dtype, dtype, rows, bytes);
      return bytes;
    },
  };
}
