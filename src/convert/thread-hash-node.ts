/**
 * Hashing in the threads of a conversion. One of the few modules that know Node.
 *
 * @module
 */
import type { BeginHash, DeferredHasher } from '../integrity/hash.js';
import type { ConvertThreads } from './convert-threads-node.js';

/** Bytes that are copied into shared memory at a time, where they do not lie in it: a block of rows, mostly. */
const COPIED_BYTES = 1 << 20;

/**
 * Hashing in these threads, each hash in the one with the fewest. Bytes in shared memory are hashed where they are; others
 * are copied, a megabyte at a time, into buffers that are used again.
 *
 * @throws ConvertError `convert/thread-died`, when bytes are handed over
 */
export function hashingIn(pool: ConvertThreads): BeginHash {
  const hashesOf = Array.from({ length: pool.count }, () => 0);
  const copies: Uint8Array[] = [];
  let begun = 0;
  return async (algorithm): Promise<DeferredHasher> => {
    const hash = (begun += 1);
    const thread = hashesOf.indexOf(Math.min(...hashesOf));
    hashesOf[thread]! += 1;
    const hashCopied = async (bytes: Uint8Array): Promise<void> => {
      const copy = copies.pop() ?? new Uint8Array(new SharedArrayBuffer(COPIED_BYTES));
      copy.set(bytes);
      await pool.hash({ hash, algorithm, bytes: copy.subarray(0, bytes.byteLength) }, thread);
      copies.push(copy);
    };
    return {
      update: async (bytes) => {
        if (bytes.buffer instanceof SharedArrayBuffer) {
          await pool.hash({ hash, algorithm, bytes }, thread);
          return;
        }
        for (let at = 0; at < bytes.byteLength; at += COPIED_BYTES) {
          await hashCopied(bytes.subarray(at, at + COPIED_BYTES));
        }
      },
      digestHex: async () => {
        const { digest = '' } = await pool.hash({ hash, algorithm, bytes: undefined }, thread);
        hashesOf[thread]! -= 1;
        return digest;
      },
    };
  };
}
