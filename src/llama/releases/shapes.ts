/**
 * Shapes of the published releases. Data, not code.
 *
 * The factor of the rope scaling is not in `params.json` and is known only by release. Meta's own code hard-codes factor 8, but Llama 3.2 1B and 3B were trained and
 * published (Hugging Face, llama.cpp) with 32: meta-llama/llama-models#166, #241.
 *
 * @module
 */
import type { ReleaseShape } from './release.js';

type Row = readonly [
  name: string,
  dim: number,
  nLayers: number,
  nHeads: number,
  nKvHeads: number,
  ffnDim: number,
  vocabSize: number,
  ropeTheta: number,
  ropeFactor: number | null,
  tied: boolean,
];

/** Text models, smallest first; Llama 1 and 2 share shapes where both are named. */
const TEXT_ROWS = [
  ['Llama 3.2 1B', 2048, 16, 32, 8, 8192, 128256, 5e5, 32, true],
  ['Llama Guard 3 1B', 2048, 16, 32, 8, 8192, 128256, 5e5, 32, false],
  ['Llama 3.2 3B', 3072, 28, 24, 8, 8192, 128256, 5e5, 32, true],
  ['Llama 1 or 2 7B', 4096, 32, 32, 32, 11008, 32000, 1e4, null, false],
  ['Code Llama 7B', 4096, 32, 32, 32, 11008, 32016, 1e6, null, false],
  ['Code Llama Python 7B', 4096, 32, 32, 32, 11008, 32000, 1e6, null, false],
  ['Llama 3 8B', 4096, 32, 32, 8, 14336, 128256, 5e5, null, false],
  ['Llama 3.1 8B', 4096, 32, 32, 8, 14336, 128256, 5e5, 8, false],
  ['Llama 1 or 2 13B', 5120, 40, 40, 40, 13824, 32000, 1e4, null, false],
  ['Code Llama 13B', 5120, 40, 40, 40, 13824, 32016, 1e6, null, false],
  ['Code Llama Python 13B', 5120, 40, 40, 40, 13824, 32000, 1e6, null, false],
  ['Llama 1 30B', 6656, 60, 52, 52, 17920, 32000, 1e4, null, false],
  ['Code Llama 34B', 8192, 48, 64, 8, 22016, 32000, 1e6, null, false],
  ['Llama 1 65B', 8192, 80, 64, 64, 22016, 32000, 1e4, null, false],
  ['Llama 2 70B', 8192, 80, 64, 8, 28672, 32000, 1e4, null, false],
  ['Code Llama 70B', 8192, 80, 64, 8, 28672, 32016, 1e6, null, false],
  // trained on 4096 tokens with the base of Llama 2, unlike all others: meta-llama/codellama#188
  ['Code Llama 70B Instruct or Python', 8192, 80, 64, 8, 28672, 32016, 1e4, null, false],
  ['Llama 3 70B', 8192, 80, 64, 8, 28672, 128256, 5e5, null, false],
  ['Llama 3.1 or 3.3 70B', 8192, 80, 64, 8, 28672, 128256, 5e5, 8, false],
  ['Llama 3.1 405B', 16384, 126, 128, 8, 53248, 128256, 5e5, 8, false],
] as const satisfies readonly Row[];

/** The text part of models that are more than text; the feed-forward width of Llama 4 is that of its dense blocks. */
const OTHER_ROWS = [
  ['Llama 3.2 11B Vision', 4096, 32, 32, 8, 14336, 128256, 5e5, 8, false],
  ['Llama 3.2 90B Vision', 8192, 80, 64, 8, 28672, 128256, 5e5, 8, false],
  ['Llama 4 Scout', 5120, 48, 40, 8, 16384, 202048, 5e5, 16, false],
  ['Llama 4 Maverick', 5120, 48, 40, 8, 16384, 202048, 5e5, 16, false],
] as const satisfies readonly Row[];

/** Name of a shape. */
export type ShapeName = (typeof TEXT_ROWS)[number][0] | (typeof OTHER_ROWS)[number][0];

const shapeOfRow = ([name, dim, nLayers, nHeads, nKvHeads, ffnDim, vocabSize, ...rest]: Row): ReleaseShape => {
  const [ropeTheta, ropeFactor, tied] = rest;
  return { name, dim, nLayers, nHeads, nKvHeads, ffnDim, vocabSize, ropeTheta, ropeFactor, tied };
};

/** Shapes of text models. */
export const TEXT_SHAPES: readonly ReleaseShape[] = TEXT_ROWS.map(shapeOfRow);

const ALL: ReadonlyMap<string, ReleaseShape> = new Map(
  [...TEXT_SHAPES, ...OTHER_ROWS.map(shapeOfRow)].map((shape) => [shape.name, shape]),
);

/** The shape of that name. */
export function shapeNamed(name: ShapeName): ReleaseShape | undefined {
  return ALL.get(name);
}
