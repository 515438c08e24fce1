/**
 * Bytes as a person compares them.
 *
 * @module
 */

/** Bytes in lower-case hexadecimal, two digits each. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
