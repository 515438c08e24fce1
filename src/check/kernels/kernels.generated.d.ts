/**
 * Types of the compiled kernels.
 *
 * @module
 */

/** The WebAssembly module in base64. */
export const KERNELS: string;
