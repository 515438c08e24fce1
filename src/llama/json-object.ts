/**
 * JSON files of a checkpoint, which are often something else: an error page, or a pointer of Git LFS.
 *
 * @module
 */
import type { CheckpointError } from '../errors.js';
import { HEAD_BYTES, identifyBytes } from '../source/identify.js';
import { describeMistake } from '../source/mistake.js';
import { LlamaError, type LlamaErrorCode } from './model.js';
import { lastPathPart } from './model-name.js';

/** A JSON object whose values have not been looked at. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The object in a JSON file.
 *
 * @param code - of the error where there is none
 * @throws SourceError `source/html-page` and its kin; LlamaError of that code
 */
export function parseJsonObject(text: string, path: string, code: LlamaErrorCode): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw notJson(new TextEncoder().encode(text), cause, path, code);
  }
  if (isJsonObject(json)) return json;
  throw new LlamaError(code, 'a JSON object was expected', { path });
}

/** Whether a value of JSON is an object. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The error for bytes that could not be parsed: what they are, or else why they are no JSON. */
export function notJson(bytes: Uint8Array, cause: unknown, path: string, code: LlamaErrorCode): CheckpointError {
  const identification = identifyBytes(bytes.subarray(0, HEAD_BYTES), bytes.byteLength);
  if (!['json', 'text', 'unknown'].includes(identification.kind)) {
    return describeMistake(identification, lastPathPart(path), path);
  }
  return new LlamaError(code, `this is not valid JSON: ${(cause as Error).message}`, { path, cause });
}
