/**
 * Shapes of the published releases. Data, not code.
 *
 * The factor of the rope scaling is not in `params.json` and is known only by release. Meta's own code hard-codes factor 8, but Llama 3.2 1B and 3B were trained and
 * published (Hugging Face, llama.cpp) with 32: meta-llama/llama-models#166, #241.
 *
 * @module
 */
import type { LlamaConfig } from './model.js';

/** The shape of a release, enough to recognise it. */
export interface ReleaseShape {
  /** Name of the release and size; several releases may share a shape. */
  readonly name: string;
  readonly dim: number;
  readonly nLayers: number;
  readonly nHeads: number;
  readonly nKvHeads: number;
  readonly ffnDim: number;
  readonly vocabSize: number;
  /** Base of the rotary frequencies. */
  readonly ropeTheta: number;
  /** Factor of the rope scaling, or null without scaling. */
  readonly ropeFactor: number | null;
  /** Whether the output matrix is the embedding. */
  readonly tied: boolean;
}

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
const ROWS: readonly Row[] = [
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
  ['Code Llama 70B', 8192, 80, 64, 8, 28672, 32016, 1e4, null, false],
  ['Llama 3 70B', 8192, 80, 64, 8, 28672, 128256, 5e5, null, false],
  ['Llama 3.1 or 3.3 70B', 8192, 80, 64, 8, 28672, 128256, 5e5, 8, false],
  ['Llama 3.1 405B', 16384, 126, 128, 8, 53248, 128256, 5e5, 8, false],
];

/** All known shapes. */
const RELEASE_SHAPES: readonly ReleaseShape[] = ROWS.map(
  ([name, dim, nLayers, nHeads, nKvHeads, ffnDim, vocabSize, ropeTheta, ropeFactor, tied]) => ({
    ...{ name, dim, nLayers, nHeads, nKvHeads, ffnDim, vocabSize, ropeTheta, ropeFactor, tied },
  }),
);

/** What recognises a release: its shape, and whether its rotary frequencies are scaled. */
export interface ReleaseQuestion extends Omit<ReleaseShape, 'name' | 'ropeFactor'> {
  /** Whether the rotary frequencies are scaled, by whatever factor. */
  readonly scaledRope: boolean;
}

/** The release of this shape; undefined for miniatures and models of another family. */
export function findRelease(question: ReleaseQuestion): ReleaseShape | undefined {
  const { scaledRope, ...shape } = question;
  const keys = Object.keys(shape) as (keyof typeof shape)[];
  return RELEASE_SHAPES.find(
    (release) => (release.ropeFactor !== null) === scaledRope && keys.every((key) => release[key] === shape[key]),
  );
}

/** The release with these blocks, whatever its vocabulary and output: fine-tunes add tokens and untie the output. */
export function findReleaseOfBlocks(question: ReleaseQuestion): ReleaseShape | undefined {
  const keys = ['dim', 'nLayers', 'nHeads', 'nKvHeads', 'ffnDim', 'ropeTheta'] as const;
  return RELEASE_SHAPES.find(
    (release) =>
      (release.ropeFactor !== null) === question.scaledRope && keys.every((key) => release[key] === question[key]),
  );
}

/** The release of a model's shape; undefined for miniatures and models of another family. */
export function releaseOf(config: LlamaConfig): ReleaseShape | undefined {
  const { dim, nLayers, nHeads, nKvHeads, ffnDim, vocabSize, ropeTheta, tied } = config;
  const shape = { dim, nLayers, nHeads, nKvHeads, ffnDim, vocabSize, ropeTheta, tied };
  return findRelease({ ...shape, scaledRope: config.ropeScaling !== null });
}
