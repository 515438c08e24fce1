/**
 * The recipes of quantized files, one a line for each file type and role of tensor.
 *
 * Only what departs from the file's own type is written down. `gqa` is how many query heads share a key/value head:
 * where they are four or more, the value projection is so small that more bits for it cost next to nothing.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/src/llama-quant.cpp (llama_tensor_get_type_impl)
 * @module
 */
import { type DType, blockLayout } from '../dtype.js';
import type { FileTypeName } from './file-types.js';

/** What a tensor is for, by its name in GGUF. */
export type Role =
  'token_embd' | 'output' | 'attn_q' | 'attn_k' | 'attn_v' | 'attn_output' | 'ffn_gate' | 'ffn_up' | 'ffn_down';

/** Where a tensor stands, and in what model. */
export interface Place {
  /** Its layer, from 0. */
  readonly layer: number;
  /** Number of layers. */
  readonly nLayers: number;
  /** Query heads. */
  readonly nHeads: number;
  /** Key/value heads. */
  readonly nKvHeads: number;
  /** Whether an importance matrix is used. */
  readonly hasImportance: boolean;
}

/** The type for a tensor at a place; undefined for the file's own. */
type Rule = (place: Place) => DType | undefined;

/** Rules by the role of a tensor. */
export type Recipe = Readonly<Partial<Record<Role, Rule>>>;

const always =
  (dtype: DType): Rule =>
  () =>
    dtype;

/** The first eighth, sixteenth, … of the layers. */
const first =
  (part: number, dtype: DType, otherwise?: DType): Rule =>
  ({ layer, nLayers }) =>
    layer < Math.floor(nLayers / part) ? dtype : otherwise;

const sharedByFour =
  (dtype: DType, otherwise?: DType): Rule =>
  ({ nHeads, nKvHeads }) =>
    Math.floor(nHeads / nKvHeads) >= 4 ? dtype : otherwise;

/** The first and the last eighth of the layers, and every third between them. */
const moreBits =
  (dtype: DType): Rule =>
  ({ layer, nLayers }) => {
    const eighth = Math.floor(nLayers / 8);
    const more = layer < eighth || layer >= Math.floor((7 * nLayers) / 8) || (layer - eighth) % 3 === 2;
    return more ? dtype : undefined;
  };

/** The layers between the first and the last eighth. */
const middle =
  (dtype: DType): Rule =>
  ({ layer, nLayers }) =>
    layer >= Math.floor(nLayers / 8) && layer < Math.floor((7 * nLayers) / 8) ? dtype : undefined;

const withoutImportance =
  (rule: Rule): Rule =>
  (place) =>
    place.hasImportance ? undefined : rule(place);

const withImportance =
  (rule: Rule): Rule =>
  (place) =>
    place.hasImportance ? rule(place) : undefined;

/** Llama 2 and 3 of 70B give their values Q5_K where a recipe says Q3_K or Q4_K: eight heads share them. */
function isSeventyBillion({ nLayers, nHeads, nKvHeads }: Place): boolean {
  return nLayers === 80 && nHeads !== nKvHeads;
}

const values =
  (rule: Rule, own: DType): Rule =>
  (place) => {
    const dtype = rule(place) ?? own;
    return isSeventyBillion(place) && (dtype === 'q3_k' || dtype === 'q4_k') ? 'q5_k' : dtype;
  };

const LOW_BIT: Recipe = {
  token_embd: always('q2_k'),
  attn_v: sharedByFour('q4_k', 'q2_k'),
  ffn_down: first(8, 'q2_k'),
};
const TWO_BIT: Recipe = {
  ...{ token_embd: always('iq3_s'), attn_v: sharedByFour('q4_k', 'iq3_s') },
  ...{ ffn_down: first(8, 'iq3_s'), attn_output: always('iq3_s') },
};
const NON_LINEAR: Recipe = { attn_v: sharedByFour('q5_k'), ffn_down: withoutImportance(first(8, 'q5_k')) };
const TERNARY: Recipe = { token_embd: always('q4_k') };
const Q3_K_M: Recipe = {
  attn_v: values(({ layer }) => (layer < 2 ? 'q5_k' : 'q4_k'), 'q3_k'),
  ...{ ffn_down: first(16, 'q5_k', 'q4_k'), attn_output: always('q4_k') },
};
const Q4_K_M: Recipe = { attn_v: values(moreBits('q6_k'), 'q4_k'), ffn_down: moreBits('q6_k') };
const Q5_K_M: Recipe = { attn_v: moreBits('q6_k'), ffn_down: moreBits('q6_k') };
const MXFP4_MOE: Recipe = Object.fromEntries(
  ['token_embd', 'attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'].map((role) => [
    role,
    always('q8_0'),
  ]),
);

/** The recipes; a file type without one gives all its matrices its own type. */
export const RECIPES: Readonly<Partial<Record<FileTypeName, Recipe>>> = {
  q4_0: { ffn_down: withImportance(first(8, 'q4_1')) },
  q5_0: { ffn_down: withImportance(first(8, 'q5_1')) },
  q2_k: { attn_v: values(sharedByFour('q4_k', 'q3_k'), 'q2_k'), ffn_down: always('q3_k'), attn_output: always('q3_k') },
  q2_k_s: { attn_v: values(sharedByFour('q4_k'), 'q2_k'), ffn_down: first(8, 'q4_k') },
  q3_k_s: { attn_v: values(() => undefined, 'q3_k') },
  ...{ q3_k_m: Q3_K_M, q3_k: Q3_K_M },
  q3_k_l: { attn_v: always('q5_k'), ffn_down: always('q5_k'), attn_output: always('q5_k') },
  q4_k_s: { attn_v: values(({ layer }) => (layer < 4 ? 'q5_k' : undefined), 'q4_k'), ffn_down: first(8, 'q5_k') },
  ...{ q4_k_m: Q4_K_M, q4_k: Q4_K_M },
  ...{ q5_k_m: Q5_K_M, q5_k: Q5_K_M },
  ...{ iq1_s: { ...LOW_BIT, attn_output: always('iq2_xxs') }, iq1_m: { ...LOW_BIT, attn_output: always('iq2_xxs') } },
  ...{ iq2_xxs: LOW_BIT, iq2_xs: LOW_BIT, iq2_s: TWO_BIT, iq2_m: TWO_BIT },
  iq3_xxs: {
    token_embd: always('iq3_s'),
    attn_v: values((place) => sharedByFour('q4_k', place.hasImportance ? 'iq3_xxs' : 'iq3_s')(place), 'iq3_xxs'),
    ...{ attn_q: always('iq2_s'), attn_k: always('iq2_s'), attn_output: always('iq3_s') },
    ffn_down: withoutImportance(first(8, 'q4_k', 'q3_k')),
  },
  iq3_xs: {
    attn_v: values(sharedByFour('q4_k'), 'iq3_s'),
    ...{ attn_q: always('iq3_xxs'), attn_k: always('iq3_xxs') },
    ...{ ffn_gate: middle('iq3_xxs'), ffn_up: middle('iq3_xxs') },
  },
  iq3_s: { attn_v: values(sharedByFour('q4_k'), 'iq3_s') },
  iq3_m: { attn_v: values(always('q4_k'), 'iq3_s'), ffn_down: first(8, 'q4_k'), attn_output: always('q4_k') },
  ...{ iq4_nl: NON_LINEAR, iq4_xs: NON_LINEAR },
  ...{ tq1_0: TERNARY, tq2_0: TERNARY, q2_0: TERNARY },
  mxfp4_moe: MXFP4_MOE,
};

const FIVE_BIT_OUTPUT: ReadonlySet<FileTypeName> = new Set([
  ...(['iq1_s', 'iq1_m', 'iq2_xxs', 'iq2_xs', 'iq2_s', 'iq2_m', 'iq3_xxs'] as const),
]);

/** The type of the output matrix: it turns every error into a wrong token, so it gets more bits than the rest. */
export function outputTypeOf(fileType: FileTypeName, own: DType, rowLength: number): DType {
  if (fileType === 'mxfp4_moe' || own === 'q8_0') return 'q8_0';
  if (rowLength % blockLayout(own).blockElements !== 0) return 'q8_0';
  return FIVE_BIT_OUTPUT.has(fileType) ? 'q5_k' : 'q6_k';
}
