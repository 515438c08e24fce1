/**
 * The tensors of Llama 4 on their way into a Hugging Face folder.
 *
 * @module
 */
import type { DType } from '../../dtype.js';
import type { Tensor } from '../../formats/tensor.js';
import type { Llama4Family } from '../../llama/family.js';
import { type Llama4HfTensor, llama4HfNames } from '../../llama/llama4/hf-names.js';
import { type LlamaModel, expectTensor } from '../../llama/model.js';
import { concatColumns, transposed } from '../../llama/views.js';
import { type LooseTensor, castTensor } from '../cast.js';

/** Before the names of the text part, where it is not all of the model. */
const TEXT_PREFIX = 'language_model.';

/** The tensors of the text alone or of all, each in the type given or its own; lazy. @throws LlamaError, ConvertError `convert/unsupported-type` */
export function llama4HfTensors(
  model: LlamaModel,
  family: Llama4Family,
  { isText, dtype }: { readonly isText: boolean; readonly dtype: DType | undefined },
): LooseTensor[] {
  return llama4HfNames(model.config.nLayers, family).map((source) => {
    const tensor = tensorOf(model, source);
    return castTensor(tensor, {
      name: isText ? source.name.slice(TEXT_PREFIX.length) : source.name,
      from: source.from,
      dtype: dtype ?? tensor.dtype,
    });
  });
}

function tensorOf(model: LlamaModel, { from, join, transpose }: Llama4HfTensor): Tensor {
  const tensor = expectTensor(model, from);
  if (transpose === true) return transposed(tensor);
  return join === undefined ? tensor : concatColumns(from, [tensor, expectTensor(model, join)]);
}
