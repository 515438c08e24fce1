/**
 * The record that a part of a conversion leaves beside its files until all parts are there.
 *
 * It says of which conversion the part is, and what only the process that wrote the files knows without reading them again:
 * their hashes, and the fingerprints of their tensors. It ends with spaces, as its size is told before its content is known.
 *
 * @module
 */
import { type DType, isDType } from '../dtype.js';
import { canonicalJson } from '../integrity/canonical-json.js';
import type { TensorFingerprint } from '../integrity/fingerprint-tensor.js';
import { isSha256 } from '../integrity/lock-shape.js';
import { formsOf } from '../integrity/narrowest-form.js';
import { isJsonObject } from '../llama/json-object.js';
import { isPossiblePart } from './parts.js';
import { type ConversionIdentity, type ConversionPart, ConvertError } from './plan.js';

/** A file that a part wrote. */
export interface RecordedFile {
  /** Its name. */
  readonly name: string;
  /** Its size in bytes. */
  readonly byteLength: number;
  /** SHA-256 in lower-case hexadecimal; null where there is no lock file to tell it. */
  readonly sha256: string | null;
  /** MD5 in lower-case hexadecimal; null where no checklist tells it. */
  readonly md5: string | null;
}

/** What a part wrote. */
export interface PartRecord {
  /** The part. */
  readonly part: ConversionPart;
  /** Of which conversion. */
  readonly identity: ConversionIdentity;
  /** Its files, in writing order. */
  readonly files: readonly RecordedFile[];
  /** Tensors that it wrote, or read for the lock file; none without a lock file. */
  readonly tensors: readonly Pick<TensorFingerprint, 'name' | 'dtype' | 'sha256'>[];
}

/** What tells a record from other JSON, and from records of other versions. */
const RECORD_TYPE = 'https://llama-inspect.dev/part/v1';

/**
 * Name of the record of a part: `llama-inspect.part-00002-of-00008.json` in a folder, with the name of the output before it
 * beside a GGUF file.
 */
export function recordNameOf({ number, count }: ConversionPart, fileName: string | undefined): string {
  const five = (value: number): string => String(value).padStart(5, '0');
  return `${prefixOf(fileName)}${five(number)}-of-${five(count)}.json`;
}

/** Whether a file beside that output has the name of a record. */
export function isRecordName(name: string, fileName: string | undefined): boolean {
  const prefix = prefixOf(fileName);
  return name.startsWith(prefix) && /^\d{5}-of-\d{5}\.json$/.test(name.slice(prefix.length));
}

function prefixOf(fileName: string | undefined): string {
  return `${fileName === undefined ? '' : `${fileName}.`}llama-inspect.part-`;
}

/** The bytes of a record. */
export function formatPartRecord({ part, identity, files, tensors }: PartRecord): Uint8Array {
  const { tool, options, source, plan } = identity;
  const lists = { files: files.map((file) => ({ ...file })), tensors: tensors.map((tensor) => ({ ...tensor })) };
  const json = canonicalJson({ type: RECORD_TYPE, part: { ...part }, tool, options, source, plan, ...lists });
  return new TextEncoder().encode(`${json}\n`);
}

/** A record as long as those bytes at most, with spaces before its line end. */
export function paddedRecord(record: PartRecord, byteLength: number): Uint8Array {
  const bytes = new Uint8Array(byteLength).fill(0x20);
  bytes.set(formatPartRecord(record).subarray(0, -1));
  bytes[byteLength - 1] = 0x0a;
  return bytes;
}

/** The longest name of a type as which a tensor may be fingerprinted that is written as this one or was stored as that. */
export function longestForm(writtenAs: DType, storedAs: DType): DType {
  const forms = [...formsOf(writtenAs), ...formsOf(storedAs)];
  return forms.reduce((longest, form) => (form.length > longest.length ? form : longest));
}

/**
 * Reads a record, which another program may have written or changed. What it says of files and tensors is not compared
 * with any plan here.
 *
 * @throws ConvertError `convert/part-damaged`
 */
export function parsePartRecord(bytes: Uint8Array, path: string): PartRecord {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw damaged(`this is no record of a part: ${(cause as Error).message}`, path);
  }
  if (!isJsonObject(json) || json['type'] !== RECORD_TYPE) {
    throw damaged(`this is no record of a part as this version writes them (${RECORD_TYPE})`, path);
  }
  const { part, tool, options, source, plan, files, tensors } = json;
  if (!isPart(part)) throw damaged('the record says of no part', path);
  if (typeof tool !== 'string' || !isJsonObject(options) || !isSha256(source) || !isSha256(plan)) {
    throw damaged('the record does not say of which conversion it is', path);
  }
  if (!isListOf(files, isFile)) throw damaged('the record has no list of files as it should', path);
  if (!isListOf(tensors, isTensor)) throw damaged('the record has no list of tensors as it should', path);
  // JSON.parse gives nothing that JSON cannot say
  return { part, identity: { tool, options: options as ConversionIdentity['options'], source, plan }, files, tensors };
}

function damaged(message: string, path: string): ConvertError {
  return new ConvertError('convert/part-damaged', message, { path, hint: 'remove it and run its part again' });
}

function isPart(value: unknown): value is ConversionPart {
  if (!isJsonObject(value)) return false;
  const { number, count } = value;
  return typeof number === 'number' && typeof count === 'number' && isPossiblePart({ number, count });
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isListOf<T>(value: unknown, is: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.every((item: unknown) => is(item));
}

function isFile(value: unknown): value is RecordedFile {
  if (!isJsonObject(value)) return false;
  const { name, byteLength, sha256, md5 } = value;
  const isMd5 = md5 === null || (typeof md5 === 'string' && /^[0-9a-f]{32}$/.test(md5));
  return typeof name === 'string' && isCount(byteLength) && (sha256 === null || isSha256(sha256)) && isMd5;
}

function isTensor(value: unknown): value is PartRecord['tensors'][number] {
  if (!isJsonObject(value)) return false;
  const { name, dtype, sha256 } = value;
  return typeof name === 'string' && typeof dtype === 'string' && isDType(dtype) && isSha256(sha256);
}
