/**
 * What a scan found, as plain data.
 *
 * A scan answers one question: what would run if Python loaded this? Everything that is not known to be harmless
 * is a finding, and so is everything that makes two readers see two different files. What is absent is null, so
 * that the report is its own JSON.
 *
 * @module
 */
import type { GlobalClass } from '../../pickle/verdicts.js';

/**
 * Kinds of finding.
 *
 * - `dangerous-global`: a class or function that can run code, read files, open the network or import
 * - `unknown-global`: one that is on no list, and so may do anything
 * - `unnamed-global`: one whose name is computed, or cannot be followed
 * - `extension`: one by its number in `copyreg`'s registry, which only the writer's program knows
 * - `computed-call`: a call of something that was not imported by name
 * - `changed-class`: a BUILD that sets attributes of a class or function itself
 * - `unsafe-use`: an allowed name used as no pickler uses it, in a way that can run code
 * - `broken-pickle`: a pickle that Python runs up to the fault and no further
 * - `bytes-after-pickle`: more bytes, or more pickles, behind the STOP of a pickle
 * - `code`: program code that runs when the file is imported or its model is called
 * - `archive-structure`: an archive that two programs may read differently, or that cannot be read
 * - `member-name`: a member whose name leads out of a folder or cannot be a file's
 * - `bytes-before`, `bytes-after`: bytes that belong to none of the file's parts
 * - `second-format`: a file that is two formats at once
 * - `bad-structure`: a file of tensors that does not keep to its format
 * - `not-scanned`: a part that was not looked into, with the reason
 */
export type ScanRule =
  | 'dangerous-global'
  | 'unknown-global'
  | 'unnamed-global'
  | 'extension'
  | 'computed-call'
  | 'changed-class'
  | 'unsafe-use'
  | 'broken-pickle'
  | 'bytes-after-pickle'
  | 'code'
  | 'archive-structure'
  | 'member-name'
  | 'bytes-before'
  | 'bytes-after'
  | 'second-format'
  | 'bad-structure'
  | 'not-scanned';

/** `clean`: nothing was found; `findings`: something was; `unreadable`: it could not be looked into. */
export type ScanVerdict = 'clean' | 'findings' | 'unreadable';

/** One thing that a person should decide about. */
export interface ScanFinding {
  /** What kind of thing it is. */
  readonly rule: ScanRule;
  /** One sentence: what was found. */
  readonly message: string;
  /** Where in the file: a member, a member of a member; null for the file itself. */
  readonly member: string | null;
  /** Byte offset in that member, or in the file. */
  readonly offset: number | null;
  /** Byte offset in the file on disk; null where the bytes are packed there. */
  readonly fileOffset: number | null;
  /** Opcode of a pickle. */
  readonly opcode: string | null;
  /** `module.name` of a class or function, as written. */
  readonly name: string | null;
  /** Code of the error that a reader would give; see `docs/errors.md`. */
  readonly code: string | null;
}

/** A class or function that a pickle names. */
export interface ScannedGlobal {
  /** `module.name`, as written. */
  readonly name: string;
  /** Its class. */
  readonly class: GlobalClass;
  /** Why it is of that class, or what it can do. */
  readonly reason: string;
  /** Whether `torch.load(weights_only=True)` accepts it without being told. */
  readonly weightsOnly: boolean;
  /** Whether the caller's own list allows it. */
  readonly allowed: boolean;
  /** Opcode that names it first. */
  readonly opcode: string;
  /** Byte offset of that opcode in the member. */
  readonly offset: number;
  /** How often it is named. */
  readonly count: number;
  /** How often it is called. */
  readonly calls: number;
  /** Its first call; null where it is only named. */
  readonly firstCall: ScannedCall | null;
}

/** A call, which Python would make. */
export interface ScannedCall {
  /** Opcode that calls. */
  readonly opcode: string;
  /** Byte offset of that opcode in the member. */
  readonly offset: number;
}

/** A pickle that was walked through. */
export interface ScannedPickle {
  /** Member in which it lies; null for the file itself. */
  readonly member: string | null;
  /** Byte offset of its first opcode in the member. */
  readonly offset: number;
  /** Its bytes, as far as they could be followed. */
  readonly byteLength: number;
  /** Highest protocol that it names. */
  readonly protocol: number;
  /** Every class and function it names, in order, each once. */
  readonly globals: readonly ScannedGlobal[];
}

/** What a file turned out to be. */
export type ScannedFormat =
  | 'torch'
  | 'torch-legacy'
  | 'torch-tar'
  | 'torchscript'
  | 'torch-package'
  | 'exported-program'
  | 'zip'
  | 'tar'
  | 'pickle'
  | 'npy'
  | 'safetensors'
  | 'gguf'
  | 'unknown';

/** Why a file could not be looked into. */
export interface ScanError {
  /** Stable code. */
  readonly code: string;
  /** One sentence. */
  readonly message: string;
  /** Byte offset. */
  readonly offset: number | null;
  /** What to do. */
  readonly hint: string | null;
}

/** A file that was scanned. */
export interface ScannedFile {
  /** Its path, as seen from the folder that was scanned. */
  readonly path: string;
  /** Its size in bytes. */
  readonly size: number;
  /** What it is. */
  readonly format: ScannedFormat;
  /** Verdict on this file. */
  readonly verdict: ScanVerdict;
  /** Why it is unreadable, where it is. */
  readonly error: ScanError | null;
  /** What was found, in the order of the bytes. */
  readonly findings: readonly ScanFinding[];
  /** Findings beyond those listed. */
  readonly findingsLeftOut: number;
  /** Its pickles. */
  readonly pickles: readonly ScannedPickle[];
  /** What a person should know although it is no finding. */
  readonly notes: readonly string[];
}

/** A file that holds nothing that a scan looks for: text, a tokenizer. */
export interface UnscannedFile {
  /** Its path, as seen from the folder that was scanned. */
  readonly path: string;
  /** What it is, a noun phrase. */
  readonly what: string;
}

/** Everything that a scan found. */
export interface ScanReport {
  /** The file or folder. */
  readonly path: string;
  /** The worst of the files' verdicts; `unreadable` also where there was nothing to scan. */
  readonly verdict: ScanVerdict;
  /** Names that the caller allowed, `module.name`. */
  readonly allow: readonly string[];
  /** Files that were scanned, by path. */
  readonly files: readonly ScannedFile[];
  /** Files that were not. */
  readonly others: readonly UnscannedFile[];
  /** What a person should know about the folder. */
  readonly notes: readonly string[];
}
