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

/** Type of Python objects, alone or in a list of fields. */
const OBJECTS = /'[|<>=]?O\d*'|^\($/;

/** Longest header of an array that is looked at; NumPy's own readers stop at 10,000 characters. */
const LONGEST_NPY_HEADER = 1 << 16;

/**
 * Where the pickle of a NumPy array of Python objects begins; undefined for arrays of numbers, which hold none. A
 * header that cannot be read counts as one of objects.
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
  const descr = /'descr'\s*:\s*('[^']*'|\[[^\]]*\]|\()/.exec(header)?.[1];
  return descr === undefined || OBJECTS.test(descr) ? start : undefined;
}
