/**
 * What a person should know of a model that is more than text, one clause each.
 *
 * @module
 */
import type { Llama4Family, VisionFamily } from './family.js';
import { KIND_DESCRIPTION } from './meta-checkpoint.js';
import type { LlamaModel } from './model.js';
import { fusionSchedule } from './vision/layout.js';

/** The clauses; none for text models. */
export function familyNotes({ family, config }: Pick<LlamaModel, 'family' | 'config'>): string[] {
  if (family === undefined) return [];
  return family.kind === 'vision' ? visionNotes(family, config.nLayers) : llama4Notes(family);
}

function visionNotes({ encoder, nCrossLayers, tileSize, maxTiles }: VisionFamily, textLayers: number): string[] {
  const { nLayers, nGlobalLayers, width, patchSize } = encoder;
  const before = fusionSchedule(textLayers, nCrossLayers).join(', ');
  return [
    `${KIND_DESCRIPTION.vision}: ${nCrossLayers} cross-attention layers, before layers ${before}`,
    `images of up to ${maxTiles} tiles of ${tileSize} pixels; encoder of ${nLayers} + ${nGlobalLayers} layers, width ${width}, patches of ${patchSize}`,
    'convert makes safetensors of it; logits are of text alone',
  ];
}

function llama4Notes({ moe, vision, expertDim }: Llama4Family): string[] {
  const every = moe?.layerStep === 1 ? 'every layer' : `one in ${moe?.layerStep} layers`;
  const experts = moe === undefined ? 'no experts' : `${moe.numExperts} experts of width ${expertDim} in ${every}`;
  const images =
    vision === undefined
      ? 'no images'
      : `images in tiles of ${vision.imageSize} pixels; encoder of ${vision.nLayers} layers, width ${vision.dim}, patches of ${vision.patchSize}`;
  return [`${KIND_DESCRIPTION.llama4}: ${experts}`, images, 'convert makes safetensors of it; it cannot be run here'];
}
