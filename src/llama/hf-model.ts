/**
 * The canonical model of a Hugging Face folder: `config.json` and weights, whole or in shards.
 *
 * Names are translated and the rows of q and k put back into Meta's order, both lazily.
 *
 * @module
 */
import type { StoredTensor, TensorFile } from '../formats/tensor.js';
import type { ReadOptions } from '../source/byte-source.js';
import type { Folder } from '../source/folder.js';
import { canonicalTensors } from './canonical.js';
import { chatTemplatesOf } from './hf-chat-template.js';
import { expectModelType, expectPlainLlama, textConfigOf } from './hf-config.js';
import type { HfFiles, HfParts } from './hf-parts.js';
import { otherTokens } from './hf-other-tokens.js';
import { expectTokensInside, expectTokensNamed, readHfSmallFiles } from './hf-small-files.js';
import { readHfTokenizer, rowsForTokens } from './hf-tokenizer.js';
import { openHfWeights } from './hf-weights.js';
import type { OpenModelOptions } from './meta-model.js';
import { type LlamaConfig, LlamaError, type LlamaModel } from './model.js';
import { lastPathPart } from './model-name.js';
import { expectScaled } from './rope.js';
import { rotatesHalves, toMetaRowOrder } from './row-order.js';
import { sameBytes } from './shards.js';

/**
 * Opens a Hugging Face folder as a canonical model; reads the JSON files and the headers of the shards.
 *
 * @throws LlamaError `llama/no-config`, `llama/bad-config`, `llama/bad-index`, `llama/missing-shard`,
 *   `llama/missing-tensor`, `llama/unknown-tensor`, `llama/wrong-shape`, `llama/unsupported`, `llama/contradiction`
 * @throws SafetensorsError, TorchError, ZipError, PickleError, TokenizerError, SourceError
 */
export async function openHfModel(folder: Folder, options: OpenModelOptions = {}): Promise<LlamaModel> {
  const path = folder.name;
  const small = await readHfSmallFiles(folder);
  const configPath = `${path}/config.json`;
  expectModelType(small.config, MODEL_TYPES, configPath);
  const files = await openHfWeights(folder);
  const close = async (): Promise<void> => {
    for (const file of files) await file.close();
  };
  try {
    const stored = files.flatMap((file) => file.tensors);
    const found = await partsOf({ json: small.config, configPath, stored, path }, files);
    expectTokensNamed(small, path);
    expectTokensInside(small, rowsForTokens(found), path);
    const parts = { ...found, config: overridden(found.config, options.ropeFactor, path) };
    const tokenizer = await readHfTokenizer(folder, small, parts, options);
    const chatTemplates = chatTemplatesOf(small, path);
    const { configText, leftOut } = small;
    const hf = { configText, files: small.files, generation: small.json('generation_config.json'), leftOut };
    return {
      ...{ layout: 'hf', path, name: lastPathPart(path), ...parts, ...tokenizer, chatTemplates },
      ...{ hf, decisions: otherTokens(small, tokenizer.vocabulary), ropeFactor: options.ropeFactor },
      ...{ close, [Symbol.asyncDispose]: close },
    };
  } catch (cause) {
    await close();
    throw cause;
  }
}

/** Types of models that are read; the text part of a vision model alone is told why it is not. */
const MODEL_TYPES = ['llama', 'mllama', 'llama4', 'llama4_text', 'mllama_text_model'];

async function partsOf(folder: HfFiles, files: readonly TensorFile[]): Promise<HfParts> {
  const { json, configPath } = folder;
  switch (json['model_type']) {
    case 'mllama':
      return (await import('./vision/hf-model.js')).mllamaParts(folder);
    case 'llama4':
    case 'llama4_text':
      return (await import('./llama4/hf-model.js')).llama4Parts(folder);
    case 'mllama_text_model':
      throw new LlamaError(
        'llama/unsupported',
        'this is the text part of a Llama 3.2 Vision without its encoder (model_type "mllama_text_model")',
        { path: configPath, hint: 'take the folder of the whole model, whose model_type is "mllama"' },
      );
    default:
      return textParts(folder, files);
  }
}

function textParts({ json, configPath, stored, path }: HfFiles, files: readonly TensorFile[]): HfParts {
  expectPlainLlama(json, configPath);
  const config = textConfigOf(json, configPath);
  const tensors = canonicalTensors(stored, config, {
    ...{ layout: 'hf', path, statedIn: 'config.json', layersKey: 'num_hidden_layers' },
    otherShape: 'config.json is of another model than these weights: take both from one download',
    isIgnored: (name) => name.endsWith('.rotary_emb.inv_freq'),
    inMetaOrder: (tensor, name) =>
      rotatesHalves(name, { config, family: undefined }) ? toMetaRowOrder(tensor, config.headDim) : tensor,
  });
  return { config, tensors, expectConsistentWeights: (options) => expectTied(files, config, path, options) };
}

/**
 * Where the output is said to be the embedding and yet stored, both must be the same: programs differ in which they take.
 * Reads both up to the first block that differs, or nothing where they are one storage.
 */
async function expectTied(
  files: readonly TensorFile[],
  { tied }: LlamaConfig,
  path: string,
  options?: ReadOptions,
): Promise<void> {
  const [output, embedding] = [storedAs(files, 'lm_head'), storedAs(files, 'model.embed_tokens')];
  if (!tied || output === undefined || embedding === undefined) return;
  if (isOneView(output, embedding) || (await sameBytes(output.tensor, embedding.tensor, options))) return;
  const message =
    'config.json says tie_word_embeddings true, but lm_head.weight differs from model.embed_tokens.weight';
  throw new LlamaError('llama/contradiction', message, { path });
}

/** A tensor and the file it lies in. */
interface Place {
  readonly file: TensorFile;
  readonly tensor: StoredTensor;
}

function storedAs(files: readonly TensorFile[], name: string): Place | undefined {
  const places = files.flatMap((file) => file.tensors.map((tensor) => ({ file, tensor })));
  return places.find(({ tensor }) => tensor.name === `${name}.weight`);
}

/** Whether both are the same bytes of one file, under two names. */
function isOneView(a: Place, b: Place): boolean {
  return a.file === b.file && a.tensor.viewKey !== undefined && a.tensor.viewKey === b.tensor.viewKey;
}

function overridden(config: LlamaConfig, ropeFactor: number | undefined, path: string): LlamaConfig {
  expectScaled(config.ropeScaling !== null, ropeFactor, path, 'config.json');
  if (ropeFactor === undefined || config.ropeScaling === null) return config;
  return { ...config, ropeScaling: { ...config.ropeScaling, factor: ropeFactor } };
}
