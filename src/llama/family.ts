/**
 * What a checkpoint is beyond a text Llama: the parts that its text hyperparameters have no place for.
 *
 * @module
 */

import type { Llama4Args, MoeArgs } from './llama4/args.js';

/** Shape of the vision encoder of Llama 3.2 Vision, as its tensors tell it. */
export interface VisionEncoderShape {
  /** Width of the hidden states: 1280 in the releases. */
  readonly width: number;
  /** Width inside the feed-forward blocks: four times the width. */
  readonly ffnWidth: number;
  /** Blocks that see one tile at a time: 32. */
  readonly nLayers: number;
  /** Blocks after these that see all tiles, with gates: 8. */
  readonly nGlobalLayers: number;
  /** Hidden states of earlier blocks that are joined to the last one before the projection: 5. */
  readonly joinedLayers: number;
  /** Side of a patch in pixels: 14. */
  readonly patchSize: number;
  /** Patches of a tile that have a position embedding, the class token not counted. */
  readonly positions: number;
  /** What Hugging Face's `config.json` says and no file of Meta's does; undefined for Meta's. */
  readonly stated?: StatedEncoder | undefined;
}

/** Settings of the encoder that Meta's code has written into it. */
export interface StatedEncoder {
  /** Heads: 16 in the releases. */
  readonly heads: number;
  /** Blocks whose output is joined to the last one's, from 0. */
  readonly joined: readonly number[];
}

/** Llama 3.2 Vision: a text Llama with cross-attention blocks between its own, and an encoder of images. */
export interface VisionFamily {
  /** Tells the families apart. */
  readonly kind: 'vision';
  /** Release of this shape; undefined for miniatures. */
  readonly release: string | undefined;
  /** Cross-attention blocks. */
  readonly nCrossLayers: number;
  /** Side of an image tile in pixels: 560, or 448 for the base model of 11B. */
  readonly tileSize: number;
  /** Most tiles of an image. */
  readonly maxTiles: number;
  /** The encoder. */
  readonly encoder: VisionEncoderShape;
}

/** Llama 4: experts in some layers or all, images as tokens among those of the text. */
export interface Llama4Family extends Pick<
  Llama4Args,
  'attentionChunkSize' | 'attentionTemperature' | 'nopeLayerInterval' | 'useQkNorm' | 'vision'
> {
  /** Tells the families apart. */
  readonly kind: 'llama4';
  /** Release of this shape; undefined for miniatures. */
  readonly release: string | undefined;
  /** Experts; undefined for dense models (Llama Guard 4). */
  readonly moe: Pick<MoeArgs, 'numExperts' | 'topK' | 'layerStep'> | undefined;
  /** Width of an expert: 8192 in the releases. */
  readonly expertDim: number;
}

/** What a model is beyond a text Llama. */
export type ModelFamily = VisionFamily | Llama4Family;
