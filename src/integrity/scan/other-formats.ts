/**
 * Formats that nothing else here reads, as far as a scan must know them: NumPy's arrays, and what packs other files.
 *
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 * @module
 */
import type { ByteSource, ReadOptions } from '../../source/byte-source.js';

/** What the formats that pack files are called. */
export const PACKED = {
  gzip: 'a gzip file',
  bzip2: 'a bzip2 file',
  xz: 'an xz file',
  zstd: 'a Zstandard file',
  lz4: 'an LZ4 file',
  '7z': 'a 7-Zip archive',
  rar: 'a RAR archive',
} as const;

const MAGICS: readonly (readonly [name: keyof typeof PACKED, bytes: readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
  ['7z', [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]],
  ['rar', [0x52, 0x61, 0x72, 0x21, 0x1a, 0x07]],
];

/** Which of these formats some bytes begin like. */
export function packedAs(head: Uint8Array): keyof typeof PACKED | undefined {
  return MAGICS.find(([, magic]) => magic.every((byte, at) => head[at] === byte))?.[0];
}

/** Type of numbers, text or bytes as NumPy writes it; that of Python objects, `O`, is none of them. */
const TYPE = "'[<>|=]?[?bhilqBHILQefdgFDGSUaVmM][0-9]*(?:\\[[0-9a-zA-Z]+\\])?'";

/** A field with a name that holds no quotes, and perhaps a shape. */
const FIELD = `\\('[\\w .-]*', ${TYPE}(?:, \\([0-9, ]*\\))?\\)`;

/** The header as NumPy writes it, with types that hold no Python objects. It is a Python literal: nothing else is trusted. */
const NUMBERS_ONLY = new RegExp(
  `^\\{'descr': (?:${TYPE}|\\[${FIELD}(?:, ${FIELD})*\\]), 'fortran_order': (?:True|False), ` +
    "'shape': \\([0-9, ]*\\), \\}\\s*$",
);

/** Longest header of an array that is looked at; NumPy's own readers stop at 10,000 characters. */
const LONGEST_NPY_HEADER = 1 << 16;

/**
 * Where a NumPy array may have the pickle of its Python objects; undefined for arrays of numbers, which hold none. Any
 * header but those that NumPy writes for numbers counts as one of objects.
 */
export async function npyPickleOffset(source: ByteSource, options?: ReadOptions): Promise<number | undefined> {
  const head = await source.read(0, Math.min(12, source.size), options);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const isLong = head[6] !== 1; // 6: major version, 8: length of the header in 2 or 4 bytes
  const fixed = isLong ? 12 : 10;
  if (head.byteLength < fixed) return undefined;
  const length = isLong ? view.getUint32(8, true) : view.getUint16(8, true);
  const start = fixed + length;
  if (start >= source.size) return undefined;
  if (length > LONGEST_NPY_HEADER) return start;
  const header = new TextDecoder('latin1').decode(await source.read(fixed, length, options));
  return NUMBERS_ONLY.test(header) ? undefined : start;
}
