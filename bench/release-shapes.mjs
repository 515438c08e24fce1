// @ts-check
/**
 * The releases that a synthetic checkpoint can look like: their `params.json`, the tensors that follow, and Meta's cut.
 *
 * Written down here once more, from Meta's code and not from `src/`, so that what is made tests what reads it.
 *
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama3/model.py
 * @module
 */

/**
 * A release as Meta ships it.
 *
 * @typedef {object} ReleaseShape
 * @property {string} paramsText - its `params.json`
 * @property {number} shardCount - files of weights
 * @property {boolean} tied - whether embedding and output are one storage
 */

/**
 * A tensor of the state dict.
 *
 * @typedef {object} TensorShape
 * @property {string} name
 * @property {number[]} shape - row-major, before it is cut
 * @property {0 | 1 | undefined} cut - dimension along which shards divide it; undefined where all have it whole
 */

/** The small models of 3.2 have indented files, in Meta's order or in the alphabet's. */
const LLAMA_3_2_1B = `{
  "dim": 2048,
  "n_layers": 16,
  "n_heads": 32,
  "n_kv_heads": 8,
  "vocab_size": 128256,
  "ffn_dim_multiplier": 1.5,
  "multiple_of": 256,
  "norm_eps": 1e-05,
  "rope_theta": 500000.0,
  "use_scaled_rope": true
}`;

const LLAMA_3_2_3B = `{
  "dim": 3072,
  "ffn_dim_multiplier": 1.0,
  "multiple_of": 256,
  "n_heads": 24,
  "n_kv_heads": 8,
  "n_layers": 28,
  "norm_eps": 1e-05,
  "rope_theta": 500000.0,
  "use_scaled_rope": true,
  "vocab_size": 128256
}`;

const LLAMA_3_1_8B =
  '{"dim": 4096, "ffn_dim_multiplier": 1.3, "multiple_of": 1024, "n_heads": 32, "n_kv_heads": 8, "n_layers": 32, ' +
  '"norm_eps": 1e-05, "rope_theta": 500000.0, "use_scaled_rope": true, "vocab_size": 128256}';

/** The values are the published ones; that the text is too is not known. */
const LLAMA_3_1_70B =
  '{"dim": 8192, "ffn_dim_multiplier": 1.3, "multiple_of": 4096, "n_heads": 64, "n_kv_heads": 8, "n_layers": 80, ' +
  '"norm_eps": 1e-05, "rope_theta": 500000.0, "use_scaled_rope": true, "vocab_size": 128256}';

/** @type {Record<string, ReleaseShape>} */
export const RELEASE_SHAPES = {
  'llama-3.2-1b': { paramsText: LLAMA_3_2_1B, shardCount: 1, tied: true },
  'llama-3.2-3b': { paramsText: LLAMA_3_2_3B, shardCount: 1, tied: true },
  'llama-3.1-8b': { paramsText: LLAMA_3_1_8B, shardCount: 1, tied: false },
  'llama-3.1-70b': { paramsText: LLAMA_3_1_70B, shardCount: 8, tied: false },
};

/**
 * The release of a name or of its last part: `llama-3.1-70b`, `3.1-70b`, `70b`.
 *
 * @param {string} like
 */
export function releaseShape(like) {
  const wanted = like.toLowerCase();
  const found = Object.entries(RELEASE_SHAPES).find(([name]) => name === wanted || name.endsWith(`-${wanted}`));
  if (found === undefined) {
    throw new Error(`no release is called ${like}: there are ${Object.keys(RELEASE_SHAPES).join(', ')}`);
  }
  return found[1];
}

/**
 * Names, shapes and cuts in the order of Meta's state dict.
 *
 * @param {Record<string, number>} params - `params.json`
 * @returns {TensorShape[]}
 */
export function tensorShapes({ dim = 0, n_layers = 0, n_heads = 1, n_kv_heads = n_heads, vocab_size = 0, ...rest }) {
  const { multiple_of = 256, ffn_dim_multiplier = 1 } = rest;
  const scaled = Math.trunc(ffn_dim_multiplier * Math.trunc((2 * 4 * dim) / 3));
  const ffn = multiple_of * Math.ceil(scaled / multiple_of);
  const kv = (dim / n_heads) * n_kv_heads;
  const layers = Array.from({ length: n_layers }, (_, layer) => [
    matrix(`layers.${layer}.attention.wq.weight`, [dim, dim], 0),
    matrix(`layers.${layer}.attention.wk.weight`, [kv, dim], 0),
    matrix(`layers.${layer}.attention.wv.weight`, [kv, dim], 0),
    matrix(`layers.${layer}.attention.wo.weight`, [dim, dim], 1),
    matrix(`layers.${layer}.feed_forward.w1.weight`, [ffn, dim], 0),
    matrix(`layers.${layer}.feed_forward.w2.weight`, [dim, ffn], 1),
    matrix(`layers.${layer}.feed_forward.w3.weight`, [ffn, dim], 0),
    norm(`layers.${layer}.attention_norm.weight`, dim),
    norm(`layers.${layer}.ffn_norm.weight`, dim),
  ]);
  return [
    matrix('tok_embeddings.weight', [vocab_size, dim], 0),
    ...layers.flat(),
    norm('norm.weight', dim),
    matrix('output.weight', [vocab_size, dim], 0),
  ];
}

/**
 * @param {string} name
 * @param {number[]} shape
 * @param {0 | 1} cut
 * @returns {TensorShape}
 */
function matrix(name, shape, cut) {
  return { name, shape, cut };
}

/**
 * @param {string} name
 * @param {number} dim
 * @returns {TensorShape}
 */
function norm(name, dim) {
  return { name, shape: [dim], cut: undefined };
}
