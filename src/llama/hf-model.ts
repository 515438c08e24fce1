/**
 * The canonical model of a Hugging Face folder: `config.json` and safetensors, whole or in shards.
 *
 * Names are translated and the rows of q and k put back into Meta's order, both lazily.
 *
 * @module
 */
import { openSafetensorsFile } from '../formats/safetensors/read.js';
import type { TensorFile } from '../formats/tensor.js';
import type { Folder } from '../source/folder.js';
import { canonicalTensors } from './canonical.js';
import { parseHfConfig } from './hf-config.js';
import { HF_INDEX, HF_SINGLE } from './hf-files.js';
import { readHfTokenizer, readJsonText } from './hf-tokenizer.js';
import { rotaryHeads } from './layout.js';
import type { OpenModelOptions } from './meta-model.js';
import { type LlamaConfig, LlamaError, type LlamaModel } from './model.js';
import { lastPathPart } from './model-name.js';
import { toMetaRowOrder } from './row-order.js';

/**
 * Opens a Hugging Face folder as a canonical model; reads the JSON files and the headers of the shards.
 *
 * @throws LlamaError `llama/no-config`, `llama/bad-config`, `llama/bad-index`, `llama/missing-shard`,
 *   `llama/missing-tensor`, `llama/unknown-tensor`, `llama/wrong-shape`, `llama/unsupported`
 * @throws SafetensorsError, TokenizerError, SourceError
 */
export async function openHfModel(folder: Folder, options: OpenModelOptions = {}): Promise<LlamaModel> {
  const path = folder.name;
  if (!(await folder.has('config.json'))) {
    throw new LlamaError('llama/no-config', 'there is no config.json beside the safetensors files', { path });
  }
  const stated = parseHfConfig(await readJsonText(folder, 'config.json'), `${path}/config.json`);
  const files = await openSafetensorsFolder(folder);
  const close = async (): Promise<void> => {
    for (const file of files) await file.close();
  };
  try {
    const config = overridden(stated, options.ropeFactor);
    const stored = files.flatMap((file) => file.tensors);
    const tensors = canonicalTensors(stored, config, {
      ...{ layout: 'hf', path, statedIn: 'config.json' },
      isIgnored: (name) => name.endsWith('.rotary_emb.inv_freq'),
      inMetaOrder: (tensor, name) =>
        rotaryHeads(name, config) === undefined ? tensor : toMetaRowOrder(tensor, config.headDim),
    });
    const tokenizer = await readHfTokenizer(folder, config, options);
    return {
      ...{ layout: 'hf', path, name: lastPathPart(path), config, ...tokenizer, tensors, decisions: [] },
      ...{ expectConsistentWeights: async () => {}, close, [Symbol.asyncDispose]: close },
    };
  } catch (cause) {
    await close();
    throw cause;
  }
}

function overridden(config: LlamaConfig, ropeFactor: number | undefined): LlamaConfig {
  if (ropeFactor === undefined || config.ropeScaling === null) return config;
  return { ...config, ropeScaling: { ...config.ropeScaling, factor: ropeFactor } };
}

/** Opens every safetensors file of a folder, in the order of the index. @throws as {@link openHfModel} */
async function openSafetensorsFolder(folder: Folder): Promise<TensorFile[]> {
  const names = (await folder.has(HF_INDEX)) ? await readIndex(folder) : [HF_SINGLE];
  const files: TensorFile[] = [];
  try {
    for (const name of names) {
      if (!(await folder.has(name))) {
        throw new LlamaError('llama/missing-shard', `${name} is missing, but the index lists it`, {
          path: folder.name,
        });
      }
      const source = await folder.open(name);
      files.push(
        await openSafetensorsFile(source).catch(async (cause: unknown) => {
          await source.close();
          throw cause;
        }),
      );
    }
    return files;
  } catch (cause) {
    for (const file of files) await file.close();
    throw cause;
  }
}

async function readIndex(folder: Folder): Promise<string[]> {
  const refuse = (message: string): never => {
    throw new LlamaError('llama/bad-index', message, { path: `${folder.name}/${HF_INDEX}` });
  };
  const text = await readJsonText(folder, HF_INDEX);
  let map: unknown;
  try {
    map = (JSON.parse(text) as { weight_map?: unknown } | null)?.weight_map;
  } catch (cause) {
    refuse(`this is not valid JSON: ${(cause as Error).message}`);
  }
  if (typeof map !== 'object' || map === null) return refuse('a weight_map was expected');
  const names = new Set(Object.values(map).map(String));
  if (names.size === 0) return refuse('the weight_map is empty');
  return [...names].sort();
}
