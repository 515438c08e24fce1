/**
 * The zoo of checkpoints in `fixtures/zoo`, and what PyTorch itself says each of them holds.
 *
 * Not part of the package.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { TaggedJson } from '../formats/torch/tagged-json.js';
import { FIXTURES } from './fixtures.js';

/** Folder of the zoo. */
export const ZOO = join(FIXTURES, 'zoo');

/** A tensor as PyTorch read it. */
export interface ZooTensor {
  readonly name: string;
  readonly path: readonly TaggedJson[];
  readonly kind: string;
  readonly dtype: string;
  readonly sha256?: string;
  readonly sha256_unresolved?: string;
  readonly nbytes?: number;
  readonly first?: readonly TaggedJson[];
  readonly storage?: number | null;
  readonly shape?: readonly number[];
  readonly stride?: readonly number[];
  readonly storage_offset?: number;
  readonly requires_grad: boolean;
  readonly is_parameter: boolean;
  readonly python_type?: string;
}

/** A storage as PyTorch read it. */
export interface ZooStorage {
  readonly id: number;
  readonly key: string;
  readonly sha256: string;
}

/** A file of the zoo. */
export interface ZooFile {
  readonly file: string;
  readonly format: string;
  readonly outcome: 'read' | 'refuse' | 'either';
  readonly reason?: { readonly mention: readonly string[] };
  readonly archive?: Readonly<Record<string, string | number>>;
  readonly root?: TaggedJson;
  readonly tensors?: readonly ZooTensor[];
  readonly storages?: readonly ZooStorage[];
  readonly globals?: readonly string[];
  readonly truth?: 'torch' | 'writer';
  readonly opaque_classes?: readonly string[];
  readonly state_dict?: readonly unknown[];
}

/** All files of the zoo. */
export const ZOO_FILES = (JSON.parse(readFileSync(join(ZOO, 'expected.json'), 'utf8')) as { files: ZooFile[] }).files;
