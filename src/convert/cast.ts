/**
 * A tensor's rows in another element type, still lazy.
 *
 * @module
 */
import type { DType } from '../dtype.js';
import { type Tensor, rowByteLengthOf } from '../formats/tensor.js';
import { type CastLoss, noLoss } from '../quant/cast-loss.js';
import { canConvert, convertRow } from '../quant/convert-row.js';
import { ConvertError } from './plan.js';

/** A tensor in another type, and the count of what that loses (filled as rows are read). */
export interface CastTensor {
  /** The view; the tensor itself when the type is the same. */
  readonly tensor: Tensor;
  /** Values lost so far; undefined when nothing can be lost. */
  readonly loss: CastLoss | undefined;
}

/** Types that hold every value of another type exactly. */
const EXACT_IN: Readonly<Partial<Record<DType, readonly DType[]>>> = {
  float16: ['float32', 'float64'],
  bfloat16: ['float32', 'float64'],
  float32: ['float64'],
};

/**
 * The tensor with its rows cast to `dtype`; one block of rows in memory at a time.
 *
 * @throws ConvertError `convert/unsupported-type` when there is no such cast
 */
export function castTensor(tensor: Tensor, dtype: DType): CastTensor {
  if (tensor.dtype === dtype) return { tensor, loss: undefined };
  if (!canConvert(tensor.dtype, dtype)) {
    throw new ConvertError(
      'convert/unsupported-type',
      `${tensor.name} is ${tensor.dtype}, which cannot be written as ${dtype}`,
    );
  }
  const loss = EXACT_IN[tensor.dtype]?.includes(dtype) === true ? undefined : noLoss();
  const rowBytes = rowByteLengthOf({ dtype, shape: tensor.shape });
  const view: Tensor = {
    name: tensor.name,
    dtype,
    shape: tensor.shape,
    ...(tensor.rowGroup === undefined ? {} : { rowGroup: tensor.rowGroup }),
    readRows: async (first, count, options) => {
      const bytes = await tensor.readRows(first, count, options);
      const cast = new Uint8Array(count * rowBytes);
      convertRow(tensor.dtype, dtype, bytes, cast, loss);
      return cast;
    },
  };
  return { tensor: view, loss };
}
