/**
 * What verifying the files of a folder against its lists found: plain data, for a report and for a program.
 *
 * Names come from lists and folders that strangers made; whoever prints them must escape control characters.
 *
 * @module
 */
import type { LineProblem } from './checklist.js';
import type { Condition } from './condition.js';
import type { HashAlgorithm } from './hash.js';

/** Where a file lies: in the folder itself, or in its parent, where Llama 1 and 2 keep the tokenizer. */
export type Place = 'folder' | 'parent';

/**
 * The verdict on the files: `intact` when every part of the checkpoint is listed and has the hash of the list,
 * `failed` when something is wrong, `unproven` when nothing is wrong but not all could be checked.
 */
export type FilesVerdict = 'intact' | 'failed' | 'unproven';

/** A list that was found. */
export interface ListReport {
  /** Where it lies. */
  readonly place: Place;
  /** Its file name. */
  readonly name: string;
  /** `read` when it lists something, `empty` when it lists nothing, `unusable` when it is no list at all. */
  readonly status: 'read' | 'empty' | 'unusable';
  /** Number of files that it lists. */
  readonly entryCount: number;
  /** Lines that could not be used. */
  readonly problems: readonly LineProblem[];
  /** Why it is unusable. */
  readonly condition: Condition | null;
}

/** What became of a listed file. */
export type FileStatus = 'ok' | 'mismatch' | 'missing' | 'unreadable';

/** A file that a list names. */
export interface ListedFile {
  /** Where it lies, or should lie. */
  readonly place: Place;
  /** Its name there. */
  readonly name: string;
  /** The list that names it, or `registry of releases`. */
  readonly list: string;
  /** Line of that list, or place in the subject of a lock file, from 1; 0 for the registry. */
  readonly line: number;
  /** Hash function. */
  readonly algorithm: HashAlgorithm;
  /** Hash of the list, in lower-case hexadecimal. */
  readonly expected: string;
  /** Hash of the file; null when it is missing or unreadable. */
  readonly found: string | null;
  /** Size in bytes; null when it is missing or unreadable. */
  readonly size: number | null;
  /** Result. */
  readonly status: FileStatus;
  /** What is wrong with the file; null when it is `ok` or `missing`. */
  readonly condition: Condition | null;
}

/** What a file that no list names is for: part of Meta's layout, weights of another layout, or neither. */
export type FileRole = 'checkpoint' | 'weights' | 'other';

/** A file of the folder that no list names. */
export interface UnlistedFile {
  /** Its name. */
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /** What it is for. */
  readonly role: FileRole;
  /** What is visibly wrong with it; null when nothing is, and for role `other`, which is not looked at. */
  readonly condition: Condition | null;
}

/** A part that the verdict says nothing about. */
export interface NotCovered {
  /** Where it lies, or should lie. */
  readonly place: Place;
  /** Its name. */
  readonly name: string;
  /** Why: there is no usable list, no list names it, the line that does is broken, or it cannot be read. */
  readonly reason: 'no-list' | 'not-listed' | 'bad-line' | 'unreadable';
}

/** A size that is known for a file, and the size that it has. */
export interface KnownSize {
  /** The file. */
  readonly name: string;
  /** Size of the published file, in bytes. */
  readonly expected: number;
  /** Size of this one, in bytes. */
  readonly found: number;
}

/** A release of Meta's that the folder was held against. */
export interface KnownRelease {
  /** Its name. */
  readonly release: string;
  /**
   * Why this one: the folder is called so, its `params.json` is that of the release, or its `checklist.chk` is the very
   * list that was published with it.
   */
  readonly by: 'name' | 'params.json' | 'checklist.chk';
  /** Sizes that are known. */
  readonly sizes: readonly KnownSize[];
  /** Where the hashes and sizes come from, each with its evidence. */
  readonly sources: readonly string[];
}

/** Everything found. */
export interface FilesReport {
  /** The verdict on the files; only `intact` is a success. */
  readonly verdict: FilesVerdict;
  /** Whether any list names any file: without one nothing is proven. */
  readonly listFound: boolean;
  /** The lists, those of the folder first. */
  readonly lists: readonly ListReport[];
  /** The release in the registry that the folder was held against; null when there is none. */
  readonly known: KnownRelease | null;
  /** Files that the lists name, in their order; where no list names the weights, those that the registry knows. */
  readonly files: readonly ListedFile[];
  /** Files of the folder that no list names, by name. */
  readonly unlisted: readonly UnlistedFile[];
  /** Parts of the checkpoint that were not checked. */
  readonly notCovered: readonly NotCovered[];
}
