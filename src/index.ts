/**
 * llama-inspect for browsers and Node: inspect, verify, convert and numerically check Llama checkpoints
 * from Blobs, buffers and byte sources. `llama-inspect/node` adds paths.
 *
 * @module
 */
export * from './errors.js';
export * from './options.js';
export { type BlockLayout, type DType, blockLayout, byteLengthOf, elementCount, isQuantized } from './dtype.js';

export * from './source/byte-source.js';
export * from './source/byte-sink.js';
export * from './source/blob.js';
export * from './source/folder.js';
export { type HttpOptions, type HttpSource, type RemoteOptions, type Traffic, openHttpSource } from './source/http.js';
export * from './source/input.js';
export * from './source/memory.js';

export type { ZipArchive } from './zip/archive.js';
export type { ZipEntry } from './zip/entry.js';
export * from './zip/zip-error.js';
export * from './pickle/errors.js';
export type { PickleLimits } from './pickle/limits.js';
export type * from './pickle/values.js';
export type { GlobalClass } from './pickle/verdicts.js';

export * from './quant/cast-loss.js';
export type { NumberCounts } from './quant/number-tally.js';
export * from './quant/quant-error.js';

export * from './formats/tensor.js';
export { type OpenTensorFileOptions, openTensorFile } from './formats/open.js';
export * from './formats/gguf/gguf-error.js';
export type { GgufMetadataEntry } from './formats/gguf/plan.js';
export type { GgufElementType, GgufNumbers, GgufNumberType } from './formats/gguf/value-types.js';
export * from './formats/imatrix/imatrix-error.js';
export type { ImportanceMatrix } from './formats/imatrix/importance-matrix.js';
export { readImportanceMatrix } from './formats/imatrix/read.js';
export * from './formats/safetensors/safetensors-error.js';
export { type ObjectJsonOptions, objectAsJson } from './formats/torch/object-json.js';
export type { Sha256 } from './formats/torch/object-leaves.js';
export type { StorageRecord, TorchStorage, ViewedStorage } from './formats/torch/storages.js';
export type * from './formats/torch/tagged-json.js';
export type { AttributeSegment, KeySegment, PartSegment, PathSegment } from './formats/torch/tensor-path.js';
export type { TensorKind, TensorValue } from './formats/torch/tensor-value.js';
export type { StorageType } from './formats/torch/torch-dtypes.js';
export * from './formats/torch/torch-error.js';
export { type TorchFile, type TorchFileOptions, openTorchFile } from './formats/torch/torch-file.js';
export type { OtherTensor, TorchTensor } from './formats/torch/torch-tensor.js';

export type { VocabularyAspect, VocabularyDifference } from './tokenizer/compare.js';
export { CHAT_TEMPLATES, type ChatFormat, formatOfTemplate } from './tokenizer/chat-template/formats.js';
export {
  type ChatTemplates,
  type ChatTemplateSummary,
  type NamedChatTemplate,
  parseChatTemplate,
} from './tokenizer/chat-template/templates.js';
export type { InfillTokens } from './tokenizer/infill.js';
export type { TokenizerSummary } from './tokenizer/summary.js';
export * from './tokenizer/tokenizer.js';
export { tokenizerModelBytes } from './tokenizer/tokenizer-model-write.js';
export * from './tokenizer/vocabulary.js';

export * from './llama/model.js';
export { type FolderLayout, type ModelInput, openModel } from './llama/open-model.js';
export type { OpenModelOptions } from './llama/meta-model.js';
export type { CheckpointKind } from './llama/meta-checkpoint.js';
export type { LoraArgs, MetaParams, ParamsSection, QuantizationArgs } from './llama/params.js';
export type { FamilySettings } from './llama/family-settings.js';
export type { Llama4Family, ModelFamily, StatedEncoder, VisionEncoderShape, VisionFamily } from './llama/family.js';
export type { AttentionTemperature, Llama4Args, Llama4VisionArgs, MoeArgs } from './llama/llama4/args.js';
export type { ComparedFile, ReleaseIdentity } from './llama/identify-release.js';
export * from './llama/inspect.js';
export { RELEASES } from './llama/releases/catalogue.js';
export type * from './llama/releases/release.js';
export type { GroupTally, TensorGroupName, TypeTally, WeightTallies, WeightTally } from './llama/weight-tallies.js';

export type { LineFault, LineProblem } from './integrity/checklist.js';
export type { Condition, ConditionKind } from './integrity/condition.js';
export type { Crc32 } from './integrity/deep-members.js';
export * from './integrity/deep-report.js';
export type { JsonValue } from './integrity/canonical-json.js';
export * from './integrity/files-report.js';
export * from './integrity/fingerprint.js';
export type { TensorFingerprint } from './integrity/fingerprint-tensor.js';
export type { VocabularyFacts, VocabularyFingerprint } from './integrity/fingerprint-vocabulary.js';
export * from './integrity/lock.js';
export * from './integrity/lock-folder.js';
export type { LockReport, TensorChange } from './integrity/verify-lock.js';
export * from './integrity/scan/scan-report.js';
export { type ScanOptions, scanFolder, scanSource } from './integrity/scan/scan-folder.js';
export * from './integrity/verify-folder.js';
export * from './integrity/list-tensors.js';

export { type LoraAdapter, type LoraPair, openLora, withLora } from './llama/lora.js';
export type { LoraSettings, LoraStrength } from './llama/lora-config.js';
export type { LoraTargets } from './llama/lora-targets.js';
export * from './convert/plan.js';
export * from './convert/file-types.js';
export type { FallbackCount, MixtureOptions, TensorTypeOverride } from './convert/mixture.js';
export type { ChatTemplateUse, ConvertOptions, ImportanceUse } from './convert/options.js';
export { DEFAULT_MAX_SHARD_SIZE } from './convert/options.js';
export type { EncodedRows, Encoder, PlannedRows } from './convert/encoder.js';
export type { BeginHash, DeferredHasher, HashAlgorithm } from './integrity/hash.js';
export * from './convert/convert.js';
export { type MetadataOverride, parseMetadataOverride } from './convert/metadata-overrides.js';
export type { SumFunctions } from './convert/sums.js';
export * from './convert/output.js';
export { type PlanLockOptions, planWithLock } from './convert/lock-plan.js';
export type { Written } from './convert/lock-record.js';
export { type SizeForecast, forecastSizes } from './convert/what-if.js';

export * from './forward/errors.js';
export * from './forward/forward.js';
export type { Kernels } from './forward/kernels.js';
export * from './forward/npy.js';
export { plainKernels } from './forward/plain-kernels.js';
export * from './forward/request.js';
export { createKernels } from './forward/wasm-kernels.js';

export * from './check/compare-models.js';
export type { CompareTensorsOptions } from './check/compare-tensors.js';
export { type Comparer, plainComparer } from './check/comparer.js';
export * from './check/comparison.js';
export * from './check/diff-models.js';
export * from './check/errors.js';
export * from './check/thresholds.js';
export { createComparer } from './check/wasm-comparer.js';
