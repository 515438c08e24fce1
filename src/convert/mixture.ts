/**
 * Which tensor of a quantized file gets which type: the recipes of `llama-quantize`.
 *
 * Some matrices matter more than others: what comes out of the model, the values of the attention, the last
 * matrix of a feed-forward block, and the first and last layers. A recipe gives these more bits. Three surprises:
 * with tied embeddings the embedding is the output and gets its type; a layer is counted by how many matrices of
 * its kind were met before it that a recipe decided, so an override shifts the layers after it; and a row that blocks
 * do not divide gets a type of smaller blocks.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/src/llama-quant.cpp (llama_tensor_get_type)
 * @module
 */
import { type DType, blockLayout } from '../dtype.js';
import { shownName } from '../formats/shown-name.js';
import { type TensorInfo, rowLengthOf } from '../formats/tensor.js';
import type { LlamaConfig } from '../llama/model.js';
import { FILE_TYPES, type FileTypeName } from './file-types.js';
import { ConvertError } from './plan.js';
import { type Place, RECIPES, type Role, outputTypeOf } from './recipes.js';

/** A type for the tensors whose names a pattern is found in. */
export interface TensorTypeOverride {
  /** Found anywhere in the tensor's name in GGUF, such as `blk.0.ffn_down.weight`. */
  readonly pattern: RegExp;
  /** Type of these tensors. */
  readonly dtype: DType;
}

/** What is chosen beside the type of the file. */
export interface MixtureOptions {
  /** One type for all matrices, without the recipe. */
  readonly pure?: boolean | undefined;
  /** Types of single tensors; the first pattern that is found decides. */
  readonly tensorTypes?: readonly TensorTypeOverride[] | undefined;
  /** Type of `output.weight`; of the embedding where they are tied and it has no type of its own. */
  readonly outputType?: DType | undefined;
  /** Type of `token_embd.weight`. */
  readonly embeddingType?: DType | undefined;
}

/** A type that was chosen for a tensor. */
export interface ChosenType {
  /** The type it gets. */
  readonly dtype: DType;
  /** The type that the recipe asked for, where the rows are no whole number of its blocks. */
  readonly fallbackFrom?: DType;
  /** What asked for the type, where the recipe did not. */
  readonly askedBy?: 'outputType' | 'embeddingType' | TensorTypeOverride | undefined;
}

/** What the choice depends on beside the file type. */
export interface MixtureInput {
  /** Tensors under their names in GGUF, in the order of the file. */
  readonly tensors: readonly TensorInfo[];
  /** Number of layers and heads. */
  readonly config: Pick<LlamaConfig, 'nLayers' | 'nHeads' | 'nKvHeads'>;
  /** Whether an importance matrix is used. */
  readonly hasImportance: boolean;
}

/** What a type falls back to where its blocks do not divide a row. */
const FALLBACKS: Readonly<Partial<Record<DType, DType>>> = {
  ...{ iq1_s: 'iq4_nl', iq1_m: 'iq4_nl', iq2_xxs: 'iq4_nl', iq2_xs: 'iq4_nl', iq2_s: 'iq4_nl' },
  ...{ iq3_xxs: 'iq4_nl', iq3_s: 'iq4_nl', iq4_xs: 'iq4_nl' },
  ...{ q2_0: 'q4_0', q2_k: 'q4_0', q3_k: 'q4_0', tq1_0: 'q4_0', tq2_0: 'q4_0' },
  ...{ q4_k: 'q5_0', q5_k: 'q5_1', q6_k: 'q8_0' },
};

/** Types that are useless without an importance matrix. */
const NEED_IMPORTANCE: ReadonlySet<DType> = new Set(['iq3_xxs', 'iq2_xxs', 'iq2_xs', 'iq2_s', 'iq1_m', 'iq1_s']);

/**
 * The type of each tensor that is quantized, by name; tensors that are left as they are (vectors) have none.
 *
 * @throws ConvertError `convert/bad-option` for a chosen type whose blocks do not divide a row,
 *   `convert/unsupported-type` where no type fits a row, `convert/needs-importance`
 */
export function chooseTypes(
  fileType: FileTypeName,
  input: MixtureInput,
  options: MixtureOptions = {},
): Map<string, ChosenType> {
  const place: Place = { layer: 0, ...input.config, hasImportance: input.hasImportance };
  const state: Choosing = {
    ...{ fileType, options, place },
    tied: !input.tensors.some(({ name }) => name === 'output.weight'),
    met: new Map(),
    values: input.tensors.filter(({ name }) => roleOf(name) === 'attn_v').length,
  };
  const chosen = new Map<string, ChosenType>();
  for (const tensor of input.tensors.filter(isQuantizable)) {
    const type = chooseType(state, tensor);
    expectImportance(state, tensor.name, type.dtype);
    chosen.set(tensor.name, type);
  }
  return chosen;
}

/** Matrices that are no weights of a norm; all else stays as it is. */
export function isQuantizable({ name, shape }: TensorInfo): boolean {
  return shape.length > 1 && name.endsWith('weight') && !name.includes('_norm.weight');
}

interface Choosing {
  readonly fileType: FileTypeName;
  readonly options: MixtureOptions;
  readonly place: Place;
  readonly tied: boolean;
  /** How many tensors of each role the recipe has decided. */
  readonly met: Map<Role, number>;
  /** Number of value projections, which is the number of layers that recipes reckon with for them. */
  readonly values: number;
}

function chooseType(state: Choosing, tensor: TensorInfo): ChosenType {
  const { options, fileType } = state;
  const role = roleOf(tensor.name);
  const askedBy = role === 'token_embd' ? 'embeddingType' : role === 'output' ? 'outputType' : undefined;
  const given = askedBy && options[askedBy];
  if (given !== undefined) return { ...expectFits(tensor, given), askedBy };
  const override = options.tensorTypes?.find(({ pattern }) => tensor.name.search(pattern) >= 0);
  if (override !== undefined) return { ...fitting(tensor, override.dtype), askedBy: override };
  if (options.pure === true) return fitting(tensor, FILE_TYPES[fileType].dtype);
  if (isOutput(state, role) && options.outputType !== undefined) {
    return { ...fitting(tensor, options.outputType), askedBy: 'outputType' };
  }
  return fitting(tensor, typeByRecipe(state, role, rowLengthOf(tensor.shape)));
}

/** Whether the tensor is what comes out of the model: with tied embeddings these are it. */
function isOutput({ tied }: Choosing, role: Role | undefined): boolean {
  return role === 'output' || (role === 'token_embd' && tied);
}

/** The role of a tensor: the part of its name between the block and the word `weight`. */
function roleOf(name: string): Role | undefined {
  return /^(?:blk\.\d+\.)?(\w+)\.weight$/.exec(name)?.[1] as Role | undefined;
}

function typeByRecipe(state: Choosing, role: Role | undefined, rowLength: number): DType {
  const { fileType, met } = state;
  const { dtype } = FILE_TYPES[fileType];
  if (role === undefined) return dtype;
  if (isOutput(state, role)) return outputTypeOf(fileType, dtype, rowLength);
  const layer = met.get(role) ?? 0;
  met.set(role, layer + 1);
  const nLayers = role === 'attn_v' ? state.values : state.place.nLayers;
  return RECIPES[fileType]?.[role]?.({ ...state.place, layer, nLayers }) ?? dtype;
}

function fitting({ name, shape }: TensorInfo, wanted: DType): ChosenType {
  const length = rowLengthOf(shape);
  if (length % blockLayout(wanted).blockElements === 0) return { dtype: wanted };
  const next = FALLBACKS[wanted];
  if (next === undefined) {
    throw new ConvertError(
      'convert/unsupported-type',
      `${shownName(name)} has rows of ${length}, no whole number of ${wanted} blocks, and no other type stands in for it`,
      { hint: 'choose another type for it with --tensor-type' },
    );
  }
  const dtype = length % blockLayout(next).blockElements === 0 ? next : 'float16';
  return { dtype, fallbackFrom: wanted };
}

function expectFits({ name, shape }: TensorInfo, dtype: DType): ChosenType {
  const { blockElements } = blockLayout(dtype);
  if (rowLengthOf(shape) % blockElements === 0) return { dtype };
  throw new ConvertError(
    'convert/bad-option',
    `${shownName(name)} has rows of ${rowLengthOf(shape)}, no whole number of ${dtype} blocks of ${blockElements}`,
    { hint: 'choose another type for it' },
  );
}

function expectImportance({ fileType, place }: Choosing, name: string, dtype: DType): void {
  if (place.hasImportance || !needsImportance(fileType, name, dtype)) return;
  throw new ConvertError(
    'convert/needs-importance',
    `${shownName(name)} would become ${dtype}, which is garbage without an importance matrix`,
    { hint: 'give --imatrix FILE, or choose a type of more bits' },
  );
}

/** Whether llama.cpp refuses to make this type of this tensor without importances. */
export function needsImportance(fileType: FileTypeName, name: string, dtype: DType): boolean {
  if (name === 'token_embd.weight' || name === 'output.weight') return false;
  return NEED_IMPORTANCE.has(dtype) || (dtype === 'q2_k' && fileType === 'q2_k_s');
}

/** Matrices that get another type than the recipe asks for, because its blocks do not divide their rows. */
export interface FallbackCount {
  /** The type they get. */
  readonly dtype: DType;
  /** The type they should have got. */
  readonly insteadOf: DType;
  /** How many there are. */
  readonly tensorCount: number;
}

/** How many tensors get another type because its blocks do not divide their rows, by the two types. */
export function fallbackCounts(chosen: ReadonlyMap<string, ChosenType>): FallbackCount[] {
  const counts = new Map<string, FallbackCount>();
  for (const { dtype, fallbackFrom: insteadOf } of chosen.values()) {
    if (insteadOf === undefined) continue;
    const key = `${dtype} ${insteadOf}`;
    counts.set(key, { dtype, insteadOf, tensorCount: (counts.get(key)?.tensorCount ?? 0) + 1 });
  }
  return [...counts.values()];
}
