/**
 * What the registry says of a release of Meta's, and on what evidence.
 *
 * A hash that is not known is left out, never guessed: an unknown hash leaves a folder unproven, a wrong one would call
 * a sound folder broken.
 *
 * @module
 */
import type { CheckpointKind } from '../meta-checkpoint.js';

/** The shape of a release, enough to recognise it. */
export interface ReleaseShape {
  /** Name of the release and size; several releases may share a shape. */
  readonly name: string;
  /** Hidden size. */
  readonly dim: number;
  /** Number of transformer blocks; layers of cross-attention to an image are extra. */
  readonly nLayers: number;
  /** Query heads. */
  readonly nHeads: number;
  /** Key/value heads. */
  readonly nKvHeads: number;
  /** Width of the feed-forward block; of the dense blocks where others have experts. */
  readonly ffnDim: number;
  /** Rows of the embedding. */
  readonly vocabSize: number;
  /** Base of the rotary frequencies. */
  readonly ropeTheta: number;
  /** Factor of the rope scaling, or null without scaling. */
  readonly ropeFactor: number | null;
  /** Whether the output matrix is the embedding. */
  readonly tied: boolean;
}

/** What a release was made for. */
export type ReleaseVariant = 'base' | 'instruct' | 'chat' | 'python' | 'guard';

/** Licence, by the name that model cards give it. */
export type LicenceFamily = 'llama1' | 'llama2' | 'llama3' | 'llama3.1' | 'llama3.2' | 'llama3.3' | 'llama4';

/** Which special tokens the tokenizer has: those of SentencePiece, or one of the generations of byte-level BPE. */
export type ReleaseTokens = 'sentencepiece' | 'code-llama' | 'llama3' | 'llama3.1' | 'llama4';

/**
 * How far a hash or size can be trusted: `recomputed` where these very bytes were made anew and gave the published hash,
 * `listed` where it stands in a checklist of Meta's whose own hash was recomputed, `reported` where a public source states
 * it, `size` where only the size is known, `inferred` where it follows from something else.
 */
export type Evidence = 'recomputed' | 'listed' | 'reported' | 'size' | 'inferred';

/** What is known of a file of a release. */
export interface KnownFile {
  /** Its name in the folder. */
  readonly name: string;
  /** Size in bytes. */
  readonly size?: number;
  /** MD5 in lower-case hexadecimal. */
  readonly md5?: string;
  /** SHA-256 in lower-case hexadecimal. */
  readonly sha256?: string;
  /** How far it can be trusted. */
  readonly evidence: Evidence;
  /** Where it was published. */
  readonly source: string;
}

/** A release of Meta's. */
export interface Release {
  /** Its name, as model cards have it. */
  readonly id: string;
  /** Other names of its folder: those that Meta's downloader gives. */
  readonly folders: readonly string[];
  /** Generation: `Llama 3.2`. */
  readonly family: string;
  /** Size as the name has it: `1B`. */
  readonly size: string;
  /** What it was made for. */
  readonly variant: ReleaseVariant;
  /** Kind of checkpoint. */
  readonly kind: CheckpointKind;
  /** Hyperparameters, those of the text part for vision models; undefined where they are not known. */
  readonly shape: ReleaseShape | undefined;
  /** Number of parameters, a tied output counted once; undefined where it is not known. */
  readonly parameterCount: number | undefined;
  /** Layers of cross-attention to an image; 0 without. */
  readonly crossLayers: number;
  /** Experts of each block that has them; 0 for dense models. */
  readonly experts: number;
  /** Longest context in tokens. */
  readonly contextLength: number;
  /** Special tokens of the tokenizer. */
  readonly tokens: ReleaseTokens;
  /** Licence. */
  readonly licence: LicenceFamily;
  /** Number of `consolidated.NN.pth`; undefined where it is not known. */
  readonly shardCount: number | undefined;
  /** Files of which a hash or size is known: those of Meta's folder and, where known, of the Hugging Face folder. */
  readonly files: readonly KnownFile[];
}
