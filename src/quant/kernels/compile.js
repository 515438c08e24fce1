/**
 * A WebAssembly module out of its base64.
 *
 * Plain JavaScript, because a worker thread is not transformed: this file runs as it stands both from the
 * sources under test and from the built package.
 *
 * @module
 */

/** WebAssembly's memory grows by pages of so many bytes. */
const PAGE = 1 << 16;

/**
 * Compiles a module; undefined where the machine has no WebAssembly or none of what the module uses, such as 128-bit SIMD.
 *
 * @param {string} base64
 * @returns {Promise<WebAssembly.Module | undefined>}
 */
export async function compileKernels(base64) {
  if (typeof WebAssembly === 'undefined') return undefined;
  const text = atob(base64);
  const binary = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) binary[i] = text.charCodeAt(i);
  return WebAssembly.validate(binary) ? WebAssembly.compile(binary) : undefined;
}

/**
 * A function that compiles a module the first time it is called. The text is loaded only then, so that threads which are
 * handed the compiled module never load it.
 *
 * @param {() => Promise<{ readonly KERNELS: string }>} load - gives the module in base64
 * @returns {() => Promise<WebAssembly.Module | undefined>}
 */
export function compiledOnce(load) {
  /** @type {Promise<WebAssembly.Module | undefined> | undefined} */
  let compiling;
  return () => (compiling ??= load().then(({ KERNELS }) => compileKernels(KERNELS)));
}

/**
 * Lets a memory reach to a byte.
 *
 * @param {WebAssembly.Memory} memory
 * @param {number} end - first byte that is not needed
 */
export function reach(memory, end) {
  const missing = end - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
}

/**
 * A length rounded up to whole cache lines.
 *
 * @param {number} length
 */
export function aligned(length) {
  return Math.ceil(length / 64) * 64;
}
