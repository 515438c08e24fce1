/**
 * The blocks that ggml's C code makes of a matrix with every edge case: `fixtures/quants`.
 *
 * Not part of the package.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { FIXTURES } from './fixtures.js';

/** Rows of the matrix. */
export const QUANT_ROWS = 128;

/** Columns of the matrix. */
export const QUANT_COLUMNS = 256;

interface Part {
  readonly offset: number;
  readonly bytes_per_row: number;
  readonly sha256: string;
  readonly dequantized_sha256: string;
}

interface Unweighted {
  readonly row_names: readonly string[];
  readonly types: Readonly<Record<string, Part>>;
}

interface Weighted {
  readonly types: Readonly<
    Record<
      string,
      { readonly none?: Part; readonly w256: Part; readonly w512: Part & { readonly sha256_by_row: readonly string[] } }
    >
  >;
}

function json(name: string): unknown {
  return JSON.parse(readFileSync(join(FIXTURES, 'quants', name), 'utf8'));
}

function bytes(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(FIXTURES, 'quants', name)));
}

const unweighted = json('quants.json') as Unweighted;
const unweightedBytes = bytes('quants.bin');
const weighted = json('weighted.json') as Weighted;
const weightedBytes = bytes('weighted.bin');

/** What each row of the matrix is. */
export const quantRowNames: readonly string[] = unweighted.row_names;

/** The matrix, (128, 256) float32. */
export const quantMatrix = new Float32Array(unweightedBytes.slice(0, QUANT_ROWS * QUANT_COLUMNS * 4).buffer);

/** Importances of 512 columns. */
export const quantImportance = new Float32Array(weightedBytes.slice(0, 512 * 4).buffer);

/** Blocks that ggml made, row after row. */
export interface ExpectedBlocks {
  /** The blocks. */
  readonly blocks: Uint8Array;
  /** Bytes of a row of the matrix. */
  readonly bytesPerRow: number;
  /** SHA-256 of what ggml dequantizes them to, as float32. */
  readonly dequantizedSha256: string;
}

/** ggml's blocks of the matrix without importances; undefined for types that need them. `type` as ggml names it: `Q4_K`. */
export function expectedBlocks(type: string): ExpectedBlocks | undefined {
  const part = unweighted.types[type];
  if (part !== undefined) return expected(unweightedBytes, part);
  const own = weighted.types[type]?.none;
  return own && expected(weightedBytes, own);
}

/** ggml's blocks of the matrix with the first 256 importances. */
export function expectedWeightedBlocks(type: string): ExpectedBlocks {
  return expected(weightedBytes, weighted.types[type]!.w256);
}

/** The first 16 digits of the SHA-256 of each of 64 rows of 512 values, quantized with all importances. */
export function expectedWideRows(type: string): readonly string[] {
  return weighted.types[type]!.w512.sha256_by_row;
}

function expected(file: Uint8Array, part: Part): ExpectedBlocks {
  const { offset, bytes_per_row: bytesPerRow, dequantized_sha256: dequantizedSha256 } = part;
  return { blocks: file.slice(offset, offset + QUANT_ROWS * bytesPerRow), bytesPerRow, dequantizedSha256 };
}

/** SHA-256 in hex. */
export function sha256(view: ArrayBufferView): string {
  return createHash('sha256')
    .update(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
    .digest('hex');
}
