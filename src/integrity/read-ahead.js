/**
 * Reading one block ahead: the next block is on its way while the present one is worked on.
 *
 * Plain JavaScript, because the hashing worker imports it too, and a worker must run as it stands both from
 * the sources under test and from the built package.
 *
 * @module
 */

/**
 * Bytes per block. Measured with MD5 in Node 20: 64 KiB costs a sixth of the speed, more than 1 MiB gains
 * nothing.
 */
export const BLOCK_BYTES = 1 << 20;

/**
 * Hands all bytes from 0 to `size` to `take`, in order, in blocks of at most {@link BLOCK_BYTES}; holds two
 * blocks. A block is only valid during the call. Errors of either function end it, after the read on its way.
 *
 * @param {number} size - how many bytes there are
 * @param {(offset: number, target: Uint8Array) => Promise<void>} readInto - fills the target from that offset
 * @param {(block: Uint8Array, end: number) => void} take - works on a block that ends at offset `end`
 * @returns {Promise<void>}
 */
export async function readAhead(size, readInto, take) {
  const length = Math.min(size, BLOCK_BYTES);
  const even = new Uint8Array(length);
  const odd = new Uint8Array(length);
  /** @param {number} offset */
  const fetch = async (offset) => {
    const buffer = (offset / BLOCK_BYTES) % 2 === 0 ? even : odd;
    const block = buffer.subarray(0, Math.min(length, size - offset));
    await readInto(offset, block);
    return block;
  };
  let pending = fetch(0);
  try {
    for (let offset = 0; offset < size; offset += BLOCK_BYTES) {
      const block = await pending;
      const end = offset + block.byteLength;
      if (end < size) pending = fetch(end);
      take(block, end);
    }
  } finally {
    // The caller may close the file next, and a failed read must not go unheard.
    await pending.catch(() => {});
  }
}
