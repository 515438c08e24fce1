/**
 * How much a pickle may cost.
 *
 * The machine takes time and memory in proportion to the bytes it reads, but the factor is large: one
 * byte makes a list of about a hundred, and a deflated member of 2 kB may unpack to a megabyte of such bytes.
 * The caps keep the worst short pickle below 256 MB and two seconds (`npm run fuzz` measures), and lie far above any
 * ordinary checkpoint: a state dict of 10,000 tensors is 1.2 MB, 360,000 values and 80,000 objects. A pickle that
 * takes many megabytes in its file may hold more, in proportion: 65,600 tensors are 8 MB.
 *
 * @module
 */

/** Caps on one pickle; see the constants for the reason of each. */
export interface PickleLimits {
  /** Longest pickle, in bytes; default `MAX_PICKLE_BYTES`. */
  readonly bytes: number;
  /** Most values pushed; default `MAX_PICKLE_VALUES`, at most 2^24 - 1. */
  readonly values: number;
  /** Most containers and objects made; default `MAX_PICKLE_OBJECTS`. */
  readonly objects: number;
  /** Most values on the stack at once; default `MAX_PICKLE_STACK`. */
  readonly stack: number;
  /** Most marks open at once; default `MAX_PICKLE_MARKS`. */
  readonly marks: number;
  /** Most memo slots in use; default `MAX_PICKLE_MEMO`, at most 2^24 - 1. */
  readonly memo: number;
  /** Longest binary integer, in bytes; default `MAX_PICKLE_INTEGER_BYTES`. */
  readonly integerBytes: number;
  /** Longest string, in bytes; default and ceiling `MAX_PICKLE_STRING_BYTES`. */
  readonly stringBytes: number;
}

/** 32 MiB: a pickle is held in memory whole, and the largest `data.pkl` of a released model has a few MB. */
const MAX_PICKLE_BYTES = 2 ** 25;

/** 1,048,576: three times what 10,000 tensors take; a float takes some 100 bytes. */
const MAX_PICKLE_VALUES = 2 ** 20;

/** 262,144: three times what 10,000 tensors take; dictionaries of one entry, the dearest, take 400 bytes each. */
const MAX_PICKLE_OBJECTS = 2 ** 18;

/** 524,288: a tuple's items all lie on the stack at once; lists and dictionaries are written by the thousand. */
const MAX_PICKLE_STACK = 2 ** 19;

/** 262,144: Python writes one mark for each open container and stops near 1,000 levels itself. */
const MAX_PICKLE_MARKS = 2 ** 18;

/** 1,048,576: one slot for each value at most; no pickler writes more. */
const MAX_PICKLE_MEMO = 2 ** 20;

/** 16 KiB: 39,000 decimal digits; more has no use in a checkpoint, and printing it takes quadratic time. */
const MAX_PICKLE_INTEGER_BYTES = 2 ** 14;

/** 256 MiB: every engine's strings can be as long as that, V8's at most twice as long. */
const MAX_PICKLE_STRING_BYTES = 2 ** 28;

/** 16,777,215: what a JavaScript Map holds at most. Values may become its keys and memo slots its entries. */
const LARGEST_MAP = 2 ** 24 - 1;

/** Digits of an integer written as text: CPython itself refuses more (`sys.set_int_max_str_digits`). */
export const MAX_PICKLE_DECIMAL_DIGITS = 4300;

/** What holds when nothing else is asked for. */
export const DEFAULT_PICKLE_LIMITS: PickleLimits = {
  bytes: MAX_PICKLE_BYTES,
  values: MAX_PICKLE_VALUES,
  objects: MAX_PICKLE_OBJECTS,
  stack: MAX_PICKLE_STACK,
  marks: MAX_PICKLE_MARKS,
  memo: MAX_PICKLE_MEMO,
  integerBytes: MAX_PICKLE_INTEGER_BYTES,
  stringBytes: MAX_PICKLE_STRING_BYTES,
};

/**
 * The caps on a pickle that takes so many bytes in its file: the defaults, and for a long pickle more, as many values,
 * containers and objects as honest ones of that length have. What counts is what the file spends, so that packing a
 * pickle buys nothing. The worst pickle takes some 50 times its bytes.
 */
export function pickleLimitsFor(storedBytes: number): PickleLimits {
  const scaled = (least: number, bytesEach: number): number =>
    Math.max(least, Math.min(LONGEST_TIMES * least, Math.floor(storedBytes / bytesEach)));
  return {
    ...DEFAULT_PICKLE_LIMITS,
    bytes: scaled(MAX_PICKLE_BYTES, 1),
    values: scaled(MAX_PICKLE_VALUES, 2),
    objects: scaled(MAX_PICKLE_OBJECTS, 8),
    stack: scaled(MAX_PICKLE_STACK, 8),
    memo: scaled(MAX_PICKLE_MEMO, 2),
  };
}

/** How far the caps rise above the defaults: to 256 MiB, 8 million values and 2 million objects. */
const LONGEST_TIMES = 8;

/** The defaults with some replaced; values, memo and strings never above what JavaScript itself can hold. */
export function resolvePickleLimits(changes: Partial<PickleLimits> = {}): PickleLimits {
  const limits = { ...DEFAULT_PICKLE_LIMITS, ...changes };
  return {
    ...limits,
    values: Math.min(limits.values, LARGEST_MAP),
    memo: Math.min(limits.memo, LARGEST_MAP),
    stringBytes: Math.min(limits.stringBytes, MAX_PICKLE_STRING_BYTES),
  };
}
