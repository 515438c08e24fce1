/**
 * Where the tests find the models of `fixtures/`, and what must come out of them.
 *
 * Not part of the package.
 *
 * @module
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder `fixtures/` of the project. */
export const FIXTURES = fileURLToPath(new URL('../../fixtures', import.meta.url));

/** Names of the text models, each with a folder and expected results. */
export const TEXT_MODELS = readdirSync(join(FIXTURES, 'models')).filter((name) =>
  existsSync(expectedPath(name, 'hf.json')),
);

/** Folder of a model as Meta lays it out. */
export function modelFolder(name: string): string {
  return name === 'llama3.2-tiny' ? join(FIXTURES, name) : join(FIXTURES, 'models', name);
}

/** A folder or file of `fixtures/fine-tunes/`. */
export function fineTune(name: string): string {
  return join(FIXTURES, 'fine-tunes', name);
}

/** Path of a file of expected results. */
export function expectedPath(name: string, file: string): string {
  return join(FIXTURES, 'models', name, 'expected', file);
}

/** Expected results that are JSON; the caller names their type. */
export function expectedJson<T>(name: string, file: string): T {
  return JSON.parse(readFileSync(expectedPath(name, file), 'utf8')) as T;
}

/** A NumPy file of little-endian float32 in C order. */
export function readNpy(path: string): { shape: number[]; data: Float32Array } {
  const bytes = readFileSync(path);
  const headerLength = bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, 10 + headerLength);
  const extents = /'shape': \(([^)]*)\)/.exec(header)?.[1] ?? '';
  const shape = extents
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  return { shape, data: new Float32Array(Uint8Array.from(bytes.subarray(10 + headerLength)).buffer) };
}
