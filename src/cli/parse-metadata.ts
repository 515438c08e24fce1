/**
 * Values for the metadata of a GGUF file on the command line.
 *
 * @module
 */
import { InvalidArgumentError } from 'commander';

import { type MetadataOverride, parseMetadataOverride } from '../convert/metadata-overrides.js';

/** The values so far and one more, `key=value` or `key:type=value`. @throws InvalidArgumentError */
export function collectMetadata(text: string, overrides: readonly MetadataOverride[] = []): MetadataOverride[] {
  try {
    return [...overrides, parseMetadataOverride(text)];
  } catch {
    throw new InvalidArgumentError('A pair was expected, such as general.author=Meta or my.number:u32=7.');
  }
}
