/**
 * How large the GGUF file of each type would be, to the byte, before anything is converted.
 *
 * A header takes as many bytes whatever the types of the tensors are: types are numbers of fixed width. So the header,
 * which for a Llama 3 has 8 MB of tokens and takes nearly all the time, is laid out once for all types.
 *
 * @module
 */
import type { DType } from '../dtype.js';
import { alignedUp } from '../formats/gguf/alignment.js';
import { type GgufMetadataEntry, planGguf } from '../formats/gguf/plan.js';
import { tensorByteLength } from '../formats/tensor.js';
import type { LlamaModel } from '../llama/model.js';
import { bitsPerElement } from '../llama/weight-tallies.js';
import { withChosenTemplates } from './chat-template.js';
import { FILE_TYPES, type FileTypeName, fileTypeNames, isPlainFileType } from './file-types.js';
import { type GgufSourceTensor, parametersOf } from './gguf-content.js';
import { converterMetadata, quantizerMetadata } from './gguf-metadata.js';
import { ggufSources, plainTensorType } from './gguf-plan.js';
import { type ChosenType, type FallbackCount, chooseTypes, fallbackCounts } from './mixture.js';
import { ConvertError } from './plan.js';
import { expectTextModel } from './text-only.js';
import { mixtureInput, quantizedOrder, unquantizedType } from './quantized-plan.js';

/** How large the file of a type would be. */
export interface SizeForecast {
  /** Type of the file. */
  readonly type: FileTypeName;
  /** Bytes of the file; undefined where there is no tokenizer that it could hold, or a problem. */
  readonly byteLength: number | undefined;
  /** Bytes of its tensors, without what stands between them; undefined where there is a problem. */
  readonly tensorByteLength: number | undefined;
  /** Bits that a parameter would take on average, as an inspection of the file counts; undefined where there is a problem. */
  readonly bitsPerWeight: number | undefined;
  /**
   * Whether it cannot be made without an importance matrix. The file is then larger by what it says of that matrix,
   * some hundred bytes, which are not counted.
   */
  readonly needsImportance: boolean;
  /** What departs from the recipe. */
  readonly fallbacks: readonly FallbackCount[];
  /** Why there can be no file of this type. */
  readonly problem: ConvertError | undefined;
}

/**
 * The sizes of the files that a conversion of this model to GGUF would write. Reads nothing.
 *
 * @param types - in their order; when absent every type that needs no importance matrix, from large to small
 */
export function forecastSizes(source: LlamaModel, types?: readonly FileTypeName[]): SizeForecast[] {
  expectTextModel(source, 'gguf');
  const model = withChosenTemplates(source, { to: 'gguf' });
  const sources = quantizedOrder(ggufSources(model));
  const headers = headerPlanner(model, sources);
  const forecasts = (types ?? fileTypeNames()).map((type) => forecast(type, model, sources, headers));
  if (types !== undefined) return forecasts;
  return forecasts
    .filter(({ needsImportance }) => !needsImportance)
    .sort((a, b) => (b.tensorByteLength ?? 0) - (a.tensorByteLength ?? 0));
}

/** Where the tensors begin, and to what they are aligned. */
interface Header {
  readonly byteLength: number;
  readonly alignment: number;
}

type HeaderPlanner = (type: FileTypeName) => Header | undefined;

function forecast(
  type: FileTypeName,
  model: LlamaModel,
  sources: readonly GgufSourceTensor[],
  headerOf: HeaderPlanner,
): SizeForecast {
  const choice = choose(type, model, sources);
  const { needsImportance, chosen } = choice;
  if (chosen instanceof ConvertError) {
    const unknown = { byteLength: undefined, tensorByteLength: undefined, bitsPerWeight: undefined };
    return { type, ...unknown, needsImportance, fallbacks: [], problem: chosen };
  }
  const sized = sources.map((source) => {
    const dtype = chosen.get(source.name)?.dtype ?? typeWithoutRecipe(type, model, source);
    return { source, bytes: tensorByteLength({ dtype, shape: source.tensor.shape }) };
  });
  const header = headerOf(type);
  const own = sized.filter(({ source }) => source.from !== undefined); // computed ones are no parameters
  const ownBytes = own.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    ...{ type, needsImportance, fallbacks: fallbackCounts(chosen), problem: undefined },
    byteLength: header && sized.reduce((sum, { bytes }) => sum + alignedUp(bytes, header.alignment), header.byteLength),
    tensorByteLength: sized.reduce((sum, { bytes }) => sum + bytes, 0),
    bitsPerWeight: bitsPerElement(ownBytes, parametersOf(own.map(({ source }) => source))),
  };
}

interface Choice {
  readonly needsImportance: boolean;
  /** Types of the tensors that a recipe decides, or why there are none. */
  readonly chosen: ReadonlyMap<string, ChosenType> | ConvertError;
}

/** The types without an importance matrix, and where that is refused, with one. */
function choose(type: FileTypeName, model: LlamaModel, sources: readonly GgufSourceTensor[]): Choice {
  if (isPlainFileType(type)) return { needsImportance: false, chosen: new Map() };
  const attempt = (hasImportance: boolean): Choice['chosen'] => {
    try {
      return chooseTypes(type, mixtureInput(model, sources, hasImportance));
    } catch (cause) {
      if (cause instanceof ConvertError) return cause;
      throw cause;
    }
  };
  const chosen = attempt(false);
  if (!(chosen instanceof ConvertError) || chosen.code !== 'convert/needs-importance') {
    return { needsImportance: false, chosen };
  }
  return { needsImportance: true, chosen: attempt(true) };
}

function typeWithoutRecipe(type: FileTypeName, model: LlamaModel, source: GgufSourceTensor): DType {
  return isPlainFileType(type) ? plainTensorType(source, FILE_TYPES[type].dtype) : unquantizedType(model, source);
}

/** Lays out a header when it is asked for, at most one for plain and one for quantized files. */
function headerPlanner(model: LlamaModel, sources: readonly GgufSourceTensor[]): HeaderPlanner {
  if (!hasWholeTokenizer(model)) return () => undefined;
  const count = parametersOf(sources);
  // types do not count: any that has no blocks will do
  const tensors = sources.map(({ name, tensor: { shape } }) => ({ name, shape, dtype: 'float32' as const }));
  const planned = new Map<boolean, Header>();
  return (type) => {
    // a made header has the same pairs in both kinds of file, one that is taken from a GGUF file may not
    const plain = model.gguf !== undefined && isPlainFileType(type);
    const known = planned.get(plain);
    if (known !== undefined) return known;
    const { id } = FILE_TYPES[type];
    const metadata: GgufMetadataEntry[] = plain
      ? converterMetadata(model, id, count)
      : quantizerMetadata(model, id, count, undefined);
    const { header, alignment } = planGguf({ metadata, tensors });
    const found = { byteLength: header.byteLength, alignment };
    planned.set(plain, found);
    return found;
  };
}

/** Whether a GGUF file can hold the tokenizer: there is one, and if it is SentencePiece's, its scores are known. */
function hasWholeTokenizer({ vocabulary, gguf }: LlamaModel): boolean {
  if (gguf !== undefined) return true; // its pairs are taken as they are
  return vocabulary !== undefined && (vocabulary.kind === 'byte-level-bpe' || vocabulary.scores !== undefined);
}
