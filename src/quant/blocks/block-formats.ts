/**
 * The block formats of ggml by their types; a further format is one more file and one more line here.
 *
 * @module
 */
import type { DType } from '../../dtype.js';
import type { BlockFormat } from '../block-format.js';
import { IQ1_M } from './iq1-m.js';
import { IQ1_S } from './iq1-s.js';
import { IQ2_S } from './iq2-s.js';
import { IQ2_XS } from './iq2-xs.js';
import { IQ2_XXS } from './iq2-xxs.js';
import { IQ3_S } from './iq3-s.js';
import { IQ3_XXS } from './iq3-xxs.js';
import { IQ4_NL } from './iq4-nl.js';
import { IQ4_XS } from './iq4-xs.js';
import { MXFP4 } from './mxfp4.js';
import { NVFP4 } from './nvfp4.js';
import { Q1_0 } from './q1-0.js';
import { Q2_0 } from './q2-0.js';
import { Q2_K } from './q2-k.js';
import { Q3_K } from './q3-k.js';
import { Q4_0 } from './q4-0.js';
import { Q4_1 } from './q4-1.js';
import { Q4_K } from './q4-k.js';
import { Q5_0 } from './q5-0.js';
import { Q5_1 } from './q5-1.js';
import { Q5_K } from './q5-k.js';
import { Q6_K } from './q6-k.js';
import { Q8_0 } from './q8-0.js';
import { Q8_1 } from './q8-1.js';
import { Q8_K } from './q8-k.js';
import { TQ1_0 } from './tq1-0.js';
import { TQ2_0 } from './tq2-0.js';

/** Every block format that can be read. */
export const BLOCK_FORMATS: ReadonlyMap<DType, BlockFormat> = new Map<DType, BlockFormat>([
  ['q4_0', Q4_0],
  ['q4_1', Q4_1],
  ['q5_0', Q5_0],
  ['q5_1', Q5_1],
  ['q8_0', Q8_0],
  ['q8_1', Q8_1],
  ['q8_k', Q8_K],
  ['q1_0', Q1_0],
  ['q2_0', Q2_0],
  ['q2_k', Q2_K],
  ['q3_k', Q3_K],
  ['q4_k', Q4_K],
  ['q5_k', Q5_K],
  ['q6_k', Q6_K],
  ['iq1_s', IQ1_S],
  ['iq1_m', IQ1_M],
  ['iq2_xxs', IQ2_XXS],
  ['iq2_xs', IQ2_XS],
  ['iq2_s', IQ2_S],
  ['iq3_xxs', IQ3_XXS],
  ['iq3_s', IQ3_S],
  ['iq4_nl', IQ4_NL],
  ['iq4_xs', IQ4_XS],
  ['tq1_0', TQ1_0],
  ['tq2_0', TQ2_0],
  ['mxfp4', MXFP4],
  ['nvfp4', NVFP4],
]);
