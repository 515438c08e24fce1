/**
 * Encoding in the thread at hand, with the WebAssembly kernels where they can.
 *
 * @module
 */
import { type QuantKernels, createQuantKernels } from '../quant/kernels/quant-kernels.js';
import { type Encoder, encodeRows, expectOutcome } from './encoder.js';
import { kernelFormat, kernelJob } from './kernel-job.js';
import type { TensorPiece } from './plan.js';
import { Slots, slotSizes } from './slots.js';
import { slottedEncoder } from './slotted-encoder.js';

/** Two blocks are read, so that a disk has always something to do, while those before them are turned, written and hashed. */
const SLOTS = 4;

/** An encoder of these tensors in this thread. Peak memory: four blocks as they are read and four as they are written. @throws ConvertError `convert/no-memory` */
export async function createLocalEncoder(pieces: readonly TensorPiece[]): Promise<Encoder> {
  return localEncoder(pieces, await createQuantKernels());
}

/** The same without kernels: TypeScript makes the same bytes, many times slower. @throws ConvertError `convert/no-memory` */
export async function createPlainEncoder(pieces: readonly TensorPiece[]): Promise<Encoder> {
  return localEncoder(pieces, undefined);
}

function localEncoder(pieces: readonly TensorPiece[], kernels: QuantKernels | undefined): Encoder {
  const sizes = slotSizes(pieces);
  const slots = new Slots(SLOTS, sizes, (byteLength) => new Uint8Array(byteLength));
  return slottedEncoder(
    slots,
    async (rows, source, out, slot) => {
      const format = kernels && kernelFormat(kernels, rows.piece);
      if (kernels === undefined || format === undefined) encodeRows(rows, source, out, kernels);
      else expectOutcome(rows, kernels.quantize(kernelJob(format, rows, source, slot), out));
    },
    async () => {},
  );
}
