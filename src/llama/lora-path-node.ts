/**
 * LoRA adapters at paths. One of the few modules that know Node.
 *
 * @module
 */
import { openFolderPath } from '../source/open-path-node.js';
import { type LoraAdapter, openLora } from './lora.js';

/** Some opened adapters. */
export interface LoraAdapters {
  /** The adapters, in the order of their paths. */
  readonly all: readonly LoraAdapter[];
  /** Closes all of them. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Opens adapters, given the paths of their folders. @throws SourceError `source/not-found`, and those of {@link openLora} */
export async function openLoras(paths: readonly string[]): Promise<LoraAdapters> {
  const all: LoraAdapter[] = [];
  const close = async (): Promise<void> => {
    for (const adapter of all) await adapter.close();
  };
  try {
    for (const path of paths) all.push(await openLora((await openFolderPath(path)).folder));
    return { all, [Symbol.asyncDispose]: close };
  } catch (cause) {
    await close();
    throw cause;
  }
}
