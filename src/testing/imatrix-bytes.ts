/**
 * Importance matrices of both forms, made field by field.
 *
 * Not part of the package.
 *
 * @module
 */
import { type GgufMetadataEntry, planGguf } from '../formats/gguf/plan.js';
import type { TensorInfo } from '../formats/tensor.js';
import { u32 } from './gguf-bytes.js';

/** An entry of the bare form; lengths that are given are written in place of the true ones. */
export interface DatEntry {
  readonly name: string | Uint8Array;
  readonly count: number;
  readonly sums: readonly number[];
  readonly nameLength?: number;
  readonly sumCount?: number;
}

/** What to put into a file of the bare form; what is left out follows from the rest, or is absent in the file. */
export interface DatParts {
  readonly entryCount?: number;
  readonly entries: readonly DatEntry[];
  readonly chunkCount?: number;
  readonly dataset?: string;
  /** Bytes after everything. */
  readonly after?: readonly number[];
}

/** A file of the bare form. */
export function datFile(parts: DatParts): Uint8Array {
  const { entries, entryCount = entries.length, chunkCount, dataset, after = [] } = parts;
  const chunks = chunkCount === undefined ? [] : u32(chunkCount);
  const name = dataset === undefined ? [] : text(dataset);
  return Uint8Array.from([...u32(entryCount), ...entries.flatMap(entryBytes), ...chunks, ...name, ...after]);
}

function entryBytes({ name, count, sums, nameLength, sumCount = sums.length }: DatEntry): number[] {
  return [...text(name, nameLength), ...u32(count), ...u32(sumCount), ...floats(sums)];
}

function text(value: string | Uint8Array, length?: number): number[] {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return [...u32(length ?? bytes.byteLength), ...bytes];
}

function floats(values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

/** A tensor of the GGUF form. */
export interface ImatrixTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
  /** F32 by default; the bytes of another type are zeros. */
  readonly dtype?: TensorInfo['dtype'];
}

/** The two tensors of an entry, as llama-imatrix writes them: sums (experts, columns) and counts (experts, 1). */
export function imatrixTensors(name: string, counts: readonly number[], sums: readonly number[]): ImatrixTensor[] {
  return [
    { name: `${name}.in_sum2`, shape: [counts.length, sums.length / counts.length], values: sums },
    { name: `${name}.counts`, shape: [counts.length, 1], values: counts },
  ];
}

/** The keys that llama-imatrix writes. */
export function imatrixKeys(datasets: readonly string[], chunkCount: number): GgufMetadataEntry[] {
  return [
    { key: 'general.type', type: 'str', value: 'imatrix' },
    { key: 'imatrix.datasets', type: 'arr[str]', value: datasets },
    { key: 'imatrix.chunk_count', type: 'u32', value: chunkCount },
    { key: 'imatrix.chunk_size', type: 'u32', value: 512 },
  ];
}

/** A file of the GGUF form. */
export function imatrixGguf(metadata: readonly GgufMetadataEntry[], tensors: readonly ImatrixTensor[]): Uint8Array {
  const plan = planGguf({
    metadata,
    tensors: tensors.map(({ name, shape, dtype = 'float32' }) => ({ name, shape, dtype })),
  });
  const bytes = new Uint8Array(plan.byteLength);
  bytes.set(plan.header);
  for (const [index, { fileOffset }] of plan.tensors.entries()) {
    const { dtype, values } = tensors[index]!;
    if (dtype === undefined) bytes.set(floats(values), fileOffset);
  }
  return bytes;
}
