/**
 * The block formats of ggml by their types; a further format is one more file and one more line here.
 *
 * @module
 */
import type { DType } from '../../dtype.js';
import type { BlockFormat } from '../block-format.js';
import { IQ4_NL } from './iq4-nl.js';
import { IQ4_XS } from './iq4-xs.js';
import { MXFP4 } from './mxfp4.js';
import { NVFP4 } from './nvfp4.js';
import { Q1_0 } from './q1-0.js';
import { Q2_0 } from './q2-0.js';
import { Q4_0 } from './q4-0.js';
import { Q4_1 } from './q4-1.js';
import { Q5_0 } from './q5-0.js';
import { Q5_1 } from './q5-1.js';
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
  ['iq4_nl', IQ4_NL],
  ['iq4_xs', IQ4_XS],
  ['tq1_0', TQ1_0],
  ['tq2_0', TQ2_0],
  ['mxfp4', MXFP4],
  ['nvfp4', NVFP4],
]);
