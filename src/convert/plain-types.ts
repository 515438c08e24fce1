/**
 * Types of the tensors of a file without blocks, and which of them must be proved to lose nothing.
 *
 * Without a type being asked for, every tensor keeps its own. Vectors of a GGUF file are the exception: GGUF has them in
 * float32 whatever the file's type, so back in a layout without that rule they get the type of the matrices
 * again. They came from it, as a rule, and then nothing is lost; whether it is so is looked at before anything is written.
 *
 * @module
 */
import { type DType, isQuantized } from '../dtype.js';
import { shownName } from '../formats/shown-name.js';
import { type Tensor, rowBlocks, rowByteLengthOf, rowLengthOf } from '../formats/tensor.js';
import type { LlamaModel } from '../llama/model.js';
import { noLoss } from '../quant/cast-loss.js';
import { convertRow } from '../quant/convert-row.js';
import type { ReadOptions } from '../source/byte-source.js';
import { type ConvertOptions, plainFileType } from './options.js';
import { FILE_TYPES, type FileTypeName, type PlainFileTypeName, isPlainFileType } from './file-types.js';
import { ConvertError } from './plan.js';

/** Types of all tensors of an output. */
export interface PlainTypes {
  /** Type of the files as a whole. */
  readonly name: PlainFileTypeName;
  /** Type of most weights. */
  readonly dtype: DType;
  /** The type of a tensor. @throws ConvertError `convert/unsupported-type` */
  readonly of: (tensor: Tensor) => DType;
  /** Throws unless the vectors that were widened for GGUF hold nothing that their type does not. @throws ConvertError `convert/inexact` */
  readonly expectExact: (options: ReadOptions) => Promise<void>;
}

/**
 * The types that files of a layout without blocks have.
 *
 * @param layout - what a person calls files of this layout
 * @throws ConvertError `convert/unsupported-type`
 */
export function plainTypes(model: LlamaModel, { type, to }: ConvertOptions, layout: string): PlainTypes {
  const { name, dtype } = plainFileType(model, expectPlain(type, layout));
  const narrows = ({ dtype: own, shape }: Tensor): boolean =>
    model.layout === 'gguf' && shape.length < 2 && own === 'float32' && dtype !== 'float32';
  const kept = (tensor: Tensor): DType => {
    if (isQuantized(tensor.dtype)) throw needsType(tensor, to);
    return narrows(tensor) ? dtype : tensor.dtype;
  };
  return {
    ...{ name, dtype },
    of: (tensor) => (type === undefined ? kept(tensor) : dtype),
    expectExact: async (options) => {
      if (type !== undefined) return;
      for (const tensor of model.tensors.values()) if (narrows(tensor)) await expectHeld(tensor, dtype, options);
    },
  };
}

function expectPlain(type: FileTypeName | undefined, layout: string): PlainFileTypeName | undefined {
  if (type === undefined || isPlainFileType(type)) return type;
  throw new ConvertError('convert/unsupported-type', `${layout} hold no ${FILE_TYPES[type].dtype} blocks`, {
    hint: 'quantized models are GGUF files: --to gguf',
  });
}

function needsType({ name, dtype }: Tensor, to: ConvertOptions['to']): ConvertError {
  return new ConvertError('convert/unsupported-type', `${shownName(name)} is ${dtype}, which ${to} files do not hold`, {
    hint: 'give --type f32, f16 or bf16',
  });
}

async function expectHeld(tensor: Tensor, dtype: DType, options: ReadOptions): Promise<void> {
  const loss = noLoss();
  for await (const { bytes, count } of rowBlocks(tensor, options)) {
    const out = new Uint8Array(count * rowByteLengthOf({ dtype, shape: [rowLengthOf(tensor.shape)] }));
    convertRow(tensor.dtype, dtype, bytes, out, loss);
  }
  const changed = loss.overflowed + loss.flushedToZero + loss.rounded;
  if (changed === 0) return;
  throw new ConvertError(
    'convert/inexact',
    `${changed} numbers of ${shownName(tensor.name)} are float32 in the GGUF file and no ${dtype}, the type of the matrices`,
    { hint: 'give --type f32 to keep every number, or --type f16 or bf16 to round them' },
  );
}
