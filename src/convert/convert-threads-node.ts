/**
 * The threads of a conversion. One of the few modules that know Node.
 *
 * Blocks are quantized by whichever thread is idle; a hash stays with its thread, as its bytes follow each other, and goes
 * first, as the buffers it reads are waited for.
 *
 * @module
 */
import { ENCODE_WORKER, type EncodeJob, type EncodeReply, type EncodeWorkerData, type HashJob, type HashReply } from './encode-worker.js'; // prettier-ignore
import { ConvertError } from './plan.js';
import { ThreadPool } from './thread-pool-node.js';

/** Threads that quantize and hash. */
export class ConvertThreads extends ThreadPool<EncodeJob | HashJob, EncodeReply & HashReply> {
  /**
   * @param count - number of threads
   * @param kernels - for quantizing; undefined where the machine has none
   * @throws ConvertError `convert/thread-died`; then no thread is left
   */
  constructor(count: number, kernels: WebAssembly.Module | undefined) {
    const workerData: EncodeWorkerData = { kind: ENCODE_WORKER, kernels };
    super(count, {
      url: new URL('./encode-worker.js', import.meta.url),
      workerData,
      death: (what, cause) => new ConvertError('convert/thread-died', `a thread of the conversion ${what}`, { cause }),
    });
  }

  /** Quantizes in the next thread that is idle. @throws ConvertError `convert/thread-died` */
  encode(job: EncodeJob): Promise<EncodeReply> {
    return this.run(job);
  }

  /** Goes on with a hash in the thread of that number. @throws ConvertError `convert/thread-died` */
  hash(job: HashJob, thread: number): Promise<HashReply> {
    return this.run(job, thread);
  }
}
