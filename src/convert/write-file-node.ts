/**
 * One small file that appears whole or not at all. One of the few modules that know Node.
 *
 * @module
 */
import { basename, dirname } from 'node:path';

import { type DirectoryOutputOptions, directoryOutput } from './directory-output.js';

/**
 * Writes a file under a temporary name and renames it when it is complete.
 *
 * @throws ConvertError `convert/exists` unless `force`, `convert/no-space`, `convert/not-writable`,
 *   `convert/write-failed`; then nothing is left behind
 */
export async function writeFileWhole(
  path: string,
  bytes: Uint8Array,
  options: DirectoryOutputOptions = {},
): Promise<void> {
  const output = directoryOutput(dirname(path), options);
  const name = basename(path);
  try {
    await output.prepare([{ name, byteLength: bytes.byteLength }]);
    const sink = await output.create(name);
    await sink.write(bytes);
    await output.commit();
  } catch (cause) {
    await output.discard();
    throw cause;
  }
}
