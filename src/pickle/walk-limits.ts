/**
 * How much a walk may cost, by the length of the file.
 *
 * What counts is what the file spends: two kilobytes may unpack to megabytes of opcodes, and the members of an archive
 * may share their bytes. The least are what takes a moment and some 60 MB whatever the file; a long file gets more, in
 * proportion, up to some 200 MB and some seconds.
 *
 * @module
 */

/** Caps on what a walk remembers, and on the opcodes of all walks through a file. */
export interface WalkLimits {
  /** Opcodes of all pickles of a file. An opcode takes a byte, and some pickles are walked twice. */
  readonly opcodes: number;
  /** Values on the stack, 8 bytes each; the items of a tuple all lie there at once. */
  readonly values: number;
  /** Open marks, 8 bytes each; Python stops near 1,000 itself. */
  readonly marks: number;
  /** Memo slots, 8 bytes each. */
  readonly slots: number;
  /** Characters of all texts that are remembered. */
  readonly text: number;
  /** Tuples that are remembered, some hundred bytes each; a tensor has four. */
  readonly tuples: number;
}

/** The limits for pickles that lie, packed or not, in a file of so many bytes. */
export function walkLimitsFor(fileBytes: number): WalkLimits {
  const scaled = (least: number, most: number, perByte: number): number =>
    Math.max(least, Math.min(most, Math.floor(fileBytes * perByte)));
  return {
    opcodes: scaled(2 ** 20, 2 ** 26, 2),
    values: scaled(2 ** 19, 2 ** 22, 1),
    marks: scaled(2 ** 18, 2 ** 20, 1),
    slots: scaled(2 ** 20, 2 ** 23, 1),
    text: scaled(2 ** 22, 2 ** 25, 1),
    tuples: scaled(2 ** 18, 2 ** 21, 1 / 8),
  };
}
