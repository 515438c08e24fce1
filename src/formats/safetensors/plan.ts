/**
 * Lays out a safetensors file as the Rust library does, byte for byte.
 *
 * The surprising part is the order: by element type, the widest alignment first, then by name in the
 * order of its UTF-8 bytes. The JSON is compact, `__metadata__` comes first, and spaces fill it up to a
 * multiple of eight so that the tensors are aligned.
 *
 * @see https://github.com/huggingface/safetensors/blob/main/safetensors/src/tensor.rs
 * @module
 */
import type { FilePlan, PlannedTensor } from '../file-plan.js';
import { shownName } from '../shown-name.js';
import { type TensorInfo, tensorByteLength } from '../tensor.js';
import { type StoredType, storedTypeOf } from './dtypes.js';
import { METADATA_NAME } from './header.js';
import { LENGTH_BYTES } from './header-json.js';
import { SafetensorsError } from './safetensors-error.js';

/** The header ends at a multiple of this, and so every tensor is aligned to its element size. */
const HEADER_ALIGNMENT = 8;

/** A space, which JSON ignores after the closing brace. */
const PADDING = 0x20;

interface Entry {
  readonly tensor: TensorInfo;
  readonly type: StoredType;
  readonly nameBytes: Uint8Array;
}

/**
 * Plans a safetensors file. The tensors may be given in any order; the plan has them in the file's.
 *
 * @param tensors - names, types and shapes
 * @param metadata - strings about the file, written in the order given; left out of the file when undefined
 * @throws SafetensorsError `safetensors/unsupported-dtype`, `safetensors/duplicate-name`,
 *   `safetensors/reserved-name`
 */
export function planSafetensors(tensors: readonly TensorInfo[], metadata?: Readonly<Record<string, string>>): FilePlan {
  expectUniqueNames(tensors);
  const entries = tensors.map(entryOf).sort(compareEntries);
  const members = metadata === undefined ? [] : [`${JSON.stringify(METADATA_NAME)}:${JSON.stringify(metadata)}`];
  const dataRelative: PlannedTensor[] = [];
  let begin = 0;
  for (const { tensor, type } of entries) {
    const { name, dtype, shape } = tensor;
    const byteLength = tensorByteLength(tensor);
    const record = { dtype: type.stored, shape, data_offsets: [begin, begin + byteLength] };
    members.push(`${JSON.stringify(name)}:${JSON.stringify(record)}`);
    dataRelative.push({ name, dtype, shape, fileOffset: begin, byteLength });
    begin += byteLength;
  }
  const header = encodeHeader(`{${members.join(',')}}`);
  return {
    header,
    tensors: dataRelative.map((tensor) => ({ ...tensor, fileOffset: header.byteLength + tensor.fileOffset })),
    byteLength: header.byteLength + begin,
  };
}

function expectUniqueNames(tensors: readonly TensorInfo[]): void {
  const names = new Set<string>();
  for (const { name } of tensors) {
    if (name === METADATA_NAME) {
      throw new SafetensorsError('safetensors/reserved-name', `no tensor can have the name ${METADATA_NAME}`);
    }
    if (names.has(name)) {
      throw new SafetensorsError('safetensors/duplicate-name', `two tensors have the name ${shownName(name)}`);
    }
    names.add(name);
  }
}

function entryOf(tensor: TensorInfo): Entry {
  const type = storedTypeOf(tensor.dtype);
  if (type !== undefined) return { tensor, type, nameBytes: new TextEncoder().encode(tensor.name) };
  throw new SafetensorsError(
    'safetensors/unsupported-dtype',
    `tensor ${shownName(tensor.name)} has the type ${tensor.dtype}, which safetensors does not have`,
  );
}

function compareEntries(a: Entry, b: Entry): number {
  return b.type.rank - a.type.rank || compareBytes(a.nameBytes, b.nameBytes);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return at === -1 ? a.byteLength - b.byteLength : a[at]! - (b[at] ?? -1);
}

function encodeHeader(json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.byteLength / HEADER_ALIGNMENT) * HEADER_ALIGNMENT;
  const header = new Uint8Array(LENGTH_BYTES + length).fill(PADDING);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, LENGTH_BYTES);
  return header;
}
