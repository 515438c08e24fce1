/**
 * What goes into a GGUF file, before it has a layout.
 *
 * @module
 */
import { elementCount } from '../dtype.js';
import type { GgufMetadataEntry } from '../formats/gguf/plan.js';
import type { Tensor } from '../formats/tensor.js';
import type { LooseTensor } from './cast.js';
import type { PlannedKind } from './plan.js';

/** What a GGUF file is to hold, and what it is called. */
export interface GgufFileContent extends Omit<PlannedKind, 'files'> {
  /** Its pairs, in order. */
  readonly metadata: readonly GgufMetadataEntry[];
  /** Its tensors, in order. */
  readonly tensors: readonly LooseTensor[];
}

/** A tensor that goes into a GGUF file, not yet cast. */
export interface GgufSourceTensor {
  /** Its name in GGUF. */
  readonly name: string;
  /** Its canonical name; undefined for one that is computed. */
  readonly from: string | undefined;
  /** Its rows. */
  readonly tensor: Tensor;
}

/** Number of elements of all tensors, by which llama.cpp's converter names the size. */
export function parametersOf(sources: readonly GgufSourceTensor[]): number {
  return sources.reduce((sum, { tensor }) => sum + elementCount(tensor.shape), 0);
}
