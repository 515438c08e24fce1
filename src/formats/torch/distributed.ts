/**
 * Checkpoints of torch.distributed.checkpoint.
 *
 * They are folders: `.metadata` is a pickle that says where everything is, and each `*.distcp` holds many
 * files of torch.save one behind the other. Read by itself, such a file looks like an archive with a long
 * beginning that nothing refers to.
 *
 * @see https://pytorch.org/docs/stable/distributed.checkpoint.html
 * @module
 */
import { TorchError } from './torch-error.js';

const HINT =
  'turn the folder into one file: python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER FILE';

/** Whether a name is that of a shard of such a checkpoint. */
export function isDistributedShard(name: string): boolean {
  return name.endsWith('.distcp');
}

/** The error for a shard of such a checkpoint. */
export function distributedShard(path: string): TorchError {
  const message = 'this is a shard of a distributed checkpoint (torch.distributed.checkpoint), which is not read';
  return new TorchError('torch/distributed', message, { path, hint: HINT });
}

/** The error for a folder of such shards; undefined for other folders. */
export function distributedFolder(names: readonly string[], path: string): TorchError | undefined {
  if (!names.some(isDistributedShard)) return undefined;
  const message = 'this is the folder of a distributed checkpoint (torch.distributed.checkpoint), which is not read';
  return new TorchError('torch/distributed', message, { path, hint: HINT });
}
