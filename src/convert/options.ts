/**
 * What a person asks of a conversion.
 *
 * @module
 */
import type { DType } from '../dtype.js';
import type { ImportanceMatrix } from '../formats/imatrix/importance-matrix.js';
import { type LlamaModel, expectTensor } from '../llama/model.js';
import { FILE_TYPES, type FileTypeName, PLAIN_FILE_TYPES, type PlainFileTypeName, isFileType } from './file-types.js';
import type { MixtureOptions } from './mixture.js';
import type { MetadataOverride } from './metadata-overrides.js';
import { ConvertError } from './plan.js';
import { idleQuantizingOption } from './quantizing-options.js';

/** What to write. */
export interface ConvertOptions extends MixtureOptions {
  /** Format of the weights: a Hugging Face folder, a GGUF file, or a folder as Meta ships it. */
  readonly to: 'safetensors' | 'gguf' | 'meta';
  /** Type of the file, by llama.cpp's name; every tensor's own type when absent, which loses nothing. */
  readonly type?: FileTypeName | undefined;
  /** Weights of columns that quantizing takes into account. */
  readonly importance?: ImportanceUse | undefined;
  /** Quantize weights that are quantized already; otherwise they are refused, as they lose twice. */
  readonly allowRequantize?: boolean | undefined;
  /** Most bytes of a safetensors file; 5 GB (decimal) when absent, as Hugging Face has it. */
  readonly maxShardSize?: number | undefined;
  /**
   * How `tokenizer.json` holds the merges: as strings (`"a b"`), as Meta publishes it and when absent, or as pairs, as
   * tokenizers 0.20 and later write it.
   */
  readonly mergesAs?: 'strings' | 'pairs' | undefined;
  /** Number of files that the weights of Meta's layout are cut into, each for a device of its own; 1 when absent. */
  readonly shards?: number | undefined;
  /** Most bytes of the tensors in one part of a GGUF file, which is split where it has more; never when absent. */
  readonly splitMaxSize?: number | undefined;
  /** Values to be set in the metadata of a GGUF file. */
  readonly metadata?: readonly MetadataOverride[] | undefined;
  /**
   * The chat template to write, in place of the source's own or of one chosen here; null writes none.
   */
  readonly chatTemplate?: ChatTemplateUse | null | undefined;
  /** Name of the GGUF file; the model's name when absent. */
  readonly fileName?: string | undefined;
}

/** A chat template and where it came from. */
export interface ChatTemplateUse {
  /** Jinja. */
  readonly text: string;
  /** The path as the person gave it. */
  readonly file: string;
}

/** An importance matrix and the name under which the file is to mention it. */
export interface ImportanceUse {
  /** Its weights. */
  readonly matrix: ImportanceMatrix;
  /** Value of `quantize.imatrix.file`: the path as the person gave it. */
  readonly file: string;
}

/** Paths of the files that options name, as the importance matrix: every option that is an object with a `file`. */
export function filesOfOptions(options: ConvertOptions): string[] {
  return Object.values(options as object).flatMap((option: unknown) => {
    const file = typeof option === 'object' && option !== null && 'file' in option ? option.file : undefined;
    return typeof file === 'string' ? [file] : [];
  });
}

/**
 * Refuses options that contradict each other: none is passed over in silence.
 *
 * @throws ConvertError `convert/bad-option`
 */
export function expectOptionsFit(options: ConvertOptions): void {
  const { to, type, shards } = options;
  const idle = idleQuantizingOption(options);
  const foreign = FORMAT_OF_OPTION.find(([name, format]) => to !== format && options[name] !== undefined);
  const problems = [
    type !== undefined && !isFileType(type) ? `there is no type ${String(type)}` : undefined,
    idle === undefined ? undefined : `${idle} is for quantized types, and the type is ${type ?? 'that of the source'}`,
    foreign === undefined ? undefined : `${foreign[0]} is for ${FORMAT_NAMES[foreign[1]]}`,
    to === 'meta' && options.chatTemplate !== undefined ? `chatTemplate is for safetensors and GGUF files` : undefined,
    shards !== undefined && !(Number.isInteger(shards) && shards >= 1) ? `shards is ${shards}` : undefined,
  ];
  const problem = problems.find((text) => text !== undefined);
  if (problem !== undefined) throw new ConvertError('convert/bad-option', problem);
}

/**
 * Refuses a form of merges where no `tokenizer.json` is written, in which it would show.
 *
 * @throws ConvertError `convert/bad-option`
 */
export function expectMergesWritten(options: ConvertOptions, files: readonly { readonly name: string }[]): void {
  if (options.mergesAs === undefined || files.some(({ name }) => name === 'tokenizer.json')) return;
  throw new ConvertError('convert/bad-option', 'mergesAs is for tokenizer.json, and there is no tokenizer to write', {
    hint: 'leave mergesAs (--merges-as) out',
  });
}

/** Options that mean something for one format alone. */
const FORMAT_OF_OPTION = [
  ['maxShardSize', 'safetensors'],
  ['mergesAs', 'safetensors'],
  ['shards', 'meta'],
  ['fileName', 'gguf'],
  ['splitMaxSize', 'gguf'],
  ['metadata', 'gguf'],
] as const satisfies readonly (readonly [keyof ConvertOptions, ConvertOptions['to']])[];

const FORMAT_NAMES: Readonly<Record<ConvertOptions['to'], string>> = {
  safetensors: 'safetensors',
  gguf: 'GGUF files',
  meta: "Meta's layout",
};

/** Hugging Face's default: 5 GB, decimal. */
export const DEFAULT_MAX_SHARD_SIZE = 5e9;

/**
 * The plain type that a file without blocks has: the one asked for, else that of the weights, which is float32 where
 * any matrix is float32, as those that were quantized are.
 *
 * @throws ConvertError `convert/unsupported-type` for weights of other types when no type is given
 */
export function plainFileType(
  model: LlamaModel,
  type: PlainFileTypeName | undefined,
): { readonly name: PlainFileTypeName; readonly dtype: DType } {
  const isWide = [...model.tensors.values()].some(({ dtype, shape }) => dtype === 'float32' && shape.length > 1);
  const own = isWide ? 'float32' : expectTensor(model, 'tok_embeddings.weight').dtype;
  const name = type ?? PLAIN_FILE_TYPES.find((candidate) => FILE_TYPES[candidate].dtype === own);
  if (name !== undefined) return { name, dtype: FILE_TYPES[name].dtype };
  throw new ConvertError(
    'convert/unsupported-type',
    `the weights are ${own}, which can only be written as another type`,
    {
      path: model.path,
      hint: 'give --type f32, f16 or bf16',
    },
  );
}
