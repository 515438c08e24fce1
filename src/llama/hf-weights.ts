/**
 * The files of weights in a Hugging Face folder, opened: safetensors, or the pickles of PyTorch that came before.
 *
 * @module
 */
import { openSafetensorsFile } from '../formats/safetensors/read.js';
import { shownName } from '../formats/shown-name.js';
import type { TensorFile } from '../formats/tensor.js';
import type { ByteSource } from '../source/byte-source.js';
import type { Folder } from '../source/folder.js';
import { identifySource } from '../source/identify.js';
import { mistakeOfName } from '../source/mistake.js';
import { HF_WEIGHTS, type HfWeightNames, hfWeightNames } from './hf-files.js';
import { readJsonText } from './hf-tokenizer.js';
import { isJsonObject, parseJsonObject } from './json-object.js';
import { LlamaError } from './model.js';

/**
 * Opens every file of weights of a folder, in the order of the index; reads headers only. The caller closes them.
 *
 * @throws LlamaError `llama/bad-index`, `llama/missing-shard`
 * @throws SafetensorsError, TorchError, ZipError, PickleError, SourceError
 */
export async function openHfWeights(folder: Folder): Promise<TensorFile[]> {
  const present = (await folder.list()).map(({ name }) => name);
  const { index, single, format } = hfWeightNames(present) ?? refuseWithoutIndex(folder.name, present);
  const names = present.includes(index) ? await readIndex(folder, index) : [single];
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
        await openWeights(source, format).catch(async (cause: unknown) => {
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

/** Shards of a model, by the names that transformers gives them. */
const SHARD = /^(?:model|pytorch_model)-\d{5}-of-\d{5}\.(?:safetensors|bin)$/;

function refuseWithoutIndex(path: string, present: readonly string[]): never {
  const [first, ...others] = present.filter((name) => SHARD.test(name));
  if (first === undefined) {
    const message = `there is no ${HF_WEIGHTS[0].single}, and no list of shards`;
    throw new LlamaError('llama/missing-shard', message, { path, hint: 'download the weights' });
  }
  const { index } = HF_WEIGHTS[first.endsWith('.bin') ? 1 : 0];
  const shards = others.length === 0 ? `only the shard ${first}` : `${others.length + 1} shards, as ${first}`;
  throw new LlamaError('llama/bad-index', `there are ${shards}, but no ${index}, which lists them`, {
    path,
    hint: 'download the index',
  });
}

async function openWeights(source: ByteSource, format: HfWeightNames['format']): Promise<TensorFile> {
  const mistake = mistakeOfName(source.name, await identifySource(source));
  if (mistake !== undefined) throw mistake;
  if (format === 'safetensors') return openSafetensorsFile(source);
  return (await import('../formats/torch/torch-file.js')).openTorchFile(source);
}

async function readIndex(folder: Folder, file: string): Promise<string[]> {
  const refuse = (message: string): never => {
    throw new LlamaError('llama/bad-index', message, { path: `${folder.name}/${file}` });
  };
  const index = parseJsonObject(await readJsonText(folder, file), `${folder.name}/${file}`, 'llama/bad-index');
  const map = index['weight_map'];
  if (!isJsonObject(map)) return refuse('a weight_map was expected');
  const names = new Set<string>();
  for (const [tensor, name] of Object.entries(map)) {
    if (typeof name !== 'string') {
      return refuse(`the weight_map says that ${shownName(tensor)} lies in ${JSON.stringify(name)}, which is no name`);
    }
    names.add(name);
  }
  if (names.size === 0) return refuse('the weight_map is empty');
  return [...names].sort();
}
