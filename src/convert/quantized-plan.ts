/**
 * Plan of a quantized GGUF file, the same bytes as `llama-quantize` makes of the converter's file.
 *
 * Its tensors stand in another order than the converter's: those of no layer first, then layer by layer, each sorted
 * by name. A weight that is not a finite number anywhere in the model is refused, as no block can hold it.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/src/llama-quant.cpp
 * @module
 */
import { type DType, isQuantized } from '../dtype.js';
import { shownName } from '../formats/shown-name.js';
import { rowLengthOf } from '../formats/tensor.js';
import type { LlamaModel } from '../llama/model.js';
import { type LooseTensor, castTensor } from './cast.js';
import { FILE_TYPES, type FileTypeName } from './file-types.js';
import { type GgufFileContent, type GgufSourceTensor, parametersOf } from './gguf-content.js';
import { quantizerMetadata } from './gguf-metadata.js';
import { type ChosenType, type MixtureInput, chooseTypes, fallbackCounts, isQuantizable, needsImportance } from './mixture.js'; // prettier-ignore
import type { ConvertOptions, ImportanceUse } from './options.js';
import { ConvertError } from './plan.js';

interface QuantizeOptions extends ConvertOptions {
  readonly type: FileTypeName;
}

/**
 * What a quantized file holds.
 *
 * @throws ConvertError `convert/bad-option`, `convert/unsupported-type`, `convert/needs-importance`,
 *   `convert/wrong-importance`, `convert/requantize`, `convert/no-tokenizer`
 */
export function quantizedContent(
  model: LlamaModel,
  sources: readonly GgufSourceTensor[],
  options: QuantizeOptions,
): GgufFileContent {
  const { type, importance } = options;
  const ordered = quantizedOrder(sources);
  const chosen = chooseTypes(type, mixtureInput(model, ordered, importance !== undefined), options);
  expectFound(options, ordered);
  if (importance !== undefined) expectOfThisModel(importance, ordered);
  const tensors = ordered.map((source) => {
    const dtype = chosen.get(source.name)?.dtype ?? unquantizedType(model, source);
    expectOnce(source, dtype, options);
    const weights = isQuantized(dtype) ? importanceOf(importance, source, dtype, type) : undefined;
    return castTensor(source.tensor, { ...source, dtype, importance: weights, finite: true });
  });
  const unweighted = importance === undefined ? [] : tensors.filter(isUnweighted);
  const warnings = [
    ...idleWarnings(options, chosen),
    ...fallbackWarnings(chosen),
    ...unweightedWarnings(unweighted.map(({ name }) => name)),
  ];
  return {
    ...{ tensors, type, dtype: FILE_TYPES[type].dtype, warnings },
    metadata: quantizerMetadata(model, FILE_TYPES[type].id, parametersOf(sources), importance),
  };
}

/** What the types are chosen by, given the tensors in the order of the file. */
export function mixtureInput(
  { config }: LlamaModel,
  ordered: readonly GgufSourceTensor[],
  hasImportance: boolean,
): MixtureInput {
  const tensors = ordered.map(({ name, tensor: { dtype, shape } }) => ({ name, dtype, shape }));
  return { tensors, config, hasImportance };
}

/** The order of llama.cpp's quantizer: by layer, then by name; tensors of no layer come first. */
export function quantizedOrder(sources: readonly GgufSourceTensor[]): GgufSourceTensor[] {
  return [...sources].sort(byLayerAndName);
}

function byLayerAndName(a: GgufSourceTensor, b: GgufSourceTensor): number {
  const byLayer = layerOf(a.name) - layerOf(b.name);
  return byLayer !== 0 ? byLayer : a.name < b.name ? -1 : 1;
}

function layerOf(name: string): number {
  return Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? -1);
}

/** What is not quantized keeps the type of the GGUF file; of other sources it is a vector, which GGUF has in F32. */
export function unquantizedType({ gguf }: LlamaModel, { tensor }: GgufSourceTensor): DType {
  return gguf === undefined ? 'float32' : tensor.dtype;
}

function expectOnce({ name, tensor }: GgufSourceTensor, dtype: DType, { allowRequantize }: QuantizeOptions): void {
  if (!isQuantized(tensor.dtype) || tensor.dtype === dtype || allowRequantize === true) return;
  throw new ConvertError(
    'convert/requantize',
    `${shownName(name)} is ${tensor.dtype} already; made ${dtype}, it would lose twice`,
    { hint: 'quantize the original model, or give --allow-requantize' },
  );
}

/** The weights of a tensor's columns; undefined where the matrix has none for it. */
function importanceOf(
  importance: ImportanceUse | undefined,
  { name, tensor }: GgufSourceTensor,
  dtype: DType,
  type: FileTypeName,
): Float32Array | undefined {
  if (importance === undefined || tensor.dtype === dtype) return undefined;
  const weights = importance.matrix.entries.get(name);
  const columns = rowLengthOf(tensor.shape);
  if (weights?.length === columns) return weights;
  // llama.cpp reads over a wrong size for the embedding, whose columns are no activations
  if (weights !== undefined && name !== 'token_embd.weight') {
    throw new ConvertError(
      'convert/wrong-importance',
      `the importance matrix has ${weights.length} weights for ${shownName(name)}, which has ${columns} columns`,
      { path: importance.file, hint: 'it was made for another model' },
    );
  }
  if (needsImportance(type, name, dtype)) {
    throw new ConvertError(
      'convert/needs-importance',
      `the importance matrix has nothing for ${shownName(name)}, and ${dtype} is garbage without`,
      { path: importance.file },
    );
  }
  return undefined;
}

/** Every pattern must be found in some matrix: one that is not was meant for other names. */
function expectFound({ tensorTypes = [] }: QuantizeOptions, ordered: readonly GgufSourceTensor[]): void {
  const matrices = ordered.filter(({ name, tensor: { dtype, shape } }) => isQuantizable({ name, dtype, shape }));
  for (const { pattern, dtype } of tensorTypes) {
    if (matrices.some(({ name }) => name.search(pattern) >= 0)) continue;
    throw new ConvertError(
      'convert/bad-option',
      `the pattern of the tensor type ${pattern.source}=${dtype} is found in no matrix's name`,
      { hint: `names are those of GGUF: ${EXAMPLE_NAMES}` },
    );
  }
}

const EXAMPLE_NAMES = 'token_embd.weight, blk.0.attn_q.weight, blk.0.ffn_down.weight, output.weight';

/** Says which types that were asked for no tensor gets. */
function idleWarnings(
  { outputType, tensorTypes = [] }: QuantizeOptions,
  chosen: ReadonlyMap<string, ChosenType>,
): string[] {
  const asked = new Set([...chosen.values()].map(({ askedBy }) => askedBy));
  const patterns = tensorTypes.filter((override) => !asked.has(override));
  const embedding = chosen.get('token_embd.weight')?.dtype;
  return [
    ...(outputType === undefined || asked.has('outputType')
      ? []
      : [`there is no output.weight to become ${outputType}, and token_embd.weight in its place becomes ${embedding}`]),
    ...patterns.map(({ pattern, dtype }) => `${pattern.source}=${dtype} decides nothing: another option comes first`),
  ];
}

/** A matrix with weights for a tensor that the model has not is another model's; any may have some for the output. */
function expectOfThisModel({ matrix, file }: ImportanceUse, tensors: readonly GgufSourceTensor[]): void {
  const names = new Set(tensors.map(({ name }) => name));
  const strange = [...matrix.entries.keys()].find((name) => !names.has(name) && name !== 'output.weight');
  if (strange === undefined) return;
  throw new ConvertError(
    'convert/wrong-importance',
    `the importance matrix has weights for ${shownName(strange)}, which this model does not have`,
    { path: file, hint: 'it was made for another model' },
  );
}

function fallbackWarnings(chosen: ReadonlyMap<string, ChosenType>): string[] {
  return fallbackCounts(chosen).map(({ dtype, insteadOf, tensorCount }) => {
    const tensors = tensorCount === 1 ? 'tensor becomes' : 'tensors become';
    return `${tensorCount} ${tensors} ${dtype} in place of ${insteadOf}, whose blocks do not divide the rows`;
  });
}

/** Quantized here although the importance matrix has no weights for it; nobody measures those of the embedding. */
function isUnweighted({ name, dtype, tensor, importance }: LooseTensor): boolean {
  const quantized = isQuantized(dtype) && tensor.dtype !== dtype;
  return quantized && importance === undefined && name !== 'token_embd.weight' && name !== 'output.weight';
}

function unweightedWarnings(names: readonly string[]): string[] {
  const [first] = names;
  if (first === undefined) return [];
  const others = names.length === 1 ? '' : ` and ${names.length - 1} more`;
  return [`the importance matrix has nothing for ${shownName(first)}${others}: quantized as if there were none`];
}
