/**
 * What quantizing to each type does to a tensor, and to the logits.
 *
 * There is no one error of a type: it depends on the weights, and with an importance matrix a quantizer gives up
 * columns that matter little for the sake of others. So these limits are measured, with `bench/quantization-errors.mjs`:
 * the largest error of a tensor, a row and a block relative to its root mean square, and of an element relative to
 * the largest of its block. `ordinary` is the worst over all matrices of the fixtures' models and over synthetic ones
 * (normal, Laplace, Student t with 3 degrees of freedom, normal with a thousandth of the weights 20 times larger),
 * with and without lognormal importances; `wild` is the worst where importances are spread over six orders of
 * magnitude (lognormal, sigma 3), which changes only the types that use them.
 *
 * | type    | ordinary: tensor, row, block, element | wild: tensor, row, block, element |
 * | ------- | ------------------------------------- | --------------------------------- |
 * | q8_0    | 0.0083  0.013  0.014  0.0043          |                                   |
 * | q6_k    | 0.026   0.037  0.041  0.074           | 0.046  0.16  0.20  0.43           |
 * | q5_0    | 0.065   0.088  0.11   0.12            | 0.081  0.24  0.37  0.39           |
 * | q5_1    | 0.048   0.055  0.075  0.094           | 0.055  0.11  0.30  0.33           |
 * | q5_k    | 0.048   0.053  0.062  0.085           | 0.055  0.23  0.30  0.41           |
 * | q4_0    | 0.13    0.16   0.23   0.24            | 0.15   0.30  0.54  0.54           |
 * | q4_1    | 0.099   0.13   0.15   0.22            | 0.11   0.24  0.61  0.64           |
 * | q4_k    | 0.096   0.11   0.12   0.20            | 0.11   0.24  0.40  0.64           |
 * | iq4_nl  | 0.10    0.13   0.18   0.20            | 0.12   0.33  0.50  0.53           |
 * | iq4_xs  | 0.10    0.13   0.15   0.19            | 0.12   0.32  0.42  0.50           |
 * | mxfp4   | 0.14    0.22   0.25   0.25            |                                   |
 * | nvfp4   | 0.10    0.13   0.14   0.17            |                                   |
 * | q3_k    | 0.19    0.21   0.24   0.37            | 0.22   0.28  0.37  0.56           |
 * | iq3_s   | 0.22    0.33   0.39   0.39            | 0.25   0.50  0.64  0.84           |
 * | iq3_xxs | 0.28    0.38   0.45   1.0             | 0.32   0.53  0.66  1.2            |
 * | q2_k    | 0.35    0.40   0.47   0.89            | 0.39   0.58  0.75  1.0            |
 * | iq2_s   | 0.43    0.67   0.72   0.68            | 0.44   0.75  0.81  0.97           |
 * | iq2_xs  | 0.44    0.65   0.69   1.0             | 0.49   0.72  0.79  1.4            |
 * | iq2_xxs | 0.55    0.88   0.98   1.1             | 0.62   0.94  1.0   1.6            |
 * | iq1_m   | 0.60    0.71   0.72   1.4             | 0.62   0.77  0.88  1.6            |
 * | iq1_s   | 0.62    0.76   0.82   1.5             | 0.67   0.84  0.95  1.5            |
 * | q2_0    | 0.74    0.90   0.91   0.50            |                                   |
 * | q1_0    | 0.75    0.92   0.98   0.98            |                                   |
 * | tq1_0, tq2_0 | 0.86 0.96  0.96   0.50           |                                   |
 *
 * The limit is 1.5 times the ordinary figure or 1.1 times the wild one, whichever is larger: half as much again is
 * room for weights that lie worse and for quantizers that search less well than ggml's. From about 1 on nothing can
 * be seen, because another row, or none at all, is no further off; so types of at most two bits have but a fifth
 * of room, and q1_0, which never errs by more than the whole, has 1. Logits may be two to ten times further off than
 * those of any fixture whose coarsest type it is, made by any recipe: random weights react more strongly than trained
 * ones, but models in use have more layers than the fixtures.
 *
 * @see docs/quantization.md (what these limits let pass, and what they do not)
 * @module
 */
import type { DType } from '../dtype.js';

/** Most that quantizing to a type may change. */
export interface Quantization {
  /** RMSE of a tensor relative to its root mean square. */
  readonly tensor: number;
  /** The same of a single row. */
  readonly row: number;
  /** The same of a single block. */
  readonly block: number;
  /** Error of a single element relative to the largest of its block. */
  readonly element: number;
  /** Error that no quantizer avoids where weights are tiny, because the scale is a coarse number itself. */
  readonly smallest: number;
  /** NMSE of logits. */
  readonly logitsNmse: number;
}

/** Half of the smallest number of half precision: what rounding a scale may add or take away. */
const HALF_UNIT = 2 ** -25;

/** The same of nvfp4, whose scales have eight bits: half of 2^-9, times the largest of its four-bit floats. */
const SMALLEST_NVFP4 = 6 * 2 ** -10;

/** Scales of mxfp4 are powers of two from 2^-127 on, so it has no coarse end that a weight could reach. */
const SMALLEST_MXFP4 = 2 ** -120;

/** The figures by type; `smallest` is the largest multiple of a block's scale that an element can be, times its rounding. */
export const QUANTIZATIONS: Readonly<Partial<Record<DType, Quantization>>> = {
  q8_0: limits([0.013, 0.02, 0.022, 0.0065], 128 * HALF_UNIT, 0.01),
  q6_k: limits([0.051, 0.19, 0.22, 0.48], 4096 * HALF_UNIT, 0.05),
  q5_0: limits([0.098, 0.26, 0.42, 0.43], 16 * HALF_UNIT, 0.2),
  q5_1: limits([0.073, 0.13, 0.33, 0.36], 32 * HALF_UNIT, 0.2),
  q5_k: limits([0.072, 0.26, 0.33, 0.45], 2048 * HALF_UNIT, 0.2),
  q4_0: limits([0.2, 0.34, 0.6, 0.59], 8 * HALF_UNIT, 0.6),
  q4_1: limits([0.15, 0.27, 0.68, 0.71], 16 * HALF_UNIT, 0.6),
  q4_k: limits([0.15, 0.26, 0.44, 0.71], 1024 * HALF_UNIT, 0.6),
  iq4_nl: limits([0.16, 0.36, 0.55, 0.59], 128 * HALF_UNIT, 0.6),
  iq4_xs: limits([0.16, 0.36, 0.47, 0.55], 4096 * HALF_UNIT, 0.6),
  mxfp4: limits([0.22, 0.33, 0.39, 0.38], SMALLEST_MXFP4, 0.6),
  nvfp4: limits([0.16, 0.2, 0.21, 0.26], SMALLEST_NVFP4, 0.6),
  q3_k: limits([0.29, 0.32, 0.41, 0.62], 128 * HALF_UNIT, 1),
  iq3_s: limits([0.33, 0.55, 0.71, 0.92], 512 * HALF_UNIT, 1),
  iq3_xxs: limits([0.42, 0.59, 0.73, 1.6], 512 * HALF_UNIT, 1.2),
  q2_k: limits([0.47, 0.71, 0.9, 1.2], 64 * HALF_UNIT, 2),
  iq2_s: limits([0.53, 0.9, 0.98, 1.2], 256 * HALF_UNIT, 2),
  iq2_xs: limits([0.59, 0.87, 0.95, 1.7], 256 * HALF_UNIT, 2),
  iq2_xxs: limits([0.75, 1.2, 1.3, 2], 256 * HALF_UNIT, 2),
  iq1_m: limits([0.75, 0.92, 1.1, 1.9], 32 * HALF_UNIT, 2.5),
  iq1_s: limits([0.81, 1.1, 1.2, 1.9], 32 * HALF_UNIT, 2.5),
  q2_0: limits([0.89, 1.1, 1.1, 0.6], 2 * HALF_UNIT, 4),
  q1_0: limits([1, 1, 1, 1], HALF_UNIT, 4),
  tq1_0: limits([1, 1.2, 1.2, 0.6], HALF_UNIT, 4),
  tq2_0: limits([1, 1.2, 1.2, 0.6], HALF_UNIT, 4),
};

type Shares = readonly [tensor: number, row: number, block: number, element: number];

function limits([tensor, row, block, element]: Shares, smallest: number, logitsNmse: number): Quantization {
  return { tensor, row, block, element, smallest, logitsNmse };
}
