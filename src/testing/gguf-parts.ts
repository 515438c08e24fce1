/**
 * Split GGUF files for tests.
 *
 * Not part of the package.
 *
 * @module
 */
import { type GgufMetadataEntry, planGguf } from '../formats/gguf/plan.js';
import type { TensorInfo } from '../formats/tensor.js';

/** One part of a split file. */
export interface Part {
  /** Pairs besides those about the split. */
  readonly metadata: readonly GgufMetadataEntry[];
  /** Tensors that lie in it; their bytes count up from the part's number. */
  readonly tensors: readonly TensorInfo[];
}

/** How a part may differ from what it should say. */
export interface SplitClaims {
  /** The pair `split.no`. */
  readonly no?: number;
  /** The pair `split.count`. */
  readonly count?: number;
  /** The pair `split.tensors.count`. */
  readonly tensorCount?: number;
}

/** The pairs about the split as gguf-split writes them. */
export function splitEntries(no: number, count: number, tensorCount: number): GgufMetadataEntry[] {
  return [
    { key: 'split.no', type: 'u16', value: no },
    { key: 'split.count', type: 'u16', value: count },
    { key: 'split.tensors.count', type: 'i32', value: tensorCount },
  ];
}

/** The bytes of one part. */
export function partBytes({ metadata, tensors }: Part, seed = 0): Uint8Array {
  const plan = planGguf({ metadata, tensors });
  const bytes = new Uint8Array(plan.byteLength).map((_, at) => (at + seed) % 64);
  bytes.set(plan.header);
  return bytes;
}

/** The parts of a split file by name, called as llama.cpp wants them; `claims` change what single parts say. */
export function splitFiles(
  parts: readonly Part[],
  stem = 'x',
  claims: Readonly<Record<number, SplitClaims>> = {},
): Record<string, Uint8Array> {
  const tensorCount = parts.reduce((sum, { tensors }) => sum + tensors.length, 0);
  const digits = (value: number): string => String(value).padStart(5, '0');
  return Object.fromEntries(
    parts.map((part, no) => {
      const said = { no, count: parts.length, tensorCount, ...claims[no] };
      const metadata = [...part.metadata, ...splitEntries(said.no, said.count, said.tensorCount)];
      const name = `${stem}-${digits(no + 1)}-of-${digits(parts.length)}.gguf`;
      return [name, partBytes({ ...part, metadata }, no)];
    }),
  );
}

/** A small model in three parts, by name: an array in the first, no tensors in the second. */
export const THREE_PARTS: Readonly<Record<string, Uint8Array>> = splitFiles([
  {
    metadata: [{ key: 'k', type: 'arr[str]', value: ['x', 'yz'] }],
    tensors: [{ name: 'a', dtype: 'float32', shape: [8] }],
  },
  { metadata: [], tensors: [] },
  { metadata: [], tensors: [{ name: 'c', dtype: 'float32', shape: [4, 2] }] },
]);
