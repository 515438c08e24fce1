/**
 * What can be wrong with a file of PyTorch's, beyond its ZIP archive and its pickle.
 *
 * @module
 */
import { CheckpointError, type ErrorContext } from '../../errors.js';

/** Causes for which a file of PyTorch's is refused. */
export type TorchErrorCode =
  /** A ZIP archive without the pickle that every checkpoint has. */
  | 'torch/no-pickle'
  /** A TorchScript program where weights were expected. */
  | 'torch/torchscript'
  /** A program of torch.export where weights were expected. */
  | 'torch/exported-program'
  /** An archive of torch.package where weights were expected. */
  | 'torch/package'
  /** A file in the form before PyTorch 1.6 that is not put together as torch.save does. */
  | 'torch/bad-legacy'
  /** A file in the form before PyTorch 1.6 that ends too early. */
  | 'torch/cut-off'
  /** A tar archive that is not whole, or not one that torch.save wrote before PyTorch 0.1.10. */
  | 'torch/tar'
  /** A part of a checkpoint of torch.distributed.checkpoint, or the folder of its parts. */
  | 'torch/distributed'
  /** A pickle that torch.save did not write. */
  | 'torch/plain-pickle'
  /** A byte order that does not exist. */
  | 'torch/bad-byteorder'
  /** A tensor whose description makes no sense. */
  | 'torch/bad-tensor'
  /** A tensor that reaches past its storage. */
  | 'torch/out-of-bounds'
  /** A storage of a class that is not known. */
  | 'torch/unknown-storage'
  /** A storage whose record is not in the file. */
  | 'torch/missing-storage'
  /** A storage whose record is shorter than the storage. */
  | 'torch/short-storage'
  /** A value nested or repeated beyond all measure. */
  | 'torch/too-large'
  /** Tensors that cannot be written as asked. */
  | 'torch/bad-write';

/** A file of PyTorch's that is refused. */
export class TorchError extends CheckpointError {
  declare readonly code: TorchErrorCode;

  constructor(code: TorchErrorCode, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
