/**
 * Hashing several files at once in one thread, with MD5 in WebAssembly.
 *
 * Each file in hand has two buffers: one is hashed while the other is being read. A turn hashes as many blocks as all the
 * files whose turn it is have ready. Those with most bytes left have the turn, so that all end together and none is left
 * to run alone.
 *
 * Plain JavaScript, because the hashing worker imports it too, and a worker must run as it stands both from
 * the sources under test and from the built package.
 *
 * @module
 */
import { LANES, MD5_BLOCK_BYTES, lanesAtOnce } from './kernels/md5-kernels.js';

/**
 * An open file.
 * @typedef {object} OpenFile
 * @property {number} size - bytes it has
 * @property {(offset: number, target: Uint8Array) => Promise<void>} readInto - fills the target from that offset
 * @property {() => Promise<void>} close
 */

/**
 * A file to hash: how it is opened, and what is told when some of its bytes are hashed, all are, or it cannot be read.
 * @typedef {object} LaneJob
 * @property {() => Promise<OpenFile>} open
 * @property {(byteLength: number) => void} onBytes
 * @property {(digest: string) => void} onDigest
 * @property {(cause: unknown) => void} onError
 */

/**
 * Hashes files until `next` has no more when a lane is free, some at once. The faults of a file are told to its job alone.
 *
 * @param {import('./kernels/md5-kernels.js').Md5Kernels} kernels
 * @param {() => LaneJob | undefined} next
 * @param {AbortSignal} [signal] - an abort rejects with its reason, when all files are closed
 * @returns {Promise<void>}
 */
export async function hashTogether(kernels, next, signal) {
  /** @type {(Lane | undefined)[]} */
  const lanes = Array.from({ length: LANES });
  try {
    for (;;) {
      signal?.throwIfAborted();
      await fillLanes(lanes, kernels, next);
      const inHand = lanes.filter((lane) => lane !== undefined).sort((a, b) => b.left - a.left);
      if (inHand.length === 0) return;
      const turn = inHand.slice(0, lanesAtOnce(inHand.length));
      await Promise.all(turn.map((lane) => lane.arrival()));
      const ended = turn.filter((lane) => lane.isToEnd);
      if (ended.length === 0) hashTurn(turn, kernels);
      for (const lane of ended) {
        lanes[lane.number] = undefined;
        await lane.end();
      }
    }
  } finally {
    for (const lane of lanes) await lane?.close();
  }
}

/**
 * @param {(Lane | undefined)[]} lanes
 * @param {import('./kernels/md5-kernels.js').Md5Kernels} kernels
 * @param {() => LaneJob | undefined} next
 */
async function fillLanes(lanes, kernels, next) {
  for (let number = 0; number < LANES;) {
    const job = lanes[number] === undefined ? next() : undefined;
    if (job !== undefined) {
      const file = await job.open().catch(job.onError);
      if (file === undefined) continue;
      lanes[number] = new Lane(number, job, file, kernels);
    }
    number++;
  }
}

/**
 * @param {readonly Lane[]} turn
 * @param {import('./kernels/md5-kernels.js').Md5Kernels} kernels
 */
function hashTurn(turn, kernels) {
  const byteLength = Math.min(...turn.map((lane) => lane.blockBytesReady));
  kernels.hash(turn.map((lane) => lane.place), byteLength / MD5_BLOCK_BYTES); // prettier-ignore
  for (const lane of turn) lane.advance(byteLength);
}

/** A file in hand. */
class Lane {
  #job;
  #file;
  #kernels;
  #done = 0;
  /** @type {[Promise<void>, Promise<void>]} */
  #reads;
  /** @type {{ cause: unknown } | undefined} */
  #fault;

  /**
   * @param {number} number
   * @param {LaneJob} job
   * @param {OpenFile} file
   * @param {import('./kernels/md5-kernels.js').Md5Kernels} kernels
   */
  constructor(number, job, file, kernels) {
    this.number = number;
    this.#job = job;
    this.#file = file;
    this.#kernels = kernels;
    kernels.begin(number);
    this.#reads = [this.#read(0), this.#read(kernels.bufferBytes)];
  }

  /** Bytes that are not hashed. */
  get left() {
    return this.#file.size - this.#done;
  }

  /** Where the next block lies. */
  get place() {
    const { bufferBytes } = this.#kernels;
    const half = Math.floor(this.#done / bufferBytes) % 2;
    return { lane: this.number, half, offset: this.#done % bufferBytes };
  }

  /** Bytes of whole blocks in the buffer in hand. */
  get blockBytesReady() {
    const ready = Math.min(this.left, this.#kernels.bufferBytes - this.place.offset);
    return ready - (ready % MD5_BLOCK_BYTES);
  }

  /** Whether there is no whole block left, or the file could not be read. */
  get isToEnd() {
    return this.#fault !== undefined || this.blockBytesReady === 0;
  }

  /** Waits for the buffer in hand; never rejects. */
  arrival() {
    return /** @type {Promise<void>} */ (this.#reads[this.place.half]);
  }

  /** @param {number} byteLength - how many bytes of the buffer in hand have been hashed */
  advance(byteLength) {
    const { half } = this.place;
    this.#done += byteLength;
    if (this.place.half !== half) this.#reads[half] = this.#read(this.#done + this.#kernels.bufferBytes);
    this.#job.onBytes(this.#done);
  }

  /** Closes the file and tells its hash, or why there is none. */
  async end() {
    await this.close();
    if (this.#fault !== undefined) {
      this.#job.onError(this.#fault.cause);
      return;
    }
    const { size } = this.#file;
    const digest = this.#kernels.end(this.place, size);
    if (size > this.#done) this.#job.onBytes(size);
    this.#job.onDigest(digest);
  }

  /** Closes the file, when nothing is being read. */
  async close() {
    await Promise.all(this.#reads);
    await this.#file.close();
  }

  /** @param {number} offset - of a buffer in the file */
  async #read(offset) {
    const { bufferBytes } = this.#kernels;
    const byteLength = Math.min(bufferBytes, this.#file.size - offset);
    if (byteLength <= 0) return;
    const half = (offset / bufferBytes) % 2;
    try {
      await this.#file.readInto(offset, this.#kernels.buffer(this.number, half).subarray(0, byteLength));
    } catch (cause) {
      this.#fault ??= { cause };
    }
  }
}
