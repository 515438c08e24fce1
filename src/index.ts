/**
 * llama-inspect for browsers and Node: inspect, verify, convert and numerically check Llama checkpoints
 * from Blobs, buffers and byte sources. `llama-inspect/node` adds paths.
 *
 * @module
 */
export { CheckpointError, type ErrorContext } from './errors.js';
export type { OperationOptions, Progress } from './options.js';
export { type BlockLayout, type DType, blockLayout, byteLengthOf, elementCount, isQuantized } from './dtype.js';
export * from './source/byte-source.js';
export { type ByteSink, memorySink } from './source/byte-sink.js';
export { blobSource } from './source/blob.js';
export { type Folder, type FolderEntry, memoryFolder } from './source/folder.js';
export { type SourceInput, sourceOf } from './source/input.js';
export { memorySource } from './source/memory.js';
export * from './formats/tensor.js';
export { openTensorFile } from './formats/open.js';
export * from './tokenizer/vocabulary.js';
export * from './llama/model.js';
export { type ModelInput, openModel } from './llama/open-model.js';
export type { OpenModelOptions } from './llama/meta-model.js';
export * from './llama/inspect.js';
export * from './integrity/verify-folder.js';
export * from './integrity/list-tensors.js';
export * from './convert/plan.js';
export * from './convert/options.js';
export * from './convert/convert.js';
export * from './convert/output.js';
export * from './forward/forward.js';
export * from './check/compare-models.js';
