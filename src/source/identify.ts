/**
 * What a file really is, told from its first bytes.
 *
 * The commonest fault of a downloaded checkpoint is not damage but a wrong file under the right name:
 * an error page of the web server, a Git LFS pointer, nothing at all. A few hundred bytes tell.
 *
 * @see https://mimesniff.spec.whatwg.org/
 * @see https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
 * @see https://pytorch.org/docs/stable/notes/serialization.html
 * @module
 */
import prettyBytes from 'pretty-bytes';

import type { ByteSource, ReadOptions } from './byte-source.js';
import { identifyText } from './identify-text.js';

export { describeMistake, mistakeOfName } from './mistake.js';

/** Kinds of content that are told apart; `unknown` covers raw data and SentencePiece models alike. */
export type ContentKind =
  | 'zip'
  | 'safetensors'
  | 'gguf'
  | 'torch-legacy'
  | 'tar'
  | 'pickle'
  | 'json'
  | 'html-page'
  | 'xml-error'
  | 'lfs-pointer'
  | 'annex-pointer'
  | 'empty'
  | 'gzip'
  | 'npy'
  | 'hdf5'
  | 'all-zero'
  | 'text'
  | 'unknown';

/** What a file is. */
export interface Identification {
  /** The kind, for a program. */
  readonly kind: ContentKind;
  /** The kind, for a person: a noun phrase such as `an HTML page, 48 kB: "Access Denied"`. */
  readonly sentence: string;
  /** Size of the file in bytes. */
  readonly size: number;
  /** What a page or an error document says about itself, in printable characters. */
  readonly title?: string;
  /** Size in bytes of the file that a Git LFS or git-annex pointer stands for. */
  readonly targetSize?: number;
}

/** Bytes that are looked at; the tar magic stands at 257, and the title of an error page comes early. */
export const HEAD_BYTES = 4096;

/**
 * What a file of `size` bytes is, from its first bytes (at most {@link HEAD_BYTES} of them are looked at).
 * Gives `unknown` rather than an error for anything else.
 */
export function identifyBytes(head: Uint8Array, size: number): Identification {
  const bytes = head.subarray(0, HEAD_BYTES);
  if (size === 0 || bytes.byteLength === 0) return { kind: 'empty', sentence: 'an empty file', size };
  return identifyBinary(bytes, size) ?? identifyText(bytes, size) ?? unknown(bytes, size);
}

/** What a source is; one read of at most {@link HEAD_BYTES} bytes. */
export async function identifySource(source: ByteSource, options?: ReadOptions): Promise<Identification> {
  return identifyBytes(await source.read(0, Math.min(HEAD_BYTES, source.size), options), source.size);
}

const ZIP_MEMBER = [0x50, 0x4b, 3, 4];
const ZIP_END = [0x50, 0x4b, 5, 6];
const GZIP = [0x1f, 0x8b];
const NPY = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const HDF5 = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
const GGUF = [0x47, 0x47, 0x55, 0x46];
const USTAR = [0x75, 0x73, 0x74, 0x61, 0x72];
/** Where a tar header keeps its magic. */
const USTAR_OFFSET = 257;
/** PyTorch's old magic number 0x1950a86a20f9469cfc6c as the opcode LONG1 with ten bytes. */
const TORCH_MAGIC = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/** The opcode PROTO and the opcode FRAME, which protocol 4 puts between PROTO and the first value. */
const PROTO = 0x80;
const FRAME = 0x95;
const HIGHEST_PROTOCOL = 5;

function identifyBinary(bytes: Uint8Array, size: number): Identification | undefined {
  const sized = prettyBytes(size);
  if (matches(bytes, ZIP_MEMBER, 0)) return { kind: 'zip', sentence: `a ZIP archive, ${sized}`, size };
  if (matches(bytes, ZIP_END, 0)) return { kind: 'zip', sentence: `a ZIP archive without members, ${sized}`, size };
  if (matches(bytes, GGUF, 0)) return { kind: 'gguf', sentence: `a GGUF file, ${sized}`, size };
  if (matches(bytes, GZIP, 0)) return { kind: 'gzip', sentence: `a gzip file, ${sized}`, size };
  if (matches(bytes, NPY, 0)) return { kind: 'npy', sentence: `a NumPy array (.npy), ${sized}`, size };
  if (matches(bytes, HDF5, 0)) return { kind: 'hdf5', sentence: `an HDF5 file, ${sized}`, size };
  if (matches(bytes, USTAR, USTAR_OFFSET)) return { kind: 'tar', sentence: `a tar archive, ${sized}`, size };
  if (bytes.every((byte) => byte === 0)) {
    const shown =
      bytes.byteLength < size ? `, ${sized}, its first ${bytes.byteLength} bytes all zero` : ` of ${size} zero bytes`;
    return { kind: 'all-zero', sentence: `a file${shown}`, size };
  }
  if (isSafetensors(bytes, size)) return { kind: 'safetensors', sentence: `a safetensors file, ${sized}`, size };
  return identifyPickle(bytes, size);
}

function identifyPickle(bytes: Uint8Array, size: number): Identification | undefined {
  const [proto, protocol = 0] = bytes;
  if (proto !== PROTO || protocol < 2 || protocol > HIGHEST_PROTOCOL) return undefined;
  const first = bytes[2] === FRAME ? 11 : 2;
  if (matches(bytes, TORCH_MAGIC, first)) {
    return { kind: 'torch-legacy', sentence: `a PyTorch file in the form before 1.6, ${prettyBytes(size)}`, size };
  }
  return { kind: 'pickle', sentence: `a Python pickle of protocol ${protocol}, ${prettyBytes(size)}`, size };
}

/** Longest header that the safetensors format allows. */
const SAFETENSORS_HEADER_LIMIT = 100_000_000n;

/** A header length, then `{`; the length may go past the end, as a cut-off file is still a safetensors file. */
function isSafetensors(bytes: Uint8Array, size: number): boolean {
  if (size < 10 || bytes.byteLength < 9 || bytes[8] !== 0x7b) return false;
  const header = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  return header >= 2n && header <= SAFETENSORS_HEADER_LIMIT;
}

function unknown(bytes: Uint8Array, size: number): Identification {
  const start = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return { kind: 'unknown', sentence: `a file of no known kind, ${prettyBytes(size)}, starting with ${start}`, size };
}

function matches(bytes: Uint8Array, magic: readonly number[], offset: number): boolean {
  return magic.every((byte, index) => bytes[offset + index] === byte);
}
