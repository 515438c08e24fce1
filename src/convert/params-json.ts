/**
 * `params.json` of a model that did not come with one.
 *
 * Meta's files hold the width of the feed-forward block in a roundabout way, as a multiplier and a multiple that
 * give it by a formula; those of the releases are known, for other widths a pair is searched. Keys are in Meta's order
 * and spelled as Python spells them, so the file of a release comes out as it was published: Llama 1, 3.1 8B,
 * 3.2 1B and Guard 3 1B byte for byte, the others in the form that these share.
 *
 * @module
 */
import { pythonFloat } from '../llama/hf-config.js';
import type { LlamaConfig, LlamaModel } from '../llama/model.js';
import { feedForwardDim } from '../llama/params.js';
import { ConvertError } from './plan.js';

/** Keys in the order of Llama 3.2's file, which is indented; those of others are sorted. */
const ORDER_OF_3_2 = [
  ...['dim', 'n_layers', 'n_heads', 'n_kv_heads', 'vocab_size', 'ffn_dim_multiplier', 'multiple_of', 'norm_eps'],
  ...['rope_theta', 'use_scaled_rope'],
];

/** Factors of the feed-forward width that releases with grouped heads have; all of these name a multiplier. */
const GROUPED_WIDTHS: readonly FeedForward[] = [
  { multipleOf: 256, multiplier: 1 },
  { multipleOf: 1024, multiplier: 1.3 },
  { multipleOf: 256, multiplier: 1.5 },
  { multipleOf: 4096, multiplier: 1.3 },
  { multipleOf: 4096, multiplier: 1.2 },
];

interface FeedForward {
  readonly multipleOf: number;
  readonly multiplier: number | undefined;
}

/** Base of the rotary frequencies that a file without `rope_theta` means. */
const DEFAULT_THETA = 10000;

/**
 * The text of the file, without a final line feed.
 *
 * @throws ConvertError `convert/not-expressible` for hyperparameters for which Meta's layout has no place
 */
export function paramsJson(model: Pick<LlamaModel, 'config' | 'path'>, isSentencePiece: boolean): string {
  const { config, path } = model;
  expectExpressible(config, path);
  const width = feedForward(config, path);
  const isGuard = config.ropeScaling?.factor === 32 && !config.tied;
  const isOf32 = config.ropeScaling?.factor === 32;
  const values: Record<string, string | undefined> = {
    dim: String(config.dim),
    ffn_dim_multiplier: width.multiplier === undefined ? undefined : pythonFloat(width.multiplier),
    multiple_of: String(width.multipleOf),
    n_heads: String(config.nHeads),
    n_kv_heads: config.nKvHeads === config.nHeads ? undefined : String(config.nKvHeads),
    n_layers: String(config.nLayers),
    norm_eps: pythonFloat(config.normEps),
    rope_theta: config.ropeTheta === DEFAULT_THETA ? undefined : pythonFloat(config.ropeTheta),
    use_scaled_rope: config.ropeScaling === null ? undefined : 'true',
    vocab_size: isSentencePiece ? '-1' : String(config.vocabSize),
  };
  const keys = isOf32 && !isGuard ? ORDER_OF_3_2 : Object.keys(values).sort();
  const pairs = keys.flatMap((key) => (values[key] === undefined ? [] : [`"${key}": ${values[key]}`]));
  return isOf32 ? `{\n${pairs.map((pair) => `  ${pair}`).join(',\n')}\n}` : `{${pairs.join(', ')}}`;
}

function expectExpressible(config: LlamaConfig, path: string): void {
  const { ropeScaling: rope } = config;
  const refuse = (what: string): never => {
    throw new ConvertError('convert/not-expressible', `params.json has no place for ${what}`, {
      path,
      hint: 'Meta’s layout holds plain Llamas only; --to safetensors and --to gguf hold this one',
    });
  };
  if (config.headDim * config.nHeads !== config.dim) {
    refuse(`heads of ${config.headDim} elements: it has dim / n_heads = ${config.dim / config.nHeads}`);
  }
  if (rope !== null && (rope.lowFreqFactor !== 1 || rope.highFreqFactor !== 4 || rope.originalContextLength !== 8192)) {
    refuse('a scaling of the rotary frequencies with other limits than those of Llama 3.1');
  }
}

/** A multiplier and a multiple by which Meta's formula gives the width. */
function feedForward(config: LlamaConfig, path: string): FeedForward {
  const { dim, ffnDim } = config;
  for (const width of candidates(config)) {
    const { multipleOf, multiplier } = width;
    if (feedForwardDim({ dim, multiple_of: multipleOf, ffn_dim_multiplier: multiplier }) === ffnDim) return width;
  }
  throw new ConvertError('convert/not-expressible', `params.json has no place for a feed-forward width of ${ffnDim}`, {
    path,
  });
}

/** Pairs to try: those of the releases, then round numbers, then the quotient itself. */
function* candidates({ dim, ffnDim, nHeads, nKvHeads }: LlamaConfig): Generator<FeedForward> {
  if (nKvHeads !== nHeads) yield* GROUPED_WIDTHS;
  const multiples = [256, 1024, 4096, 128, 64, 32, 16, 8, 4, 2, 1].filter((multiple) => ffnDim % multiple === 0);
  for (const multipleOf of multiples) yield { multipleOf, multiplier: undefined };
  const exact = ffnDim / Math.trunc((8 * dim) / 3);
  for (const digits of [1, 2, 3]) {
    for (const multipleOf of multiples) {
      yield { multipleOf, multiplier: Math.ceil(exact * 10 ** digits) / 10 ** digits };
      yield { multipleOf, multiplier: Math.floor(exact * 10 ** digits) / 10 ** digits };
    }
  }
  for (const multiplier of [exact, exact * (1 + Number.EPSILON)]) yield { multipleOf: 1, multiplier };
}
