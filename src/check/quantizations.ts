/**
 * What quantizing to each type does to a tensor, and to the logits.
 *
 * Measured on 2026-11-24 over the matrices of the text models in `fixtures/` and over synthetic ones (normal, Laplace, Student's t
 * with 3 degrees of freedom, normal with a thousandth of the weights 20 times larger), with importances and without, by
 * the quantizers of this package, whose blocks are ggml's. Allowed is one and a half times the largest RMSE of a tensor and
 * error of an element, twice that of a row, as others quantize otherwise, and for the logits three times the largest NMSE of a model in
 * `fixtures/`: most of these have random weights, which react more strongly than trained ones.
 *
 * | type | RMSE of a tensor | of a row | NMSE of logits |
 * | --- | --- | --- | --- |
 * | Q8_0 | 0.9 % | 1.2 % | 1e-3 |
 * | Q6_K | 2.9 % | 6.6 % | 8e-3 |
 * | Q5_K, Q5_1 | 4.9 % | 5.6 % | 5e-2 |
 * | Q4_K | 10 % | 12 % | 8e-2 |
 * | Q4_0, IQ4_NL | 13 % | 16 % | 0.2 |
 * | Q3_K | 20 % | 25 % | 0.5 |
 * | Q2_K | 36 % | 42 % | 0.8 |
 *
 * A row in another row's place has an RMSE of 141 %, whatever the type; so no row is allowed more than 120 %. What types of
 * one and two bits do to a row comes close to that, and a changed weight hides among their errors: of these only gross
 * damage is seen.
 *
 * @module
 */
import type { DType } from '../dtype.js';

/** Most that quantizing to a type may change. */
export interface Quantization {
  /** RMSE of a tensor relative to its root mean square. */
  readonly tensor: number;
  /** The same of a single row. */
  readonly row: number;
  /** Error of a single element relative to the largest of the 32 around it. */
  readonly element: number;
  /** Error that no type avoids where weights are tiny: scales of half precision end at 2^-24. */
  readonly smallest: number;
  /** NMSE of logits. */
  readonly logitsNmse: number;
}

/** Largest RMSE of a row that still tells it from another row. */
const MOST_OF_A_ROW = 1.2;

/** Half the last unit of half precision, times the largest level and quantized scale of any type. */
const SMALLEST = 2 ** -25 * 127;

/** The largest figures measured, with room. */
function measured(tensor: number, row: number, element: number, nmse: number): Quantization {
  return {
    tensor: Math.min(MOST_OF_A_ROW, 1.5 * tensor),
    row: Math.min(MOST_OF_A_ROW, 2 * row),
    element: 1.5 * element,
    smallest: SMALLEST,
    logitsNmse: 3 * nmse,
  };
}

/** The figures by type. */
export const QUANTIZATIONS: Readonly<Partial<Record<DType, Quantization>>> = {
  q8_0: measured(0.0088, 0.0116, 0.0043, 1e-3),
  q6_k: measured(0.0285, 0.0663, 0.1016, 8.1e-3),
  q5_k: measured(0.0491, 0.055, 0.294, 4.6e-2),
  q5_1: measured(0.0492, 0.056, 0.1382, 4.9e-2),
  q5_0: measured(0.0695, 0.0866, 0.1274, 5.6e-2),
  q4_k: measured(0.0998, 0.1172, 0.2916, 8e-2),
  q4_1: measured(0.1022, 0.1295, 0.3196, 0.19),
  q4_0: measured(0.1329, 0.1559, 0.2567, 0.17),
  iq4_nl: measured(0.1078, 0.1465, 0.2552, 0.18),
  iq4_xs: measured(0.1082, 0.1342, 0.3992, 0.18),
  nvfp4: measured(0.104, 0.1263, 0.2, 0.18),
  mxfp4: measured(0.1391, 0.1956, 0.25, 0.2),
  q3_k: measured(0.1956, 0.2483, 0.5208, 0.45),
  iq3_s: measured(0.2448, 0.2811, 0.6368, 0.36),
  iq3_xxs: measured(0.3091, 0.3602, 1.1238, 0.5),
  q2_k: measured(0.3557, 0.4237, 1.4267, 0.81),
  iq2_s: measured(0.4752, 0.6129, 0.904, 0.9),
  iq2_xs: measured(0.4689, 0.5764, 1.4417, 0.9),
  iq2_xxs: measured(0.5824, 0.744, 1.3423, 1),
  iq1_m: measured(0.6231, 0.7013, 1.9678, 1.5),
  iq1_s: measured(0.655, 0.7354, 1.5455, 1.5),
  tq1_0: measured(0.8617, 0.96, 1, 1.9),
  tq2_0: measured(0.8617, 0.96, 1, 1.9),
  q1_0: measured(0.7773, 0.9095, 0.9779, 1.7),
  q2_0: measured(0.7419, 0.9006, 1, 1.8),
};
