/**
 * What a model beyond a text Llama computes by settings that no shape of a tensor tells: one record for every layout.
 *
 * Where Meta's code has a value written into it (heads of the encoder of Vision, which of its layers are joined), a
 * folder of Meta's has that value, so it is compared too. The width inside the blocks of Llama 4's encoder is a factor
 * at Meta and a number at Hugging Face; it is left out, because the shapes of the tensors are that width.
 *
 * @module
 */
import type { Llama4Family, StatedEncoder, VisionEncoderShape, VisionFamily } from './family.js';
import type { LlamaModel } from './model.js';

/** Settings by name, numbers as float32; parts of a part after a point. Null is what a model does not have. */
export type FamilySettings = Readonly<Record<string, number | boolean | string | null>>;

/** The settings; undefined for text models. */
export function familySettings({ family, config }: Pick<LlamaModel, 'config' | 'family'>): FamilySettings | undefined {
  if (family === undefined) return undefined;
  return family.kind === 'vision' ? visionSettings(family) : llama4Settings(family, config.nLayers);
}

/** Heads of the encoder, and blocks whose output is joined to the last one's: constants of Meta's code. */
const META_ENCODER: StatedEncoder = { heads: 16, joined: [3, 7, 15, 23, 30] };

/** What `config.json` states of the encoder, or Meta's code where no file does. */
export function encoderSettings({ stated, joinedLayers }: VisionEncoderShape): StatedEncoder {
  return stated ?? { ...META_ENCODER, joined: META_ENCODER.joined.slice(0, joinedLayers) };
}

function visionSettings({ kind, nCrossLayers, tileSize, maxTiles, encoder }: VisionFamily): FamilySettings {
  const { heads, joined } = encoderSettings(encoder);
  return {
    ...{ kind, nCrossLayers, tileSize, maxTiles },
    'encoder.width': encoder.width,
    'encoder.ffnWidth': encoder.ffnWidth,
    'encoder.nLayers': encoder.nLayers,
    'encoder.nGlobalLayers': encoder.nGlobalLayers,
    'encoder.patchSize': encoder.patchSize,
    'encoder.heads': heads,
    'encoder.joined': joined.join(', '),
  };
}

function llama4Settings(family: Llama4Family, nLayers: number): FamilySettings {
  const { kind, nopeLayerInterval: every, useQkNorm, expertDim, attentionChunkSize = null } = family;
  return {
    ...{ kind, useQkNorm, expertDim, attentionChunkSize },
    // no layer is the one in so many where there are fewer
    nopeLayerInterval: every === undefined || every > nLayers ? null : every,
    ...part('attentionTemperature', family.attentionTemperature, ['floor', 'scale']),
    ...part('moe', family.moe, ['numExperts', 'topK', 'layerStep']),
    ...part('vision', family.vision, ['dim', 'nLayers', 'nHeads', 'imageSize', 'patchSize', 'outputDim']),
    ...part('vision', family.vision, ['pixelShuffleRatio']),
  };
}

/** These numbers of a part, null where there is no such part. */
function part<Key extends string>(
  name: string,
  values: Readonly<Record<Key, number>> | undefined,
  keys: readonly Key[],
): FamilySettings {
  return Object.fromEntries(
    keys.map((key) => [`${name}.${key}`, values === undefined ? null : Math.fround(values[key])]),
  );
}
