/**
 * Hugging Face folders of models that are more than text.
 *
 * @module
 */
import type { DType } from '../dtype.js';
import type { ModelFamily } from '../llama/family.js';
import type { HfContents, LlamaModel } from '../llama/model.js';
import { carriesTokenizer, editedConfig, smallFiles } from './hf-carried-files.js';
import { llama4Files } from './llama4/plan.js';
import { mllamaFiles } from './mllama/plan.js';
import type { ConvertOptions } from './options.js';
import { plainTypes } from './plain-types.js';
import { type PlannedFile, type PlannedKind, textFile } from './plan.js';

/** A folder in the family's own layout. @throws ConvertError, as the planner of the family */
export function familyFiles(model: LlamaModel, family: ModelFamily, options: ConvertOptions): PlannedKind {
  const { name: type, dtype, expectExact } = plainTypes(model, options, 'safetensors files');
  const planned =
    family.kind === 'vision' ? mllamaFiles(model, family, dtype, options) : llama4Files(model, family, dtype, options);
  const files = model.hf === undefined ? planned.files : withCarried(planned.files, model, model.hf, dtype, options);
  return { type, dtype, expectExact, ...planned, files };
}

/** The files with those of a source of the same layout in place of their own; its `config.json` is edited. */
function withCarried(
  planned: readonly PlannedFile[],
  model: LlamaModel,
  hf: HfContents,
  dtype: DType,
  options: ConvertOptions,
): PlannedFile[] {
  carriesTokenizer(hf, model.path, options);
  const files = planned.map((file) =>
    file.name === 'config.json' ? textFile(file.name, editedConfig(model, hf.configText, dtype)) : file,
  );
  return [...files.filter(({ name }) => !hf.files.has(name)), ...smallFiles(hf)];
}
