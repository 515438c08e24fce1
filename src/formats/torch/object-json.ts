/**
 * The whole object in a file of PyTorch's, as JSON that any program can read and compare.
 *
 * Every value that a pickle can hold has one form, classes that are not known are told by their name,
 * arguments and state, and tensors by rows beside the object. Nothing of the pickle is run, and no weights
 * are read.
 *
 * @module
 */
import { hexOf } from '../../source/hex.js';
import type { LeafWriter, Sha256 } from './object-leaves.js';
import { ObjectWriter } from './object-writer.js';
import type { ObjectJson } from './tagged-json.js';
import type { TorchFile } from './torch-file.js';
import { isInterpreted, presentName } from './torch-names.js';

/** How an object is written as JSON. */
export interface ObjectJsonOptions {
  /** SHA-256 in place of the browser's, which pages that are not served over HTTPS do not have. */
  readonly sha256?: Sha256 | undefined;
}

/**
 * The object in a file of PyTorch's as JSON. NumPy's arrays and long bytes that stand in the pickle are told
 * by their hash. Reads nothing from the file; takes time and memory in proportion to the object as a tree.
 *
 * @throws TorchError `torch/too-large` for an object of more than 4 million values, or of 1,000 levels
 * @throws PickleError `pickle/unhashable` for a dictionary that Python could not build
 */
export async function objectAsJson(file: TorchFile, options: ObjectJsonOptions = {}): Promise<ObjectJson> {
  const writer = new ObjectWriter(file);
  const root = writer.write();
  await finish(writer.leaves, options);
  const globals = [...new Set(file.globals.map(presentName))].sort();
  return {
    ...{ root, tensors: writer.tensors.rows, storages: writer.tensors.storages.rows(), globals },
    opaque_classes: globals.filter((name) => !isInterpreted(name)),
  };
}

async function finish(leaves: LeafWriter, { sha256 }: ObjectJsonOptions): Promise<void> {
  await leaves.finish(sha256 ?? webSha256);
}

/** The browser's own; Node has the same. */
async function webSha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes));
  return hexOf(new Uint8Array(digest));
}
