/**
 * Plan of a folder as Meta ships it: shards as `torch.save` lays them out, params.json, tokenizer.model and the list of
 * their MD5 sums.
 *
 * Checksums stand behind the data that they are of, in the shards as in the list, so everything is written once and in
 * order. Shards are cut as Meta's own are: the embedding along its width up to Llama 2, along the vocabulary from
 * Llama 3 on. Rotary frequencies, which the files of Llama 1 and 2 hold although they follow from theta, are not written.
 *
 * @see docs/layouts.md
 * @module
 */
import type { DType } from '../dtype.js';
import { type TorchFilePart, torchFileParts } from '../formats/torch/file-parts.js';
import { type TorchEntry, planTorchFile } from '../formats/torch/write.js';
import { hyperparameters } from '../llama/hyperparameters.js';
import { expectedTensors } from '../llama/layout.js';
import { type LlamaModel, expectTensor } from '../llama/model.js';
import { parseParams } from '../llama/params.js';
import { shardOf } from '../llama/shards.js';
import { tokenizerModelBytes } from '../tokenizer/tokenizer-model-write.js';
import { type LooseTensor, castTensor } from './cast.js';
import type { ConvertOptions } from './options.js';
import { paramsJson } from './params-json.js';
import { type PlainTypes, plainTypes } from './plain-types.js';
import { ConvertError, type FilePiece, type PlannedFile, type PlannedKind, bytesFile } from './plan.js';

/**
 * Files of Meta's layout.
 *
 * @throws ConvertError `convert/unsupported-type`, `convert/bad-option`, `convert/not-expressible`
 * @throws TokenizerError where the vocabulary does not fit into a tokenizer.model
 */
export function metaFiles(model: LlamaModel, options: ConvertOptions): PlannedKind {
  const types = plainTypes(model, options, 'files of PyTorch');
  const { shards = 1 } = options;
  const family = familyOf(model);
  expectDivisible(model, shards, family);
  const weights = Array.from({ length: shards }, (_, index) =>
    shardFile(model, types, { index, count: shards, family }),
  );
  const paramsBytes = paramsOf(model, family);
  const params = bytesFile('params.json', paramsBytes);
  const files = [...weights, params, ...tokenizerFiles(model)].map((file) => ({ ...file, hashed: true }));
  return {
    ...{ type: types.name, dtype: types.dtype },
    files: [...files, ...checklists(files, family)],
    warnings: warningsOf(model, { bytes: paramsBytes, dtype: types.dtype, shards }),
    expectExact: types.expectExact,
  };
}

/** Which of the two forms of a folder: tokenizer of SentencePiece, or ranks. */
type Family = 'llama2' | 'llama3';

/** Rows that no embedding of a Llama up to 2 reaches. */
const LLAMA_3_ROWS = 128000;

function familyOf({ vocabulary, config }: LlamaModel): Family {
  if (vocabulary !== undefined) return vocabulary.kind === 'sentencepiece' ? 'llama2' : 'llama3';
  return config.vocabSize >= LLAMA_3_ROWS ? 'llama3' : 'llama2';
}

interface ShardPlace {
  readonly index: number;
  readonly count: number;
  readonly family: Family;
}

/** What every shard gets a whole part of. */
function expectDivisible({ config, path }: LlamaModel, count: number, family: Family): void {
  const parts: [number, string][] = [
    [config.nHeads, 'query heads'],
    [config.nKvHeads, 'key/value heads'],
    [config.ffnDim, 'columns of the feed-forward block'],
    [config.vocabSize, 'rows of the output'],
    [family === 'llama2' ? config.dim : config.vocabSize, 'parts of the embedding'],
  ];
  const odd = parts.find(([extent]) => extent % count !== 0);
  if (odd === undefined) return;
  throw new ConvertError('convert/bad-option', `${count} shards cannot share ${odd[0]} ${odd[1]} equally`, {
    path,
    hint: `choose a number of shards that divides ${odd[0]}`,
  });
}

function shardFile(model: LlamaModel, types: PlainTypes, place: ShardPlace): PlannedFile {
  const number = String(place.index).padStart(2, '0');
  const tensors = shardTensors(model, types, place);
  const shared = sharesOutput(model, place);
  const entries = tensors.map(({ name, dtype, shape }): TorchEntry => {
    const storage = shared && isVocabularyMatrix(name) ? 'vocabulary' : undefined;
    return { name, dtype, shape, storage };
  });
  const archiveName = `consolidated.${number}`;
  const plan = planTorchFile(entries, { archiveName, root: model.config.tied ? 'dict' : 'OrderedDict' });
  const pieces = torchFileParts(plan).map((part) => pieceOf(part, tensors));
  return { name: `${archiveName}.pth`, byteLength: plan.byteLength, pieces };
}

function isVocabularyMatrix(name: string): boolean {
  return name === 'tok_embeddings.weight' || name === 'output.weight';
}

/** A tied output is the embedding's own storage where both are cut alike, as in the files of Llama 3.2. */
function sharesOutput({ config }: LlamaModel, { count, family }: ShardPlace): boolean {
  return config.tied && (count === 1 || family === 'llama3');
}

function shardTensors(model: LlamaModel, types: PlainTypes, place: ShardPlace): LooseTensor[] {
  const expected = expectedTensors({ ...model.config, tied: false });
  return expected.map(({ name, split }) => {
    const from = name === 'output.weight' && model.config.tied ? 'tok_embeddings.weight' : name;
    const whole = expectTensor(model, from);
    const cut = split === 'embedding' ? (place.family === 'llama2' ? 'columns' : 'rows') : split;
    return castTensor(shardOf(whole, cut, place.index, place.count), { name, from, dtype: types.of(whole) });
  });
}

function pieceOf(part: TorchFilePart, tensors: readonly LooseTensor[]): FilePiece {
  switch (part.kind) {
    case 'bytes':
      return part;
    case 'storage':
      return { ...tensors[part.entry]!, fileOffset: part.fileOffset };
    case 'late':
      return {
        ...{ kind: 'late', byteLength: part.byteLength },
        make: ({ tensorSums }) => part.make((entry) => tensorSums.get(tensors[entry]!.name) ?? 0),
      };
  }
}

/** The source's own file where it came with one that says the same, else a new one. */
function paramsOf(model: LlamaModel, family: Family): Uint8Array {
  return model.paramsFile ?? new TextEncoder().encode(paramsJson(model, family === 'llama2'));
}

function tokenizerFiles({ vocabulary, tokenizerModelFile }: LlamaModel): PlannedFile[] {
  if (vocabulary === undefined) return [];
  return [bytesFile('tokenizer.model', tokenizerModelFile ?? tokenizerModelBytes(vocabulary))];
}

/** What a reader of the folder goes by. */
interface ReadBack {
  /** params.json. */
  readonly bytes: Uint8Array;
  /** Type of the embedding. */
  readonly dtype: DType;
  /** Number of shards. */
  readonly shards: number;
}

/** MD5 in hexadecimal. */
const MD5_LENGTH = 32;

/**
 * The lists: one of everything with `./` before the names from Llama 3 on; before, one of weights and params.json, and
 * one of the tokenizer.
 */
function checklists(files: readonly PlannedFile[], family: Family): PlannedFile[] {
  const names = files.map(({ name }) => name);
  if (family === 'llama3') return [checklist('checklist.chk', names, './')];
  const isTokenizer = (name: string): boolean => name === 'tokenizer.model';
  const lists = [checklist('checklist.chk', names.filter((name) => !isTokenizer(name)), '')]; // prettier-ignore
  return names.some(isTokenizer) ? [...lists, checklist('tokenizer_checklist.chk', ['tokenizer.model'], '')] : lists;
}

function checklist(name: string, listed: readonly string[], prefix: string): PlannedFile {
  const line = (file: string, hash: string): string => `${hash}  ${prefix}${file}\n`;
  const byteLength = listed.reduce((sum, file) => sum + line(file, '').length + MD5_LENGTH, 0);
  const make: Extract<FilePiece, { kind: 'late' }>['make'] = ({ fileHashes }) =>
    new TextEncoder().encode(listed.map((file) => line(file, fileHashes.get(file) ?? '')).join(''));
  return { name, byteLength, pieces: [{ kind: 'late', byteLength, make }] };
}

/** What a reader of the folder will take for something else, because params.json has no place for it. */
function warningsOf({ config, path }: LlamaModel, { bytes, dtype, shards }: ReadBack): string[] {
  const evidence = { vocabSize: config.vocabSize, tied: config.tied, dtype, shardCount: shards };
  const read = hyperparameters(parseParams(bytes, path), { ...evidence, frequenciesInBlocks: false }, path).config;
  const factor = config.ropeScaling?.factor;
  return [
    factor === read.ropeScaling?.factor
      ? undefined
      : `params.json has no place for the rope factor ${factor}, and readers take ${read.ropeScaling?.factor} for it: tell them with --rope-factor ${factor}`,
    config.contextLength === read.contextLength
      ? undefined
      : `params.json has no place for the context length ${config.contextLength}, and readers take ${read.contextLength} for it`,
  ].filter((warning) => warning !== undefined);
}
