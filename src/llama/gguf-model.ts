/**
 * The canonical model of a GGUF file made for llama.cpp.
 *
 * Rows of q and k are already in Meta's order. The scaling of the rotary frequencies is stored as the
 * divisors themselves (`rope_freqs.weight`), so the factor is found by trying: a file whose divisors
 * follow no known rule is refused, because nothing could be said about its long contexts.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 * @module
 */
import { metadataEntry, readMetadataValues } from '../formats/gguf/metadata.js';
import { openGgufParts } from '../formats/gguf/open-parts.js';
import { type GgufFile, openGgufFile } from '../formats/gguf/read.js';
import { expectWhole } from '../formats/gguf/split.js';
import type { StoredTensor } from '../formats/tensor.js';
import { decodeToFloat32 } from '../quant/codec.js';
import type { ByteSource } from '../source/byte-source.js';
import type { Folder } from '../source/folder.js';
import { chatTemplatesOfGguf } from '../tokenizer/chat-template/gguf-templates.js';
import type { Vocabulary } from '../tokenizer/vocabulary.js';
import { expectVocabularySize } from '../tokenizer/vocabulary-size.js';
import { canonicalTensors } from './canonical.js';
import { ROPE_FREQS, type StatedConfig, knownScaling, statedConfig, vocabularyOf } from './gguf-config.js';
import type { LlamaModel, RopeScaling } from './model.js';
import { lastPathPart } from './model-name.js';
import { expectScaled, llama3Scaling } from './rope.js';

/**
 * Opens a GGUF file as a canonical model; reads its header, the vocabulary and the rope divisors.
 *
 * @param ropeFactor - overrides the factor of the rope scaling
 * @throws GgufError, TokenizerError, SourceError
 * @throws LlamaError `llama/unsupported`, `llama/bad-config`, `llama/missing-tensor`, `llama/unknown-tensor`,
 *   `llama/wrong-shape`
 */
export async function openGgufModel(source: ByteSource, ropeFactor?: number): Promise<LlamaModel> {
  return ggufModel(await openGgufFile(source), ropeFactor);
}

/** The same for a file of a folder, together with the other parts where it is split. @throws as {@link openGgufModel} */
export async function openGgufFolderModel(folder: Folder, name: string, ropeFactor?: number): Promise<LlamaModel> {
  return ggufModel(await openGgufParts(folder, name), ropeFactor);
}

async function ggufModel(file: GgufFile, ropeFactor: number | undefined): Promise<LlamaModel> {
  const path = file.name;
  try {
    expectWhole(file);
    const stored = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
    const stated = statedConfig(file, path);
    const ropeScaling = await readRopeScaling(stored.get(ROPE_FREQS), stated, path, ropeFactor);
    const config = { ...stated, ropeScaling };
    const tensors = canonicalTensors(file.tensors, config, {
      ...{ layout: 'gguf', path, statedIn: 'the metadata', layersKey: 'llama.block_count' },
      otherShape: 'the file contradicts itself: make it again, or download it again',
      isIgnored: (name) => name === ROPE_FREQS,
      inMetaOrder: (tensor) => tensor,
    });
    const values = await readMetadataValues(file.metadata, file.metadata.keys());
    const vocabulary = vocabularyOf(values, path);
    if (vocabulary !== undefined) expectVocabularySize(vocabulary, config.vocabSize, path);
    const metadata = [...values].filter(([key]) => !key.startsWith('split.')).map(metadataEntry);
    const name = lastPathPart(path).replace(/(?:-\d{5}-of-\d{5})?\.gguf$/i, '');
    return {
      ...{ layout: 'gguf', path, name, config, vocabulary, tensors, decisions: [], sentencePieceFile: undefined },
      ...{ chatTemplates: chatTemplatesOfGguf(metadata, path), ropeFactor },
      gguf: { metadata, tensorNames: file.tensors.map((tensor) => tensor.name) },
      expectConsistentWeights: async () => {},
      close: () => file.close(),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (cause) {
    await file.close();
    throw cause;
  }
}

/**
 * The vocabulary of a GGUF file that has a tokenizer and no tensors; undefined for any other. Closes the source.
 *
 * @throws GgufError, TokenizerError, SourceError
 */
export async function readVocabularyOnly(source: ByteSource): Promise<Vocabulary | undefined> {
  try {
    const file = await openGgufFile(source);
    if (file.tensors.length > 0 || file.metadata.has('split.count')) return undefined;
    return vocabularyOf(await readMetadataValues(file.metadata, file.metadata.keys()), source.name);
  } finally {
    await source.close();
  }
}

async function readRopeScaling(
  divisors: StoredTensor | undefined,
  { headDim, ropeTheta }: StatedConfig,
  path: string,
  override: number | undefined,
): Promise<RopeScaling | null> {
  expectScaled(divisors !== undefined, override, path, 'the file');
  if (divisors === undefined) return null;
  if (override !== undefined) return llama3Scaling(override);
  const isVector = divisors.shape.length === 1 && divisors.shape[0] === headDim / 2;
  const values = new Float32Array(isVector ? headDim / 2 : 0);
  if (isVector) decodeToFloat32(divisors.dtype, await divisors.readRows(0, 1), values);
  return knownScaling(values, headDim, ropeTheta, path);
}
