/**
 * Lays out a GGUF file as gguf-py does, byte for byte.
 *
 * Pairs and tensors keep the order given. Every tensor is padded to the alignment, the last one too, so
 * that a file's size is a multiple of it past the header.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/gguf-py/gguf/gguf_writer.py
 * @module
 */
import { type DType, blockLayout } from '../../dtype.js';
import type { FilePlan, PlannedTensor } from '../file-plan.js';
import { PackedStrings, type StringList } from '../packed-strings.js';
import { shownName } from '../shown-name.js';
import { type TensorInfo, rowLengthOf, tensorByteLength } from '../tensor.js';
import { ALIGNMENT_KEY, DEFAULT_ALIGNMENT, alignedUp, isAlignment } from './alignment.js';
import { ByteBuilder, ByteCounter, type HeaderWriter } from './byte-builder.js';
import { GgufError } from './gguf-error.js';
import { MAX_RANK } from './tensor-infos.js';
import { type GgmlType, ggmlTypeOf } from './tensor-types.js';
import {
  type GgufElementType,
  type GgufNumbers,
  type GgufNumberType,
  idOfValueType,
  isInRange,
  numberFormat,
} from './value-types.js';

/** A key, the exact type its value gets in the file, and the value. */
export type GgufMetadataEntry = {
  /** The key. */
  readonly key: string;
} & (
  | {
      /** Type of the value in the file. */
      readonly type: GgufNumberType;
      /** The value. */
      readonly value: number;
    }
  | {
      /** Type of the value in the file. */
      readonly type: 'bool';
      /** The value. */
      readonly value: boolean;
    }
  | {
      /** Type of the value in the file. */
      readonly type: 'str';
      /** The value. */
      readonly value: string;
    }
  | {
      /** Type of the value in the file. */
      readonly type: `arr[${GgufNumberType}]`;
      /** The value. */
      readonly value: readonly number[] | GgufNumbers;
    }
  | {
      /** Type of the value in the file. */
      readonly type: 'arr[bool]';
      /** The value. */
      readonly value: readonly boolean[];
    }
  | {
      /** Type of the value in the file. */
      readonly type: 'arr[str]';
      /** The value. */
      readonly value: StringList;
    }
);

/** What a GGUF file is to hold. */
export interface GgufContent {
  /** Pairs in the order of the file. `general.alignment` among them sets the alignment, otherwise it is 32. */
  readonly metadata: readonly GgufMetadataEntry[];
  /** Tensors in the order of the file. */
  readonly tensors: readonly TensorInfo[];
}

/** The plan of a GGUF file. */
export interface GgufPlan extends FilePlan {
  /** Made anew each time it is asked for: 8 MB for a Llama 3, which a plan that is only looked at never needs. */
  readonly header: Uint8Array;
  /** Bytes of the header, which are known without making it. */
  readonly headerByteLength: number;
  /** Every tensor starts at a multiple of this, and the file ends at one. */
  readonly alignment: number;
}

const MAGIC = [0x47, 0x47, 0x55, 0x46];
const VERSION = 3;

/**
 * Plans a GGUF file. The content must not change as long as the plan is used, for the header is made of it.
 *
 * @throws GgufError `gguf/duplicate-key`, `gguf/duplicate-tensor`, `gguf/bad-value`, `gguf/bad-alignment`,
 *   `gguf/unsupported-dtype`, `gguf/bad-shape`
 */
export function planGguf(content: GgufContent): GgufPlan {
  const { metadata, tensors } = content;
  expectUnique(metadata.map(({ key }) => key), 'gguf/duplicate-key', 'keys are'); // prettier-ignore
  expectUnique(tensors.map(({ name }) => name), 'gguf/duplicate-tensor', 'tensors have the name'); // prettier-ignore
  const alignment = alignmentOf(metadata);
  const { relative, dataByteLength } = placeTensors(tensors, alignment);
  const counter = new ByteCounter();
  writeHeader(counter, content, relative);
  const headerByteLength = alignedUp(counter.length, alignment);
  return {
    get header() {
      const builder = new ByteBuilder(headerByteLength);
      writeHeader(builder, content, relative);
      return builder.bytes;
    },
    headerByteLength,
    tensors: relative.map((tensor) => ({ ...tensor, fileOffset: headerByteLength + tensor.fileOffset })),
    byteLength: headerByteLength + dataByteLength,
    alignment,
  };
}

/** The tensors one after the other, their offsets counted from the end of the header. */
function placeTensors(
  tensors: readonly TensorInfo[],
  alignment: number,
): { readonly relative: readonly PlannedTensor[]; readonly dataByteLength: number } {
  let offset = 0;
  const relative = tensors.map((tensor): PlannedTensor => {
    const { name, dtype, shape } = tensor;
    expectGgmlType(tensor);
    const byteLength = tensorByteLength(tensor);
    const placed = { name, dtype, shape, fileOffset: offset, byteLength };
    offset += alignedUp(byteLength, alignment);
    return placed;
  });
  return { relative, dataByteLength: offset };
}

function writeHeader(header: HeaderWriter, { metadata }: GgufContent, tensors: readonly PlannedTensor[]): void {
  header.numbers('u8', MAGIC);
  header.number('u32', VERSION);
  header.number('u64', tensors.length);
  header.number('u64', metadata.length);
  for (const entry of metadata) writeEntry(header, entry);
  for (const tensor of tensors) writeTensorInfo(header, tensor);
}

function expectUnique(
  names: readonly string[],
  code: 'gguf/duplicate-key' | 'gguf/duplicate-tensor',
  what: string,
): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw new GgufError(code, `two ${what} ${shownName(name)}`);
    seen.add(name);
  }
}

function alignmentOf(metadata: readonly GgufMetadataEntry[]): number {
  const stated = metadata.find(({ key }) => key === ALIGNMENT_KEY);
  if (stated === undefined) return DEFAULT_ALIGNMENT;
  if (stated.type === 'u32' && isAlignment(stated.value)) return stated.value;
  throw new GgufError('gguf/bad-alignment', `${ALIGNMENT_KEY} must be a power of two from 8 on, as u32`);
}

function writeEntry(header: HeaderWriter, entry: GgufMetadataEntry): void {
  header.string(entry.key);
  const elementType = /^arr\[(.+)\]$/.exec(entry.type)?.[1] as GgufElementType | undefined;
  if (elementType === undefined) {
    const type = entry.type as GgufElementType;
    header.number('u32', idOfValueType(type));
    writeElement(header, entry.key, type, entry.value as Element);
    return;
  }
  const elements = entry.value as Elements | PackedStrings;
  header.number('u32', idOfValueType('arr'));
  header.number('u32', idOfValueType(elementType));
  header.number('u64', elements.length);
  writeElements(header, entry.key, elementType, elements);
}

type Element = number | boolean | string;
type Elements = readonly Element[] | GgufNumbers;

function writeElements(
  header: HeaderWriter,
  key: string,
  type: GgufElementType,
  elements: Elements | PackedStrings,
): void {
  if (elements instanceof PackedStrings) {
    header.packed(elements);
  } else if (type !== 'str' && type !== 'bool' && holdsOnly(type, elements)) {
    header.numbers(type, elements);
  } else {
    for (const element of elements) writeElement(header, key, type, element);
  }
}

/** Whether the array's own type lets no number in that is out of range; a float64 array of 64-bit integers does. */
function holdsOnly(type: GgufNumberType, elements: Elements): elements is GgufNumbers {
  const { allocate } = numberFormat(type);
  return type !== 'u64' && type !== 'i64' && elements.constructor === allocate(0).constructor;
}

function writeElement(header: HeaderWriter, key: string, type: GgufElementType, value: Element): void {
  if (type === 'str' && typeof value === 'string') {
    header.string(value);
  } else if (type === 'bool' && typeof value === 'boolean') {
    header.number('u8', value ? 1 : 0);
  } else if (type !== 'str' && type !== 'bool' && typeof value === 'number' && isInRange(numberFormat(type), value)) {
    header.number(type, value);
  } else {
    throw new GgufError('gguf/bad-value', `${shownName(key)} is ${shownName(String(value))}, which is no ${type}`);
  }
}

function writeTensorInfo(header: HeaderWriter, tensor: PlannedTensor): void {
  const { name, shape, fileOffset } = tensor;
  header.string(name);
  header.number('u32', shape.length);
  for (const extent of [...shape].reverse()) header.number('u64', extent);
  header.number('u32', expectGgmlType(tensor).id);
  header.number('u64', fileOffset);
}

function expectGgmlType({ name, dtype, shape }: TensorInfo): GgmlType {
  const type = ggmlTypeOf(dtype);
  if (type === undefined) {
    const message = `tensor ${shownName(name)} has the type ${dtype}, which GGUF does not have`;
    throw new GgufError('gguf/unsupported-dtype', message);
  }
  expectShape(name, dtype, shape);
  return type;
}

function expectShape(name: string, dtype: DType, shape: readonly number[]): void {
  const { blockElements } = blockLayout(dtype);
  if (shape.length <= MAX_RANK && rowLengthOf(shape) % blockElements === 0 && !shape.includes(0)) return;
  const limits = `GGUF takes ${MAX_RANK} extents from 1 on, the last a multiple of ${blockElements} for ${dtype}`;
  throw new GgufError('gguf/bad-shape', `tensor ${shownName(name)} has the shape [${shape.join(', ')}], but ${limits}`);
}
