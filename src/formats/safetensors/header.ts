/**
 * The JSON header of a safetensors file.
 *
 * Every tensor has a type, a shape and a range of bytes; the ranges must follow each other without a
 * hole and end where the file ends, so that nothing can be hidden in between.
 *
 * @see https://github.com/huggingface/safetensors#format
 * @module
 */
import { type DType, blockLayout } from '../../dtype.js';
import { hexOffset } from '../../errors.js';
import { shownName } from '../shown-name.js';
import type { TensorInfo } from '../tensor.js';
import { dtypeOfStored } from './dtypes.js';
import { AGAIN, type Fail, LENGTH_BYTES, parseHeaderJson } from './header-json.js';
import { SafetensorsError } from './safetensors-error.js';

/** Name in the header that is no tensor: a map of strings about the file. */
export const METADATA_NAME = '__metadata__';

/** Most extents of a shape; PyTorch has the same limit. */
const MAX_RANK = 64;

/** A tensor of the header. */
export interface HeaderTensor extends TensorInfo {
  /** The file's own spelling of the type. */
  readonly storedDtype: string;
  /** First byte, counted from the end of the header. */
  readonly begin: number;
  /** The byte after the last one. */
  readonly end: number;
}

/** What a header says. */
export interface Header {
  /** The file's `__metadata__`; empty where there is none. */
  readonly metadata: ReadonlyMap<string, string>;
  /** The tensors in the order of their bytes. */
  readonly tensors: readonly HeaderTensor[];
}

/**
 * Parses a header and checks all of it.
 *
 * @param bytes - the JSON text, without the eight bytes before it
 * @param dataLength - bytes that follow the header in the file
 * @param path - the file's name, for errors
 * @throws SafetensorsError all codes but `safetensors/reserved-name`
 */
export function parseHeader(bytes: Uint8Array, dataLength: number, path: string): Header {
  const fail: Fail = (code, message, offset, hint) => {
    throw new SafetensorsError(code, message, { path, offset, hint });
  };
  const metadata = new Map<string, string>();
  const tensors: HeaderTensor[] = [];
  for (const [name, value] of Object.entries(parseHeaderJson(bytes, fail))) {
    if (name === METADATA_NAME) addMetadata(value, metadata, fail);
    else tensors.push(parseTensor(name, value, fail));
  }
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  expectCoverage(tensors, dataLength, LENGTH_BYTES + bytes.byteLength, fail);
  return { metadata, tensors };
}

function addMetadata(value: unknown, metadata: Map<string, string>, fail: Fail): void {
  if (!isRecord(value)) return fail('safetensors/bad-header', `${METADATA_NAME} must be an object of strings`);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') {
      return fail(
        'safetensors/bad-header',
        `${METADATA_NAME}.${shownName(key)} must be a string, found ${kindOf(text)}`,
      );
    }
    for (const part of [key, text]) expectUnicode(part, METADATA_NAME, fail);
    metadata.set(key, text);
  }
}

function parseTensor(name: string, value: unknown, fail: Fail): HeaderTensor {
  const tensor = `tensor ${shownName(name)}`;
  expectUnicode(name, tensor, fail);
  if (!isRecord(value)) {
    return fail('safetensors/bad-header', `${tensor} must be described by an object, found ${kindOf(value)}`);
  }
  const { dtype: storedDtype, shape: extents, data_offsets: offsets } = value;
  if (typeof storedDtype !== 'string') {
    return fail('safetensors/bad-header', `the dtype of ${tensor} must be a string, found ${kindOf(storedDtype)}`);
  }
  const dtype = dtypeOfStored(storedDtype);
  if (dtype === undefined) {
    return fail('safetensors/unsupported-dtype', `${tensor} has the unsupported type ${shownName(storedDtype)}`);
  }
  const shape = wholeNumbers(extents, MAX_RANK, `the shape of ${tensor}`, fail);
  const [begin, end] = wholeNumbers(offsets, 2, `data_offsets of ${tensor}`, fail);
  if (begin === undefined || end === undefined) {
    return fail('safetensors/bad-header', `data_offsets of ${tensor} must be two numbers`);
  }
  const described = `${storedDtype} of shape [${shape.join(', ')}]`;
  const byteLength = byteLengthOfShape(dtype, shape);
  if (byteLength === undefined) return fail('safetensors/overflow', `${tensor}, ${described}, exceeds 2^53 bytes`);
  if (end - begin !== byteLength) {
    const message = `${tensor} has ${end - begin} bytes, but ${described} takes ${byteLength}`;
    return fail('safetensors/size-mismatch', message);
  }
  return { name, dtype, shape, storedDtype, begin, end };
}

/** Half of a surrogate pair can be escaped in JSON, but there are no bytes for it. */
function expectUnicode(text: string, what: string, fail: Fail): void {
  if (/\p{Cs}/u.test(text)) fail('safetensors/bad-header', `${what} holds half of a surrogate pair`);
}

function wholeNumbers(value: unknown, most: number, what: string, fail: Fail): number[] {
  if (!Array.isArray(value)) return fail('safetensors/bad-header', `${what} must be a list, found ${kindOf(value)}`);
  if (value.length > most) {
    return fail('safetensors/bad-header', `${what} holds ${value.length} numbers, at most ${most} were expected`);
  }
  return value.map((item: unknown) => {
    if (typeof item !== 'number' || !Number.isInteger(item) || item < 0) {
      return fail('safetensors/bad-header', `${what} must hold whole numbers from 0, found ${kindOf(item)}`);
    }
    return item <= Number.MAX_SAFE_INTEGER ? item : fail('safetensors/overflow', `${what} holds a number beyond 2^53`);
  });
}

/** Bytes of a tensor; undefined where a number cannot hold them. */
function byteLengthOfShape(dtype: DType, shape: readonly number[]): number | undefined {
  let byteLength = blockLayout(dtype).blockBytes;
  for (const extent of shape) {
    byteLength *= extent;
    if (!Number.isSafeInteger(byteLength)) return undefined;
  }
  return byteLength;
}

function expectCoverage(tensors: readonly HeaderTensor[], dataLength: number, dataStart: number, fail: Fail): void {
  let covered = 0;
  for (const { name, begin, end } of tensors) {
    if (begin !== covered) {
      const fault = begin < covered ? 'overlaps the tensor before it' : 'leaves a hole before it';
      const message = `tensor ${shownName(name)} starts at byte ${begin} of the data and ${fault}, which ends at ${covered}`;
      fail('safetensors/bad-offsets', message, dataStart + begin);
    }
    covered = end;
  }
  if (covered > dataLength) {
    const message = `the header describes ${covered} bytes of tensors, but only ${dataLength} follow it`;
    fail(
      'safetensors/truncated',
      message,
      dataStart + dataLength,
      `${covered - dataLength} bytes are missing: ${AGAIN}`,
    );
  }
  if (covered < dataLength) {
    const message = `${dataLength - covered} bytes follow the last tensor, which ends at ${hexOffset(dataStart + covered)}`;
    const hint = `keep only the first ${dataStart + covered} bytes, or ${AGAIN}`;
    fail('safetensors/trailing-data', message, dataStart + covered, hint);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'number') return `the number ${value}`;
  return Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`;
}
