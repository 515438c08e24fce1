/**
 * Llama 3.2 Vision in the layout of transformers' `mllama`: what its `config.json` and tensors are.
 *
 * @see https://huggingface.co/meta-llama/Llama-3.2-11B-Vision-Instruct/blob/main/config.json
 * @module
 */
import type { ReadOptions } from '../../source/byte-source.js';
import type { VisionEncoderShape, VisionFamily } from '../family.js';
import { expectPlain, positiveInteger, textConfigOf } from '../hf-config.js';
import { type HfFiles, type HfParts, expectCountable, expectHfTensors, sectionOf } from '../hf-parts.js';
import type { JsonObject } from '../json-object.js';
import { type ExpectedTensor, expectedTensors } from '../layout.js';
import { type LlamaConfig, LlamaError, expectTensor } from '../model.js';
import { sameBytes } from '../shards.js';
import { fromHfForm, hfShape, inTileRows } from './hf-form.js';
import { type BlockPlaces, blockPlaces, mllamaName } from './hf-names.js';
import { LEARNED_EMBEDDING, expectedVisionTensors, isTileEmbedding } from './layout.js';
import { tileGrids, tilesByGrid } from './tiles.js';
import { visionReleaseName } from './vision-model.js';

/**
 * The model; reads no weight.
 *
 * @throws LlamaError `llama/bad-config`, `llama/unsupported`, `llama/contradiction`, `llama/missing-tensor`,
 *   `llama/unknown-tensor`, `llama/wrong-shape`, `llama/bad-index`
 */
export function mllamaParts(files: HfFiles): HfParts {
  const { json, configPath } = files;
  expectPlain(json, configPath);
  const text = sectionOf(json, 'text_config', configPath);
  const cross = crossLayersOf(text, configPath);
  expectPlain(text, configPath);
  const whole = textConfigOf(text, configPath);
  const encoder = encoderOf(sectionOf(json, 'vision_config', configPath), configPath);
  expectCountable([whole.nLayers, cross.length, encoder.nLayers, encoder.nGlobalLayers], files);
  const config = { ...whole, nLayers: whole.nLayers - cross.length, tied: false };
  const places = expectPlaces(config, cross, configPath);
  const family: VisionFamily = {
    ...{ kind: 'vision', release: visionReleaseName(config, cross.length), nCrossLayers: cross.length },
    ...visionSettings(sectionOf(json, 'vision_config', configPath), configPath),
    encoder,
  };
  return { config, family, ...tensorsOf(files, config, family, places) };
}

function tensorsOf(
  files: HfFiles,
  config: LlamaConfig,
  family: VisionFamily,
  places: BlockPlaces,
): Pick<HfParts, 'tensors' | 'expectConsistentWeights'> {
  const canonical = [...expectedTensors(config), ...expectedVisionTensors(config, family)];
  const hfName = ({ name }: ExpectedTensor): string =>
    mllamaName(name === LEARNED_EMBEDDING ? 'tok_embeddings.weight' : name, places);
  const expected = canonical
    .filter(({ name }) => name !== LEARNED_EMBEDDING)
    .map((tensor) => ({ name: hfName(tensor), shape: hfShape(tensor.name, tensor.shape, family) }));
  const stored = expectHfTensors(files, expected, 'a Llama 3.2 Vision with this config.json');
  const tensors = new Map(
    canonical.map((tensor) => [tensor.name, fromHfForm(stored(hfName(tensor)), tensor, { config, family })]),
  );
  const expectConsistentWeights = async (options?: ReadOptions): Promise<void> => {
    for (const tensor of canonical.filter(({ name }) => isTileEmbedding(name))) {
      const table = inTileRows(stored(hfName(tensor)), tensor.shape);
      const again = tilesByGrid(expectTensor({ tensors, path: files.path }, tensor.name));
      if (await sameBytes(table, again, options)) continue;
      const message = `${hfName(tensor)} holds unlike embeddings of one tile in several arrangements, or weights where there is no tile`;
      throw new LlamaError('llama/not-replicated', `${message}; the canonical form has one for each tile`, {
        path: files.path,
      });
    }
  };
  return { tensors, expectConsistentWeights };
}

function crossLayersOf(text: JsonObject, path: string): readonly number[] {
  const value = text['cross_attention_layers'];
  if (Array.isArray(value) && value.length > 0 && value.every(Number.isSafeInteger)) return value as number[];
  const message = `cross_attention_layers must be a list of layers, found ${JSON.stringify(value)}`;
  throw new LlamaError('llama/bad-config', message, { path });
}

/** Where the blocks stand; Meta's code leaves no choice. */
function expectPlaces({ nLayers }: LlamaConfig, cross: readonly number[], path: string): BlockPlaces {
  const places = blockPlaces(Math.max(1, nLayers), cross.length);
  if (nLayers > 0 && places.cross.join() === cross.join()) return places;
  const message = `config.json has cross-attention layers ${cross.join(', ')}; with ${nLayers} other layers Meta's code has ${places.cross.join(', ')}`;
  throw new LlamaError('llama/unsupported', message, { path });
}

function visionSettings(vision: JsonObject, path: string): Pick<VisionFamily, 'tileSize' | 'maxTiles'> {
  const maxTiles = positiveInteger(vision, 'max_num_tiles', path, 4);
  // an arrangement more or less would be another row in three tables
  const grids = tileGrids(Math.min(maxTiles, MOST_TILES));
  const stated = vision['supported_aspect_ratios'] ?? grids;
  if (maxTiles > MOST_TILES || JSON.stringify(stated) !== JSON.stringify(grids)) {
    const message = `supported_aspect_ratios are not all arrangements of at most ${maxTiles} tiles, as in Meta's code`;
    throw new LlamaError('llama/unsupported', message, { path });
  }
  return { tileSize: positiveInteger(vision, 'image_size', path, 448), maxTiles };
}

/** Most tiles of an image that are believed: Llama 3.2 has 4. */
const MOST_TILES = 256;

function encoderOf(vision: JsonObject, path: string): VisionEncoderShape {
  const integer = (key: string, absent: number): number => positiveInteger(vision, key, path, absent);
  const joined = vision['intermediate_layers_indices'] ?? [3, 7, 15, 23, 30];
  if (!Array.isArray(joined) || !joined.every(Number.isSafeInteger)) {
    throw new LlamaError('llama/bad-config', 'intermediate_layers_indices must be a list of layers', { path });
  }
  const patchSize = integer('patch_size', 14);
  return {
    ...{ width: integer('hidden_size', 1280), ffnWidth: integer('intermediate_size', 5120) },
    ...{ nLayers: integer('num_hidden_layers', 32), nGlobalLayers: integer('num_global_layers', 8), patchSize },
    ...{ joinedLayers: joined.length, positions: Math.floor(integer('image_size', 448) / patchSize) ** 2 },
    stated: { heads: integer('attention_heads', 16), joined: joined as number[] },
  };
}
