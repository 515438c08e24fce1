/**
 * MD5 of several files at once in WebAssembly.
 *
 * Plain JavaScript, because a worker thread is not transformed: this file runs as it stands both from the
 * sources under test and from the built package. One file is hashed as fast as by OpenSSL; two or three side by side, step
 * by step in turn, and eight in the lanes of vectors, each take little longer than one alone.
 *
 * @see https://www.rfc-editor.org/rfc/rfc1321
 * @module
 */
import { aligned, compiledOnce, reach } from '../../quant/kernels/compile.js';

/** Most files in hand. */
export const LANES = 8;

/** Bytes of MD5's blocks. */
export const MD5_BLOCK_BYTES = 64;

/** Bytes of a state, and of a place in the kernel's table. */
const STATE_BYTES = 16;
const PLACE_BYTES = 8;

/** The state before the first block. */
const FIRST_STATE = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];

/**
 * How many of so many files are best hashed at once. Measured on Zen 5, where one file takes 0.68 GB/s: two 1.4, three
 * 1.6, eight 2.2 GB/s together. Four or five take turns at three, as eight lanes would be half empty.
 *
 * @param {number} count - at most {@link LANES}
 */
export function lanesAtOnce(count) {
  if (count <= 3) return count;
  return count < 6 ? 3 : LANES;
}

/**
 * Whole blocks that lie in the buffer of a lane.
 * @typedef {{ lane: number, half: number, offset: number }} LaneBlocks
 */

/**
 * @typedef {object} Exports
 * @property {WebAssembly.Memory} memory
 * @property {() => number} heapBase
 * @property {(count: number, table: number, blocks: number) => void} hash
 */

/** One instance of the kernels, and two buffers for each lane in its memory, which never grows. */
export class Md5Kernels {
  /** @type {Exports} */
  #exports;
  #table;
  #states;
  #tail;
  #buffers;
  #view;

  /**
   * @param {WebAssembly.Instance} instance
   * @param {number} bufferBytes - length of a buffer, of whole blocks
   */
  constructor(instance, bufferBytes) {
    this.bufferBytes = bufferBytes;
    this.#exports = /** @type {Exports} */ (/** @type {unknown} */ (instance.exports));
    const { memory } = this.#exports;
    this.#table = aligned(this.#exports.heapBase());
    this.#states = this.#table + LANES * PLACE_BYTES;
    this.#tail = this.#states + (LANES + 1) * STATE_BYTES; // the last is for lanes without a file
    this.#buffers = aligned(this.#tail + 2 * MD5_BLOCK_BYTES);
    reach(memory, this.#buffers + LANES * 2 * bufferBytes);
    this.#view = new DataView(memory.buffer);
  }

  /**
   * One of the two buffers of a lane, to be filled with the file's bytes.
   *
   * @param {number} lane
   * @param {number} half - 0 or 1
   */
  buffer(lane, half) {
    return new Uint8Array(this.#view.buffer, this.#addressOf({ lane, half, offset: 0 }), this.bufferBytes);
  }

  /**
   * Begins a hash.
   *
   * @param {number} lane
   */
  begin(lane) {
    for (const [nth, word] of FIRST_STATE.entries()) this.#view.setUint32(this.#stateOf(lane) + 4 * nth, word, true);
  }

  /**
   * Goes on with the hashes of some lanes by so many blocks each.
   *
   * @param {readonly LaneBlocks[]} lanes - as many as {@link lanesAtOnce} may say, or fewer than eight
   * @param {number} blocks
   */
  hash(lanes, blocks) {
    const first = /** @type {LaneBlocks} */ (lanes[0]);
    const count = lanes.length <= 3 ? lanes.length : LANES;
    for (let place = 0; place < count; place++) {
      const of = lanes[place];
      this.#place(place, of === undefined ? LANES : of.lane, this.#addressOf(of ?? first));
    }
    this.#exports.hash(count, this.#table, blocks);
  }

  /**
   * Ends a hash with the bytes that are left, fewer than a block, and gives it in lower-case hexadecimal.
   *
   * @param {LaneBlocks} rest - where they lie
   * @param {number} byteLength - of all bytes hashed, these included
   */
  end(rest, byteLength) {
    const left = byteLength % MD5_BLOCK_BYTES;
    const blocks = left + 9 > MD5_BLOCK_BYTES ? 2 : 1;
    const tail = new Uint8Array(this.#view.buffer, this.#tail, blocks * MD5_BLOCK_BYTES).fill(0);
    tail.set(new Uint8Array(this.#view.buffer, this.#addressOf(rest), left));
    tail[left] = 0x80;
    this.#view.setBigUint64(this.#tail + tail.length - 8, BigInt(byteLength) * 8n, true);
    this.#place(0, rest.lane, this.#tail);
    this.#exports.hash(1, this.#table, blocks);
    const state = new Uint8Array(this.#view.buffer, this.#stateOf(rest.lane), STATE_BYTES);
    return Array.from(state, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  /**
   * @param {number} place
   * @param {number} lane
   * @param {number} address - of its next block
   */
  #place(place, lane, address) {
    this.#view.setUint32(this.#table + place * PLACE_BYTES, this.#stateOf(lane), true);
    this.#view.setUint32(this.#table + place * PLACE_BYTES + 4, address, true);
  }

  /** @param {number} lane */
  #stateOf(lane) {
    return this.#states + lane * STATE_BYTES;
  }

  /** @param {LaneBlocks} of */
  #addressOf({ lane, half, offset }) {
    return this.#buffers + (2 * lane + half) * this.bufferBytes + offset;
  }
}

/**
 * The kernels, compiled but without memory; undefined where the machine cannot run them. Compiles once, and other threads
 * take the module as it is.
 */
export const compileMd5Kernels = compiledOnce(() => import('./kernels.generated.js'));

/**
 * The kernels with a memory of their own: sixteen buffers and less than a page.
 *
 * @param {WebAssembly.Module} compiled - what {@link compileMd5Kernels} gave
 * @param {number} bufferBytes - length of a buffer, of whole blocks
 * @returns {Promise<Md5Kernels>}
 */
export async function createMd5Kernels(compiled, bufferBytes) {
  return new Md5Kernels(await WebAssembly.instantiate(compiled), bufferBytes);
}
