/**
 * A tensor on its way into another type: what the plan says of it.
 *
 * @module
 */
import { type DType, isQuantized } from '../dtype.js';
import { type Tensor, tensorByteLength } from '../formats/tensor.js';
import { noLoss } from '../quant/cast-loss.js';
import { canConvert } from '../quant/convert-row.js';
import { ConvertError, type TensorPiece } from './plan.js';

/** A planned tensor that has no place in a file yet. */
export type LooseTensor = Omit<TensorPiece, 'fileOffset'>;

/** What becomes of a tensor. */
export interface CastTarget {
  /** Its name in the output's layout. */
  readonly name: string;
  /** Canonical name of the tensor that it is made of; undefined for tensors that are computed. */
  readonly from: string | undefined;
  /** Its type in the output. */
  readonly dtype: DType;
  /** Its extents in the output, of as many elements; its own when absent. */
  readonly shape?: readonly number[] | undefined;
  /** A weight for each column. */
  readonly importance?: Float32Array | undefined;
  /** Whether weights that are not finite are refused. */
  readonly finite?: boolean | undefined;
}

/** Types that hold every value of another type exactly. */
const EXACT_IN: Readonly<Partial<Record<DType, readonly DType[]>>> = {
  float16: ['float32', 'float64'],
  bfloat16: ['float32', 'float64'],
  float32: ['float64'],
};

/**
 * The tensor as it is planned: its rows stay in the source's type, and become `dtype` as they are written.
 *
 * @throws ConvertError `convert/unsupported-type` when there is no such cast
 */
export function castTensor(tensor: Tensor, target: CastTarget): LooseTensor {
  const { dtype, name, from, importance, finite = false } = target;
  if (!canConvert(tensor.dtype, dtype)) {
    throw new ConvertError(
      'convert/unsupported-type',
      `${tensor.name} is ${tensor.dtype}, which cannot be written as ${dtype}`,
    );
  }
  const { shape = tensor.shape } = target;
  const exact = tensor.dtype === dtype || EXACT_IN[tensor.dtype]?.includes(dtype) === true || isQuantized(dtype);
  const loss = exact ? undefined : noLoss();
  return {
    ...{ kind: 'tensor', name, dtype, shape, from, tensor, loss, importance, finite },
    byteLength: tensorByteLength({ dtype, shape }),
  };
}
