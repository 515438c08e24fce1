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
import { type Tensor, readRowsInto, rowByteLengthOf, rowCountOf, rowLengthOf } from '../formats/tensor.js';
import { type ReadOptions, bufferFor } from '../source/byte-source.js';

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
    readRowsInto: (first, targets, options) => readRowsInto(tensor, first, targets, options),
  };
}

/** Rows of a part that stand together in a view. */
async function readRun(part: Tensor, first: number, into: Uint8Array, options: ReadOptions | undefined): Promise<void> {
  const rows = await part.readRows(first, into.byteLength / rowByteLengthOf(part), { ...options, into });
  if (rows !== into) into.set(rows);
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
          const run = bytes.subarray((from - first) * rowBytes, (to - first) * rowBytes);
          await readRun(part, from - start, run, options);
        }
        start += partRows;
      }
      return bytes;
    },
    readRowsInto: async (first, targets, options) => {
      let left: readonly Uint8Array[] = targets;
      let row = first;
      let start = 0;
      for (const part of parts) {
        const end = start + rowCountOf(part.shape);
        if (row < end && left.length > 0) {
          const { head, rest } = splitBuffers(left, (end - row) * rowBytes);
          await readRowsInto(part, row - start, head, options);
          [left, row] = [rest, end];
        }
        start = end;
      }
    },
  };
}

/** Parts (out, in_i) side by side: shape (out, sum of in_i). One read per part, straight into the places of its columns. */
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
      let column = 0;
      const places = widths.map((width) => {
        const start = column;
        column += width;
        return Array.from({ length: count }, (_, row) => piece(bytes, row * rowBytes + start, width));
      });
      await Promise.all(parts.map((part, index) => readRowsInto(part, first, places[index]!, options)));
      return bytes;
    },
  };
}

/**
 * Rows of each group in another order: row `r` of a group is row `order[r]` of the same group of `tensor`. Whole groups are
 * read straight into their places; of others the whole groups that the rows belong to are read, at most two more.
 */
export function permuteRowsInGroups(tensor: Tensor, order: Uint32Array): Tensor {
  const rowBytes = rowByteLengthOf(tensor);
  const group = order.length;
  /** Rows of whole groups, in the order of `tensor`. */
  const readGroups = (first: number, bytes: Uint8Array, options: ReadOptions | undefined): Promise<void> => {
    const places = Array.from<Uint8Array>({ length: bytes.byteLength / rowBytes });
    for (let row = 0; row < places.length; row++) {
      const inGroup = row % group;
      places[row - inGroup + order[inGroup]!] = piece(bytes, row * rowBytes, rowBytes);
    }
    return readRowsInto(tensor, first, places, options);
  };
  return {
    name: tensor.name,
    dtype: tensor.dtype,
    shape: tensor.shape,
    rowGroup: group,
    readRows: async (first, count, options) => {
      const from = Math.floor(first / group) * group;
      const to = Math.ceil((first + count) / group) * group;
      const isWhole = from === first && to === first + count;
      const bytes = isWhole ? bufferFor(count * rowBytes, options) : new Uint8Array((to - from) * rowBytes);
      await readGroups(from, bytes, options);
      return isWhole ? bytes : piece(bytes, (first - from) * rowBytes, count * rowBytes);
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
    readRowsInto: (from, targets, options) => readRowsInto(tensor, first + from, targets, options),
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
            const into = piece(bytes, (row - first) * rowBytes, run * rowBytes);
            await readRun(part, group * rows + row - start, into, options);
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

/**
 * Columns `first` to `first + count` of a tensor without blocks as one of its own. Whole rows are read, the columns straight
 * into their places and what lies between them into one buffer over and over.
 */
export function sliceColumns(tensor: Tensor, first: number, count: number): Tensor {
  const elementBytes = byteLengthOf(tensor.dtype, 1);
  const rowBytes = count * elementBytes;
  const before = first * elementBytes;
  const between = rowByteLengthOf(tensor) - rowBytes;
  return {
    name: tensor.name,
    dtype: tensor.dtype,
    shape: [...tensor.shape.slice(0, -1), count],
    ...(tensor.rowGroup === undefined ? {} : { rowGroup: tensor.rowGroup }),
    readRows: async (from, rows, options) => {
      const bytes = bufferFor(rows * rowBytes, options);
      const unused = new Uint8Array(between);
      const places = [piece(unused, 0, before)];
      for (let row = 0; row < rows; row++) places.push(piece(bytes, row * rowBytes, rowBytes), unused);
      if (rows > 0) places.splice(-1, 1, piece(unused, 0, between - before));
      await readRowsInto(tensor, from, rows > 0 ? places : [], options);
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

function piece(bytes: Uint8Array, start: number, byteLength: number): Uint8Array {
  return bytes.subarray(start, start + byteLength);
}

/** The first `byteLength` bytes of buffers, and the others. */
function splitBuffers(buffers: readonly Uint8Array[], byteLength: number): Record<'head' | 'rest', Uint8Array[]> {
  const head: Uint8Array[] = [];
  const rest: Uint8Array[] = [];
  let left = byteLength;
  for (const buffer of buffers) {
    const length = Math.min(left, buffer.byteLength);
    if (length > 0) head.push(piece(buffer, 0, length));
    if (length < buffer.byteLength) rest.push(piece(buffer, length, buffer.byteLength - length));
    left -= length;
  }
  return { head, rest };
}
