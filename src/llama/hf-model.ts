/**
 * The canonical model of a Hugging Face folder: `config.json` and weights, whole or in shards.
 *
 * Names are translated and the rows of q and k put back into Meta's order, both lazily.
 *
 * @module
 */
import type { StoredTensor } from '../formats/tensor.js';
import type { Folder } from '../source/folder.js';
import { canonicalTensors } from './canonical.js';
import { chatTemplatesOf } from './hf-chat-template.js';
import { parseHfConfig } from './hf-config.js';
import { expectTokensInside, readHfSmallFiles } from './hf-small-files.js';
import { readHfTokenizer } from './hf-tokenizer.js';
import { openHfWeights } from './hf-weights.js';
import { rotaryHeads } from './layout.js';
import type { OpenModelOptions } from './meta-model.js';
import { type LlamaConfig, LlamaError, type LlamaModel } from './model.js';
import { lastPathPart } from './model-name.js';
import { toMetaRowOrder } from './row-order.js';
import { sameBytes } from './shards.js';

/**
 * Opens a Hugging Face folder as a canonical model; reads the JSON files and the headers of the shards.
 *
 * @throws LlamaError `llama/no-config`, `llama/bad-config`, `llama/contradiction`, `llama/bad-index`, `llama/missing-shard`,
 *   `llama/missing-tensor`, `llama/unknown-tensor`, `llama/wrong-shape`, `llama/unsupported`
 * @throws SafetensorsError, TorchError, ZipError, PickleError, TokenizerError, SourceError
 */
export async function openHfModel(folder: Folder, options: OpenModelOptions = {}): Promise<LlamaModel> {
  const path = folder.name;
  const small = await readHfSmallFiles(folder);
  const stated = parseHfConfig(small.configText, `${path}/config.json`);
  expectTokensInside(small, stated.vocabSize, path);
  const files = await openHfWeights(folder);
  const close = async (): Promise<void> => {
    for (const file of files) await file.close();
  };
  try {
    const config = overridden(stated, options.ropeFactor);
    const stored = files.flatMap((file) => file.tensors);
    const tensors = canonicalTensors(stored, config, {
      ...{ layout: 'hf', path, statedIn: 'config.json', layersKey: 'num_hidden_layers' },
      otherShape: 'config.json is of another model than these weights: take both from one download',
      isIgnored: (name) => name.endsWith('.rotary_emb.inv_freq'),
      inMetaOrder: (tensor, name) =>
        rotaryHeads(name, config) === undefined ? tensor : toMetaRowOrder(tensor, config.headDim),
    });
    await expectTied(stored, config, path);
    const tokenizer = await readHfTokenizer(folder, small, config, options);
    const chatTemplates = chatTemplatesOf(small, path);
    return {
      ...{ layout: 'hf', path, name: lastPathPart(path), config, ...tokenizer, chatTemplates, tensors, decisions: [] },
      hf: { configText: small.configText, files: small.files, generation: small.json('generation_config.json') },
      ...{ expectConsistentWeights: async () => {}, close, [Symbol.asyncDispose]: close },
    };
  } catch (cause) {
    await close();
    throw cause;
  }
}

/**
 * Where the output is said to be the embedding and yet stored, both must be the same: programs differ in which they take.
 * Ends at the first block that differs.
 */
async function expectTied(stored: readonly StoredTensor[], { tied }: LlamaConfig, path: string): Promise<void> {
  const named = (name: string): StoredTensor | undefined => stored.find((tensor) => tensor.name === `${name}.weight`);
  const [output, embedding] = [named('lm_head'), named('model.embed_tokens')];
  if (!tied || output === undefined || embedding === undefined || (await sameBytes(output, embedding))) return;
  const message =
    'config.json says tie_word_embeddings true, but lm_head.weight differs from model.embed_tokens.weight';
  throw new LlamaError('llama/contradiction', message, { path });
}

function overridden(config: LlamaConfig, ropeFactor: number | undefined): LlamaConfig {
  if (ropeFactor === undefined || config.ropeScaling === null) return config;
  return { ...config, ropeScaling: { ...config.ropeScaling, factor: ropeFactor } };
}
