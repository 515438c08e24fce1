/**
 * llama-inspect for Node: everything of the browser's entry, and the same functions given a path.
 *
 * A path may be a file, a folder, or the name of a checkpoint under `~/.llama/checkpoints`. The folder above
 * a checkpoint is looked into as well, because Llama 1 and 2 keep the tokenizer that all sizes share there.
 *
 * @module
 */
export * from './index.js';
export { openDirectory } from './source/directory.js';
export { openFileSource } from './source/file.js';
export { type Located, checkpointsFolder, locate } from './source/locate.js';
export {
  type EntriesBelow,
  type OpenPathOptions,
  type OpenedFile,
  type OpenedFolder,
  type OpenedPath,
  openPath,
} from './source/open-path-node.js';
export { openTensorFile } from './formats/open-path-node.js';
export { type ModelPair, openModel, openModelPair } from './llama/open-path-node.js';
export { type OpenedVocabulary, openVocabulary } from './llama/open-vocabulary-node.js';
export { type FoundCheckpoint, findCheckpointPaths, inspectEach } from './llama/find-checkpoints-node.js';
export { type InspectPathOptions, type PathInspection, inspectPath as inspect } from './llama/inspect-path-node.js';
export type { CreateHasher, HashAlgorithm, Hasher } from './integrity/hash.js';
export type { FileToHash, HashFiles, HashOutcome } from './integrity/hash-files.js';
export { createNodeHasher } from './integrity/hash-node.js';
export { type PathFingerprint, fingerprint } from './integrity/fingerprint-path-node.js';
export { hashFilesOnDisk } from './integrity/hash-pool-node.js';
export { type LockPathOptions, type PathLock, lock } from './integrity/lock-path-node.js';
export { scan } from './integrity/scan/scan-path-node.js';
export { type ListPathOptions, listTensors } from './integrity/list-path-node.js';
export { type VerifyPathOptions, verifyFolder } from './integrity/verify-path-node.js';
export { type DirectoryOutputOptions, directoryOutput } from './convert/directory-output.js';
export {
  type ConvertPathOptions,
  type FinishPathOptions,
  type PlanPathOptions,
  convert,
  finishParts,
  planConversionTo,
  planFinishTo,
  runPlanTo,
} from './convert/convert-path-node.js';
export { readChatTemplate } from './convert/chat-template-path-node.js';
export { readImportance } from './convert/importance-path-node.js';
export { writeFileWhole } from './convert/write-file-node.js';
export { checkConversion } from './check/check-conversion-node.js';
export { createNodeComparer } from './check/comparer-pool-node.js';
export { createNodeKernels } from './forward/kernel-pool-node.js';
export { type LoraAdapters, openLoras } from './llama/lora-path-node.js';
