/**
 * A JSON file that holds an object.
 *
 * @module
 */
import { LlamaError } from './model.js';

/** A JSON object whose values have not been looked at. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Parses it. @throws LlamaError `llama/bad-config` */
export function parseJsonObject(text: string, path: string): JsonObject {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as JsonObject;
  } catch (cause) {
    throw new LlamaError('llama/bad-config', `this is not valid JSON: ${(cause as Error).message}`, { path, cause });
  }
  throw new LlamaError('llama/bad-config', 'a JSON object was expected', { path });
}
