/**
 * The canonical model of Llama 3.2 Vision: its text part as any Llama, and the rest beside it.
 *
 * Run on text alone, Meta's code leaves the cross-attention blocks out: without an image nothing passes their gates. So
 * the text part is a whole model of its own.
 *
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama3/multimodal/model.py
 *   (CrossAttentionTransformerText.forward, `text_only_inference`)
 * @module
 */
import { elementCount } from '../../dtype.js';
import { type StoredTensor, type Tensor, rowByteLengthOf } from '../../formats/tensor.js';
import type { VisionFamily } from '../family.js';
import { type ExpectedTensor, expectedTensors, isStoredFrequencies } from '../layout.js';
import type { MetaCheckpoint, MetaShard } from '../meta-checkpoint.js';
import { type MetaModel, type MetaModelOptions, metaModel } from '../meta-model.js';
import { type LlamaConfig, LlamaError } from '../model.js';
import { expectNames } from '../names.js';
import type { MetaParams } from '../params.js';
import { releasesOfKind } from '../releases.js';
import { expectShardSet } from '../shard-set.js';
import { type Shards, expectReplicasEqual, mergeTensor } from '../shards.js';
import { renamed } from '../views.js';
import { encoderShape } from './encoder-shape.js';
import { TEXT_PREFIX, expectedVisionTensors, fusionSchedule, isTileEmbedding } from './layout.js';
import { withoutUnusedTiles } from './tiles.js';

/**
 * The canonical model of an opened checkpoint, which it then owns. Reads no weight but those that
 * {@link metaModel} reads.
 *
 * @throws LlamaError `llama/bad-params`, `llama/missing-tensor`, `llama/unknown-tensor`, `llama/wrong-shape`,
 *   `llama/mixed-shards`, and whatever {@link metaModel} throws
 */
export async function visionModel(checkpoint: MetaCheckpoint, options: MetaModelOptions = {}): Promise<MetaModel> {
  const { params, path } = checkpoint;
  expectCrossAttention(checkpoint);
  expectSchedule(params, path);
  expectShardSet(checkpoint.shards);
  const shards = canonicalShards(checkpoint.shards);
  const family = visionFamily(params, shards, path);
  expectAllNames(checkpoint.shards, params, family);
  const text = await metaModel({ ...checkpoint, ...textPart(shards), kind: 'text' }, options);
  const expected = expectedVisionTensors(text.config, family);
  const own = expected.map((tensor): [string, Tensor] => {
    const { name, split } = tensor;
    const merged = renamed(mergeTensor(shards, tensor, split === 'embedding' ? 'rows' : split), name);
    return [name, isTileEmbedding(name) ? withoutUnusedTiles(merged) : merged];
  });
  return {
    ...text,
    checkpoint,
    release: undefined,
    family: { ...family, release: visionReleaseName(text.config, family.nCrossLayers) },
    tensors: new Map([...[...text.tensors].map(([name, tensor]) => [name, renamed(tensor, name)] as const), ...own]),
    expectConsistentWeights: async (readOptions) => {
      await text.expectConsistentWeights(readOptions);
      await expectReplicasEqual(shards, expected, readOptions);
    },
  };
}

function expectSchedule(
  { n_layers: layers, vision_num_cross_attention_layers: cross }: MetaParams,
  path: string,
): void {
  if (cross < 1) {
    throw new LlamaError(
      'llama/contradiction',
      'the tensors are those of a vision model, but params.json states no vision_num_cross_attention_layers',
      { path },
    );
  }
  if (fusionSchedule(layers, cross).length === cross) return;
  throw new LlamaError(
    'llama/bad-params',
    `${cross} cross-attention layers cannot be spread evenly between ${layers} layers`,
    { path },
  );
}

function expectCrossAttention({ params, shards: [{ tensors }], path }: MetaCheckpoint): void {
  const { vision_num_cross_attention_layers: stated } = params;
  if (stated < 1 || [...tensors.keys()].some((name) => /(?:^|\.)(?:cross_attention_layers|vision_model)\./.test(name)))
    return;
  const message = `params.json says vision_num_cross_attention_layers ${stated}, but no tensor is of such a layer`;
  throw new LlamaError('llama/contradiction', message, { path });
}

function visionFamily(params: MetaParams, shards: Shards, path: string): VisionFamily {
  const { vision_chunk_size: tileSize, vision_max_num_chunks: maxTiles } = params;
  if (tileSize === undefined) {
    throw new LlamaError('llama/bad-params', 'vision_chunk_size, the side of a tile, is missing', { path });
  }
  const nCrossLayers = params.vision_num_cross_attention_layers;
  return { kind: 'vision', release: undefined, nCrossLayers, tileSize, maxTiles, encoder: encoderShape(shards) };
}

/** The registry's name for a vision model with this text model inside. */
export function visionReleaseName(
  { dim, nLayers, nHeads, ffnDim }: LlamaConfig,
  crossLayers: number,
): string | undefined {
  const releases = releasesOfKind({ kind: 'vision', dim, nLayers, nHeads, crossLayers, experts: 0 });
  return releases.find(({ shape }) => shape?.ffnDim === ffnDim)?.shape?.name;
}

/** The shards under canonical names, gates as one element. */
function canonicalShards(shards: MetaCheckpoint['shards']): MetaCheckpoint['shards'] {
  const canonical = (shard: MetaShard): MetaShard => ({
    ...shard,
    tensors: new Map(
      [...shard.tensors].map(([name, tensor]): [string, StoredTensor] => [
        name.startsWith(TEXT_PREFIX) ? name.slice(TEXT_PREFIX.length) : name,
        /gate(?:_attn|_ffn|_ffwd)?$/.test(name) ? asGate(tensor) : tensor,
      ]),
    ),
  });
  const [first, ...others] = shards;
  return [canonical(first), ...others.map(canonical)];
}

/** A gate as one element: some files hold it as many equal ones or with more extents, and Meta's code takes the first. */
function asGate(tensor: StoredTensor): StoredTensor {
  const { name, dtype, storedDtype, shape, storage, viewKey, fileOffset } = tensor;
  if (shape.join() === '1' || elementCount(shape) === 0) return tensor;
  const elementBytes = rowByteLengthOf({ dtype, shape: [1] });
  return {
    ...{ name, dtype, storedDtype, shape: [1], storage, viewKey, fileOffset },
    readRows: (_first, _count, options) => tensor.readBytes(0, elementBytes, options),
    readBytes: (start, length, options) => tensor.readBytes(start, length, options),
  };
}

const TEXT_NAMES = /^(?:tok_embeddings|norm|output|layers|rope)\./;

/** The checkpoint with the tensors of the text model alone. */
function textPart([first, ...others]: MetaCheckpoint['shards']): Pick<MetaCheckpoint, 'shards'> {
  const part = (shard: MetaShard): MetaShard => ({
    ...shard,
    tensors: new Map([...shard.tensors].filter(([name]) => TEXT_NAMES.test(name))),
  });
  return { shards: [part(first), ...others.map(part)] };
}

/** Throws unless the shards have all names under which Meta stores these tensors, and no others. */
function expectAllNames(shards: Shards, params: MetaParams, family: VisionFamily): void {
  // names depend on counts alone
  const counts = { ...NO_SHAPE, nLayers: params.n_layers };
  const inText = (tensor: ExpectedTensor): ExpectedTensor => ({ ...tensor, name: `${TEXT_PREFIX}${tensor.name}` });
  const others = expectedVisionTensors(counts, family).map((tensor) =>
    tensor.name.startsWith('vision_model.') ? tensor : inText(tensor),
  );
  expectNames(shards, [...expectedTensors(counts).map(inText), ...others], {
    what: 'a Llama 3.2 Vision with these params',
    isIgnored: (name) => name.startsWith(TEXT_PREFIX) && isStoredFrequencies(name.slice(TEXT_PREFIX.length)),
  });
}

const NO_SHAPE: LlamaConfig = {
  ...{ dim: 1, nLayers: 1, nHeads: 1, nKvHeads: 1, headDim: 1, ffnDim: 1, vocabSize: 1, normEps: 1, ropeTheta: 1 },
  ...{ ropeScaling: null, contextLength: 1, tied: false },
};
