/**
 * Where a conversion writes: a set of files, none of which appears before all of them are complete.
 *
 * @module
 */
import type { ByteSink } from '../source/byte-sink.js';
import { ConvertError } from './plan.js';

/** A set of output files. Nothing is visible under its final name before `commit`. */
export interface Output {
  /** What a person calls it. */
  readonly name: string;
  /**
   * Makes sure that all files can be written, before the first byte.
   *
   * @throws ConvertError `convert/exists`, `convert/no-space`, `convert/not-writable`
   */
  prepare(files: readonly { readonly name: string; readonly byteLength: number }[]): Promise<void>;
  /** Begins a file; the one before it is complete. @throws ConvertError `convert/write-failed` */
  create(name: string): Promise<ByteSink>;
  /**
   * Makes all files visible under their names, one after another: where this fails, some may be visible.
   *
   * @throws ConvertError `convert/write-failed`
   */
  commit(): Promise<void>;
  /** Removes everything that was begun and is not visible yet; never throws, harmless after `commit`. */
  discard(): Promise<void>;
}

/** An output in memory: `files` holds the result after `commit`. Peak memory: the whole output. */
export interface MemoryOutput extends Output {
  /** The files by name; empty before `commit`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** An {@link Output} in memory, for browsers and tests. */
export function memoryOutput(name = 'output in memory'): MemoryOutput {
  const files = new Map<string, Uint8Array>();
  let begun = new Map<string, { bytes: Uint8Array; position: number }>();
  let sizes = new Map<string, number>();
  return {
    name,
    files,
    prepare: async (planned) => {
      sizes = new Map(planned.map((file) => [file.name, file.byteLength]));
    },
    create: async (file) => {
      const state = { bytes: new Uint8Array(sizes.get(file) ?? 0), position: 0 };
      begun.set(file, state);
      return {
        get position() {
          return state.position;
        },
        write: async (bytes) => {
          if (state.position + bytes.byteLength > state.bytes.byteLength) {
            throw new ConvertError(
              'convert/wrong-length',
              `more bytes came than the ${state.bytes.byteLength} planned`,
              {
                path: file,
              },
            );
          }
          state.bytes.set(bytes, state.position);
          state.position += bytes.byteLength;
        },
      };
    },
    commit: async () => {
      for (const [file, { bytes }] of begun) files.set(file, bytes);
      begun = new Map();
    },
    discard: async () => {
      begun = new Map();
    },
  };
}
