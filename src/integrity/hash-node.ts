/**
 * Hashing with Node's own OpenSSL. One of the few modules that know Node.
 *
 * @see https://nodejs.org/api/crypto.html#class-hash
 * @module
 */
import { createHash } from 'node:crypto';

import type { HashAlgorithm, Hasher } from './hash.js';

/** A hasher in native code: about 0.7 GB/s for MD5, and 1.7 GB/s for SHA-256 where the processor helps. */
export function createNodeHasher(algorithm: HashAlgorithm): Hasher {
  const hash = createHash(algorithm);
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    digestHex: () => hash.digest('hex'),
  };
}
