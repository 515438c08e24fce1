/**
 * What a scan of one file has found so far, and what it may still spend.
 *
 * A file made to have a million faults, or to unpack to a million times its size, must not cost more than one that
 * has a few: everything that is kept and everything that is unpacked is counted here.
 *
 * @module
 */
import type { CheckpointError } from '../../errors.js';
import type { WalkBudget } from '../../pickle/walk.js';
import { type WalkLimits, walkLimitsFor } from '../../pickle/walk-limits.js';
import type { ReadOptions } from '../../source/byte-source.js';
import type { ScanFinding, ScanRule, ScannedPickle } from './scan-report.js';

/** Findings of one file that are kept; a person reads a few, and a program needs one. */
const MOST_FINDINGS = 1000;

/** Pickles of one file that are listed. */
const MOST_PICKLES = 10_000;

/** Bytes of deflated members that are unpacked whatever the size of the file, and for each of its bytes. */
const LEAST_UNPACKED = 2 ** 26;
const UNPACKED_PER_BYTE = 64;

/** Levels of files in files that are entered; a pickle in a byte string in a pickle in an archive is at level 2. */
const DEEPEST = 4;

/** Where the bytes at hand lie. */
export interface Place {
  /** Member, or member of a member; null for the file itself. */
  readonly member: string | null;
  /** Offset in that member of the first byte at hand. */
  readonly base: number;
  /** Offset in the file on disk of the first byte at hand; null where the bytes are packed there. */
  readonly fileBase: number | null;
  /** How many files this lies in. */
  readonly depth: number;
}

/** The file itself, from its first byte. */
export const WHOLE_FILE: Place = { member: null, base: 0, fileBase: 0, depth: 0 };

/** A part of the bytes at hand that belongs to the same member. */
export function placeAt(place: Place, offset: number): Place {
  const fileBase = place.fileBase === null ? null : place.fileBase + offset;
  return { ...place, base: place.base + offset, fileBase };
}

/** A file inside: a member, or a byte string. `fileBase` is where it begins in the file on disk, if it lies there as it is. */
export function placeInside(place: Place, name: string, fileBase: number | null): Place {
  const member = place.member === null ? name : `${place.member} : ${name}`;
  return { member, base: 0, fileBase, depth: place.depth + 1 };
}

/** Whether another file inside is still entered. */
export function isTooDeep({ depth }: Place): boolean {
  return depth >= DEEPEST;
}

/** What a finding is about, beside its place. */
export interface FindingDetails {
  /** Offset of the fault in the bytes at hand; the place itself where it is undefined. */
  readonly offset?: number | undefined;
  /** Opcode. */
  readonly opcode?: string;
  /** Class or function. */
  readonly name?: string;
  /** Code of the error behind it. */
  readonly code?: string;
}

/** Everything that scanning one file collects. */
export class Findings {
  readonly findings: ScanFinding[] = [];
  readonly pickles: ScannedPickle[] = [];
  readonly notes: string[] = [];
  leftOut = 0;
  /** What a walk through one of its pickles may remember. */
  readonly limits: WalkLimits;
  /** Opcodes that may still be walked. */
  readonly budget: WalkBudget;
  /** Names that the caller allows. */
  readonly allow: ReadonlySet<string>;
  /** For cancelling. */
  readonly options: ReadOptions;
  private unpackable: number;
  private readonly seen = new Set<string>();

  constructor(fileBytes: number, allow: ReadonlySet<string>, options: ReadOptions) {
    this.allow = allow;
    this.options = options;
    this.limits = walkLimitsFor(fileBytes);
    this.budget = { opcodes: this.limits.opcodes };
    this.unpackable = Math.max(LEAST_UNPACKED, UNPACKED_PER_BYTE * fileBytes);
  }

  /** Notes a finding. */
  add(rule: ScanRule, message: string, place: Place, details: FindingDetails = {}): void {
    const { offset = 0, opcode = null, name = null, code = null } = details;
    const finding: ScanFinding = {
      ...{ rule, message, member: place.member, offset: place.base + offset },
      ...{ fileOffset: place.fileBase === null ? null : place.fileBase + offset, opcode, name, code },
    };
    if (!this.isNew([rule, finding.member, finding.offset, opcode, name, message])) return;
    if (this.findings.length < MOST_FINDINGS) this.findings.push(finding);
    else this.leftOut++;
  }

  /** Notes an error of a reader as a finding; its offset counts in the file it was read from. */
  addError(rule: ScanRule, error: CheckpointError, place: Place, offset = error.offset): void {
    this.add(rule, error.message, place, { offset, code: error.code });
  }

  /** Notes a pickle that was walked. */
  addPickle(pickle: ScannedPickle): void {
    if (!this.isNew(['pickle', pickle.member, pickle.offset])) return;
    if (this.pickles.length < MOST_PICKLES) this.pickles.push(pickle);
    else this.leftOut++;
  }

  /** Whether so many bytes may still be unpacked; then they are counted. */
  mayUnpack(byteLength: number): boolean {
    if (byteLength > this.unpackable) return false;
    this.unpackable -= byteLength;
    return true;
  }

  /** Bytes that belong to two formats are scanned as both, and what is found twice is told once. */
  private isNew(identity: readonly unknown[]): boolean {
    const key = JSON.stringify(identity);
    if (this.seen.has(key)) return false;
    if (this.seen.size < MOST_FINDINGS + MOST_PICKLES) this.seen.add(key);
    return true;
  }
}
