// @ts-check
/**
 * Weights that look like a trained model's, as many as are wanted, from a seed.
 *
 * Every row has a seed of its own, so any block of rows can be made at any time and nothing is held. A
 * value is drawn from a table of 65,536 Gaussian samples: half a random word chooses one, which is fast
 * enough to make a billion of them in seconds.
 *
 * @module
 */

/** @typedef {import('llama-inspect').Tensor} Tensor */

const TABLE_SIZE = 65_536;

/** Spread of the matrices of a trained Llama, roughly; and of its norms, which lie around one. */
const MATRIX = { mean: 0, deviation: 0.02 };
const NORM = { mean: 1, deviation: 0.1 };

/**
 * A part of a matrix: everything, or what one of several shards has of it.
 *
 * @typedef {object} Part
 * @property {number} firstRow
 * @property {number} firstColumn
 * @property {number} rowLength - of the whole matrix
 */

/**
 * A bfloat16 tensor of Gaussian values; the same seed gives the same values, and a part of a matrix has the values that
 * the whole has there.
 *
 * @param {string} name
 * @param {readonly number[]} shape - of the part
 * @param {number} seed
 * @param {Part} [part] - everything if not given
 * @returns {Tensor}
 */
export function gaussianTensor(name, shape, seed, part) {
  const table = tableOf(shape.length === 1 ? NORM : MATRIX);
  const width = shape.at(-1) ?? 1;
  const { firstRow, firstColumn, rowLength } = part ?? { firstRow: 0, firstColumn: 0, rowLength: width };
  const whole = new Uint32Array(rowLength / 2);
  return {
    ...{ name, dtype: 'bfloat16', shape },
    readRows: async (first, count) => {
      const words = new Uint32Array((count * width) / 2);
      for (let row = 0; row < count; row++) {
        // each word follows from the one before, so a part is cut out of the whole row
        fillRow(whole, table, mixed(seed, firstRow + first + row));
        words.set(whole.subarray(firstColumn / 2, (firstColumn + width) / 2), (row * width) / 2);
      }
      return new Uint8Array(words.buffer);
    },
  };
}

/**
 * Two numbers as one seed: equal only when both are, as far as 32 bits go.
 *
 * @param {number} a
 * @param {number} b
 */
export function mixed(a, b) {
  let word = Math.imul(a ^ (b + 0x9e3779b9), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35) ^ b;
  return (word ^ (word >>> 16)) >>> 0;
}

/**
 * Random words without end (xorshift32, Marsaglia 2003).
 *
 * @param {number} seed
 * @returns {() => number}
 */
export function randomWords(seed) {
  let state = seed === 0 ? 1 : seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** @type {Map<object, Uint16Array>} */
const tables = new Map();

/** @param {{ mean: number, deviation: number }} distribution */
function tableOf(distribution) {
  const known = tables.get(distribution);
  if (known !== undefined) return known;
  const random = randomWords(1);
  const values = Float32Array.from({ length: TABLE_SIZE }, () => {
    const radius = Math.sqrt(-2 * Math.log((random() + 1) / 2 ** 32));
    return distribution.mean + distribution.deviation * radius * Math.cos((2 * Math.PI * random()) / 2 ** 32);
  });
  // the upper half of a float32 is its bfloat16, cut rather than rounded, which a random number does not mind
  const table = Uint16Array.from(new Uint32Array(values.buffer), (bits) => bits >>> 16);
  tables.set(distribution, table);
  return table;
}

/**
 * The generator of {@link randomWords} written out, because a call for each word would take most of the time.
 *
 * @param {Uint32Array} words
 * @param {Uint16Array} table
 * @param {number} seed
 */
function fillRow(words, table, seed) {
  let state = seed === 0 ? 1 : seed;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = (table[state & 0xffff] ?? 0) | ((table[state >>> 16] ?? 0) << 16);
  }
}
