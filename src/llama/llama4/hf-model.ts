/**
 * Llama 4 in the layout of transformers' `llama4`: what its `config.json` and tensors are.
 *
 * @see https://huggingface.co/meta-llama/Llama-4-Scout-17B-16E-Instruct/blob/main/config.json
 * @module
 */
import type { StoredTensor, Tensor } from '../../formats/tensor.js';
import type { Llama4Family } from '../family.js';
import { expectPlain, positiveInteger, positiveNumber, textConfigOf } from '../hf-config.js';
import type { JsonObject } from '../json-object.js';
import { type HfFiles, type HfParts, expectCountable, expectHfTensors, sectionOf } from '../hf-parts.js';
import { type LlamaConfig, LlamaError, expectTensor } from '../model.js';
import { renamed, sliceColumns, transposed } from '../views.js';
import type { Llama4VisionArgs } from './args.js';
import { type Llama4HfTensor, llama4HfNames } from './hf-names.js';
import { hasExperts, llama4Tensors } from './layout.js';
import { llama4ReleaseName } from './llama4-model.js';

/**
 * The model; reads no weight. `llama4_text` is its text part alone, which is a Llama 4 without images.
 *
 * @throws LlamaError `llama/bad-config`, `llama/unsupported`, `llama/contradiction`, `llama/missing-tensor`,
 *   `llama/unknown-tensor`, `llama/wrong-shape`, `llama/bad-index`
 */
export function llama4Parts(files: HfFiles): HfParts {
  const { json, configPath } = files;
  const isText = json['model_type'] === 'llama4_text';
  expectPlain(json, configPath);
  const text = isText ? json : sectionOf(json, 'text_config', configPath);
  expectPlain(text, configPath);
  const wide = { ...text, intermediate_size: text['intermediate_size_mlp'] };
  const config = { ...textConfigOf(wide, configPath), tied: false };
  const vision = isText || json['vision_config'] == null ? undefined : visionOf(json, configPath);
  expectCountable([config.nLayers, vision?.nLayers ?? 0], files);
  const family = familyOf(text, config, vision, configPath);
  return { config, family, tensors: tensorsOf(files, config, family), expectConsistentWeights: async () => {} };
}

function tensorsOf(files: HfFiles, config: LlamaConfig, family: Llama4Family): ReadonlyMap<string, Tensor> {
  const shapes = new Map(llama4Tensors(config, family).map(({ name, shape }) => [name, shape]));
  const names = llama4HfNames(config.nLayers, family);
  const expected = names.map((own) => ({ name: own.name, shape: hfShape(own, shapes.get(own.from) ?? []) }));
  const stored = expectHfTensors(files, expected, 'a Llama 4 with this config.json');
  const found = new Map(names.flatMap((own) => canonicalOf(stored(own.name), own)));
  const tensors = { tensors: found, path: files.path };
  // in the order of Meta's state dict
  return new Map([...shapes.keys()].map((name) => [name, expectTensor(tensors, name)]));
}

function hfShape({ join, transpose }: Llama4HfTensor, shape: readonly number[]): readonly number[] {
  if (transpose === true) return [...shape].reverse();
  return join === undefined ? shape : [...shape.slice(0, -1), 2 * (shape.at(-1) ?? 0)];
}

/** The canonical tensors that one of Hugging Face's holds. */
function canonicalOf(stored: StoredTensor, { from, join, transpose }: Llama4HfTensor): [string, Tensor][] {
  if (transpose === true) return [[from, renamed(transposed(stored), from)]];
  if (join === undefined) return [[from, renamed(stored, from)]];
  const width = (stored.shape.at(-1) ?? 0) / 2;
  return [
    [from, renamed(sliceColumns(stored, 0, width), from)],
    [join, renamed(sliceColumns(stored, width, width), join)],
  ];
}

function familyOf(
  text: JsonObject,
  config: LlamaConfig,
  vision: Llama4VisionArgs | undefined,
  path: string,
): Llama4Family {
  const moe = expertsOf(text, path);
  const chunk = text['attention_chunk_size'];
  const family: Llama4Family = {
    ...{ kind: 'llama4', release: llama4ReleaseName(config, moe), moe, vision },
    expertDim: moe === undefined ? 0 : positiveInteger(text, 'intermediate_size', path),
    attentionChunkSize: chunk === null ? undefined : positiveInteger(text, 'attention_chunk_size', path, 8192),
    nopeLayerInterval: nopeInterval(text, config.nLayers, path),
    useQkNorm: text['use_qk_norm'] !== false,
    // true where absent; early versions of transformers have 4, later ones true
    attentionTemperature:
      text['attn_temperature_tuning'] === false || text['attn_temperature_tuning'] === 0
        ? undefined
        : {
            floor: positiveInteger(text, 'floor_scale', path, 8192),
            scale: positiveNumber(text, 'attn_scale', path, 0.1),
          },
  };
  expectExpertLayers(text, config, family, path);
  return family;
}

function expertsOf(text: JsonObject, path: string): Llama4Family['moe'] {
  const layers = text['moe_layers'];
  if (text['num_local_experts'] === 0 || (Array.isArray(layers) && layers.length === 0)) return undefined;
  return {
    numExperts: positiveInteger(text, 'num_local_experts', path, 16),
    topK: positiveInteger(text, 'num_experts_per_tok', path, 1),
    layerStep: positiveInteger(text, 'interleave_moe_layer_step', path, 1),
  };
}

/** A list of layers with experts must be the one that the step gives. */
function expectExpertLayers(text: JsonObject, { nLayers }: LlamaConfig, family: Llama4Family, path: string): void {
  const stated = text['moe_layers'];
  if (stated == null) return;
  const layers = Array.from({ length: nLayers }, (_, layer) => layer).filter((layer) => hasExperts(layer, family));
  if (JSON.stringify(stated) === JSON.stringify(layers)) return;
  const message = `moe_layers is ${JSON.stringify(stated)}, but interleave_moe_layer_step gives ${JSON.stringify(layers)}`;
  throw new LlamaError('llama/contradiction', message, { path });
}

/** Every so many layers have no rotary embedding, as the list says, which has 0 for those; 4 where it is absent or empty. */
function nopeInterval(text: JsonObject, nLayers: number, path: string): number | undefined {
  const stated = text['no_rope_layers'];
  if (stated == null || (Array.isArray(stated) && stated.length === 0)) {
    return positiveInteger(text, 'no_rope_layer_interval', path, 4);
  }
  const first = Array.isArray(stated) ? stated.indexOf(0) : -1;
  const every = first === -1 ? undefined : first + 1;
  const list = Array.from({ length: nLayers }, (_, layer) =>
    every !== undefined && (layer + 1) % every === 0 ? 0 : 1,
  );
  if (JSON.stringify(stated) === JSON.stringify(list)) return every;
  const message = `no_rope_layers is ${JSON.stringify(stated)}, which is not one layer in every so many, as in Meta's code`;
  throw new LlamaError('llama/unsupported', message, { path });
}

function visionOf(json: JsonObject, path: string): Llama4VisionArgs {
  const vision = sectionOf(json, 'vision_config', path);
  const integer = (key: string, absent: number): number => positiveInteger(vision, key, path, absent);
  const dim = integer('hidden_size', 768);
  return {
    dim,
    nLayers: integer('num_hidden_layers', 34),
    nHeads: integer('num_attention_heads', 16),
    imageSize: integer('image_size', 448),
    patchSize: integer('patch_size', 14),
    mlpRatio: integer('intermediate_size', 5632) / dim,
    outputDim: integer('vision_output_dim', 7680),
    pixelShuffleRatio: positiveNumber(vision, 'pixel_shuffle_ratio', path, 0.5),
  };
}
