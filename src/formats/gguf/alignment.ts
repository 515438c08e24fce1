/**
 * Where tensors may start in a GGUF file.
 *
 * The specification wants a multiple of eight, llama.cpp a power of two; both hold for every file known.
 *
 * @module
 */

/** Key of the alignment, left out of most files. */
export const ALIGNMENT_KEY = 'general.alignment';

/** Alignment of files that state none, in bytes. */
export const DEFAULT_ALIGNMENT = 32;

/** Whether the number may be an alignment. */
export function isAlignment(value: number): boolean {
  return value >= 8 && Number.isInteger(Math.log2(value));
}

/** The first multiple of the alignment from `offset` on. */
export function alignedUp(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}
