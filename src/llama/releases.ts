/**
 * Finding a release in the registry: by its shape, by its name, by the hashes of its files.
 *
 * @module
 */
import type { LlamaConfig } from './model.js';
import { RELEASES } from './releases/catalogue.js';
import type { Release, ReleaseShape } from './releases/release.js';
import { TEXT_SHAPES } from './releases/shapes.js';

export type { ReleaseShape } from './releases/release.js';

/** What recognises a release: its shape, and whether its rotary frequencies are scaled. */
export interface ReleaseQuestion extends Omit<ReleaseShape, 'name' | 'ropeFactor'> {
  /** Whether the rotary frequencies are scaled, by whatever factor. */
  readonly scaledRope: boolean;
}

/** The release of this shape; undefined for miniatures and models of another family. */
export function findRelease(question: ReleaseQuestion): ReleaseShape | undefined {
  const { scaledRope, ...shape } = question;
  const keys = Object.keys(shape) as (keyof typeof shape)[];
  return TEXT_SHAPES.find(
    (release) => (release.ropeFactor !== null) === scaledRope && keys.every((key) => release[key] === shape[key]),
  );
}

/** The release with these blocks, whatever its vocabulary and output: fine-tunes add tokens and untie the output. */
export function findReleaseOfBlocks(question: ReleaseQuestion): ReleaseShape | undefined {
  const keys = ['dim', 'nLayers', 'nHeads', 'nKvHeads', 'ffnDim', 'ropeTheta'] as const;
  return TEXT_SHAPES.find(
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

/** The releases of this shape, whatever they were made for. */
export function releasesOfShape(shape: ReleaseShape): Release[] {
  return RELEASES.filter((release) => release.kind === 'text' && release.shape?.name === shape.name);
}

/** What tells the releases of other kinds apart. */
export type OtherReleaseQuestion = Pick<Release, 'kind' | 'crossLayers' | 'experts'> &
  Pick<ReleaseShape, 'dim' | 'nLayers' | 'nHeads'>;

/** The releases that are more than plain text models: vision, experts, weights of another form. */
export function releasesOfKind({ kind, crossLayers, experts, ...shape }: OtherReleaseQuestion): Release[] {
  const keys = ['dim', 'nLayers', 'nHeads'] as const;
  return RELEASES.filter(
    (release) =>
      release.kind === kind &&
      release.crossLayers === crossLayers &&
      release.experts === experts &&
      keys.every((key) => release.shape?.[key] === shape[key]),
  );
}

/** The releases whose folder is called so, by Meta's downloader or by the model card. */
export function releasesNamed(folderName: string): Release[] {
  const wanted = plainName(folderName);
  return RELEASES.filter(({ id, folders }) => [id, ...folders].some((name) => plainName(name) === wanted));
}

/** `Meta-Llama-3-8B`, `Llama3-8B` and `llama-3-8b` are one name. */
function plainName(name: string): string {
  return name
    .toLowerCase()
    .replace(/^meta-/, '')
    .replace(/[-_. :]/g, '');
}

/** The releases that have a file of this name and SHA-256. */
export function releasesWithFile(name: string, sha256: string): Release[] {
  return RELEASES.filter(({ files }) => files.some((file) => file.name === name && file.sha256 === sha256));
}
