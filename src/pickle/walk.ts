/**
 * Walks through a pickle and notes what it would import and call, whether or not the pickle is sound.
 *
 * Unlike the machine it builds no value, never refuses, keeps only a window of the file in memory, and goes on
 * behind a fault as far as opcodes can be told apart. So it can say of any bytes that begin like a pickle what
 * Python would run, which is what a scanner has to know.
 *
 * @module
 */
import { hexOffset } from '../errors.js';
import type { ByteSource, ReadOptions } from '../source/byte-source.js';
import { PickleError } from './errors.js';
import { opcodeOf } from './opcodes.js';
import { WalkInput } from './walk-input.js';
import { type WalkLimits, walkLimitsFor } from './walk-limits.js';
import { WALK_STEPS } from './walk-opcodes.js';
import { type EmbeddedBytes, WalkState, type WalkStorage, type WalkSuspicion } from './walk-state.js';
import { type WalkImport, type WalkValue, isWalk } from './walk-values.js';

/** How many opcodes may still be walked; shared by all pickles of a file, so that no file takes for ever. */
export interface WalkBudget {
  /** What is left. */
  opcodes: number;
}

/** Where to begin, and how far to go. */
export interface WalkOptions extends ReadOptions {
  /** Offset of the first opcode; default 0. */
  readonly start?: number | undefined;
  /** Limits; those for the source's own size when absent. */
  readonly limits?: WalkLimits | undefined;
  /** What may still be walked of what the limits allow, shared by the pickles of a file. */
  readonly budget?: WalkBudget | undefined;
}

/** What a walk met. */
export interface PickleWalk {
  /** Offset of the first opcode. */
  readonly start: number;
  /** Offset behind STOP, or of the place where the walk ended without one. */
  readonly end: number;
  /** Whether STOP was reached. */
  readonly stopped: boolean;
  /** Highest protocol that was named. */
  readonly protocol: number;
  /** The pickled object, as far as walks know objects; undefined without STOP. */
  readonly root: WalkValue | undefined;
  /** Classes and functions, each once, in order. */
  readonly imports: readonly WalkImport[];
  /** What no list of names can judge. */
  readonly suspicions: readonly WalkSuspicion[];
  /** Storages by key. */
  readonly storages: ReadonlyMap<string, WalkStorage>;
  /** Byte strings that begin like a file. */
  readonly embedded: readonly EmbeddedBytes[];
  /** Imports, suspicions and byte strings that were met and are not listed. */
  readonly leftOut: number;
  /** The first thing that Python would not accept. */
  readonly fault: PickleError | undefined;
}

const STOP = 0x2e;

/**
 * Walks the pickle that begins at `options.start`. Reads the source once, front to back, in blocks of at most
 * 1 MiB; takes time in proportion to the opcodes, and memory as {@link walkLimitsFor} says.
 *
 * @throws SourceError when the source cannot be read; never for what the pickle holds
 */
export async function walkPickle(source: ByteSource, options: WalkOptions = {}): Promise<PickleWalk> {
  const { start = 0, limits = walkLimitsFor(source.size) } = options;
  const { budget = { opcodes: limits.opcodes } } = options;
  const input = new WalkInput(source, start, options);
  const walk = new WalkState(input, source.name, limits);
  const stopped = await walkToStop(walk, budget);
  const root = stopped ? walk.pop() : undefined;
  return {
    ...{ start, end: input.position, stopped, protocol: walk.protocol, root },
    ...{ imports: walk.found, suspicions: walk.suspicions, storages: walk.storages },
    ...{ embedded: walk.embedded, leftOut: walk.leftOut, fault: walk.fault },
  };
}

/**
 * Whether a walk from front to end found a whole pickle: no fault, STOP as the last byte, and an import, without
 * which it could do nothing. For bytes that have no head by which to know them.
 */
export function isWholePickle(walk: PickleWalk, size: number): boolean {
  return walk.stopped && walk.fault === undefined && walk.end === size && walk.imports.length > 0;
}

/** Whether an item of the root is that import: legacy files describe their storages in tuples. */
export function rootItems(walk: PickleWalk): readonly WalkValue[] {
  return isWalk(walk.root, 'tuple') ? walk.root.items : [];
}

/** Takes steps until STOP (true) or until no more can be taken (false). */
async function walkToStop(walk: WalkState, budget: WalkBudget): Promise<boolean> {
  const { input } = walk;
  for (;;) {
    if (input.isLow) await input.refill();
    const outcome = walkWindow(walk, budget);
    while (walk.linesToSkip > 0) {
      walk.linesToSkip--;
      await input.skipLine();
      walk.leaveFrame();
    }
    if (input.exhausted) {
      walk.fail('pickle/truncated', 'has an argument that runs past the end');
      return false;
    }
    if (outcome !== 'more') return outcome === 'stopped';
  }
}

/** Takes steps as long as the window holds what they need. */
function walkWindow(walk: WalkState, budget: WalkBudget): 'stopped' | 'ended' | 'more' {
  const { input } = walk;
  while (!input.isLow && !input.exhausted && walk.linesToSkip === 0) {
    const offset = input.position;
    if (input.left === 0) {
      walk.fault ??= endedWithoutStop(walk.path, offset);
      return 'ended';
    }
    const code = input.uint(1);
    walk.offset = offset;
    if (code === STOP) {
      walk.opcode = 'STOP';
      walk.leaveFrame(true);
      return 'stopped';
    }
    const step = WALK_STEPS[code];
    if (step === undefined || budget.opcodes-- <= 0) {
      endWalk(walk, code, step === undefined);
      return 'ended';
    }
    walk.opcode = opcodeOf(code)?.name ?? '';
    step(walk);
    walk.leaveFrame();
  }
  return 'more';
}

function endWalk(walk: WalkState, code: number, isUnknown: boolean): void {
  walk.input.position = walk.offset;
  walk.opcode = isUnknown ? `opcode 0x${code.toString(16).padStart(2, '0')}` : 'next opcode';
  if (isUnknown) walk.fail('pickle/unknown-opcode', 'stands where an opcode of protocols 0 to 5 was expected');
  else walk.fail('pickle/limit-exceeded', `is not walked: the pickles of this file have too many`);
}

function endedWithoutStop(path: string, offset: number): PickleError {
  return new PickleError('pickle/no-stop', `the pickle ends at ${hexOffset(offset)} without STOP`, { path, offset });
}
