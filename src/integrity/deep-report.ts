/**
 * What looking at every byte of the weights found: plain data, for a report and for a program.
 *
 * Names come from files that strangers made; whoever prints them must escape control characters.
 *
 * @module
 */
import type { CheckpointError } from '../errors.js';
import type { NumberCounts } from '../quant/number-tally.js';

/** The numbers of one tensor. */
export interface TensorNumbers extends NumberCounts {
  /** Name as in the file. */
  readonly name: string;
  /** Type in the file's own spelling. */
  readonly dtype: string;
  /** Extents in PyTorch's order. */
  readonly shape: readonly number[];
}

/** A tensor whose numbers were not looked at. */
export interface SkippedTensor {
  /** Name as in the file. */
  readonly name: string;
  /**
   * Why: it has no numbers of its own, as sparse tensors and those without data; its bytes cannot be read, which is
   * then the fault of a member; or it is one of so many views of the same bytes that looking at each would not end.
   */
  readonly reason: 'no-numbers' | 'unreadable' | 'too-many-views';
}

/** A member of an archive in which something is wrong. */
export interface DamagedMember {
  /** Its name in the archive. */
  readonly name: string;
  /** `checksum` when its bytes do not have the checksum that the archive states, else `unreadable`. */
  readonly fault: 'checksum' | 'unreadable';
  /** CRC-32 that the archive states, in hexadecimal. */
  readonly expected: string;
  /** CRC-32 of its bytes; null when they cannot be read. */
  readonly found: string | null;
  /** Why it cannot be read. */
  readonly error: CheckpointError | undefined;
  /** Names of the tensors that lie in it. */
  readonly tensors: readonly string[];
}

/** The members of an archive, each held against its checksum. */
export interface MembersReport {
  /** How many there are. */
  readonly count: number;
  /** How many of them have no checksum, because their writer left it out: damage in these would not be seen. */
  readonly withoutChecksum: number;
  /** Those in which something is wrong, in the order of the file. */
  readonly damaged: readonly DamagedMember[];
}

/** What was found in a file of tensors. */
export interface FileFindings {
  /** The members; undefined for files that are no archive. */
  readonly members: MembersReport | undefined;
  /** The numbers of each tensor, in the order of the file; two names of the same bytes are two tensors here. */
  readonly tensors: readonly TensorNumbers[];
  /** Tensors that were not looked at. */
  readonly skipped: readonly SkippedTensor[];
  /** Why the file, or its list of tensors, could not be read to the end. */
  readonly error: CheckpointError | undefined;
}

/** One file of tensors. */
export interface DeepFile extends FileFindings {
  /** Its name in the folder. */
  readonly name: string;
}

/** Everything that was found. */
export interface DeepReport {
  /** `failed` when a file cannot be read, a member is damaged, or a tensor holds NaN or infinity; else `sound`. */
  readonly verdict: 'sound' | 'failed';
  /** The files of tensors, by name. */
  readonly files: readonly DeepFile[];
}

/** Whether a tensor holds what is no number. */
export function isSpecial({ nan, infinite }: NumberCounts): boolean {
  return nan > 0 || infinite > 0;
}
