/**
 * A walk in progress: stack, marks, memo, and everything that was met.
 *
 * Where the machine would refuse, a walk notes the first such place and goes on with what is left, since what
 * comes behind it may be reached by a reader that is less strict. Python itself runs a broken pickle up to the
 * fault.
 *
 * @module
 */
import { hexOffset } from '../errors.js';
import { PickleError, type PickleErrorCode } from './errors.js';
import { PickleMemo } from './memo.js';
import type { WalkInput } from './walk-input.js';
import type { WalkLimits } from './walk-limits.js';
import {
  type CallOpcode,
  COMPUTED,
  type ImportOpcode,
  LOST_TUPLE,
  OTHER,
  UNNAMED,
  type WalkCall,
  type WalkImport,
  type WalkMade,
  type WalkTuple,
  type WalkValue,
  isWalk,
  walkTuple,
} from './walk-values.js';

/** Something that no allow-list can judge. */
export interface WalkSuspicion {
  /**
   * An import whose name is not written down, a class by a number in a registry, a call of something that was
   * not imported, a BUILD that changes a class or function itself, an allowed name used as no pickler uses it, or
   * program code that comes along.
   */
  readonly kind: 'unnamed-import' | 'extension' | 'computed-call' | 'changed-import' | 'unsafe-use' | 'source-code';
  /** Opcode. */
  readonly opcode: string;
  /** Its byte offset. */
  readonly offset: number;
  /** What it is about, a noun phrase. */
  readonly what: string;
}

/** A storage that a persistent id names. */
export interface WalkStorage {
  /** Class, as written. */
  readonly storageClass: WalkImport | undefined;
  /** Its elements; undefined where that is no number. */
  readonly elementCount: number | undefined;
}

/** A byte string that may hold a file of its own. */
export interface EmbeddedBytes {
  /** Where its bytes begin. */
  readonly offset: number;
  /** Their number. */
  readonly length: number;
  /** Whether they are UTF-8 of characters up to 255 that stand for one byte each, as protocol 2 writes bytes. */
  readonly isText: boolean;
}

/** Different imports that are told apart; there are not as many allowed names, so more are findings anyway. */
const MOST_IMPORTS = 1 << 12;

/** Suspicions that are kept: enough for any person. */
const MOST_SUSPICIONS = 256;

/** Byte strings that are kept to be looked into. */
const MOST_EMBEDDED = 1024;

/** An import while it is counted, with the one value that all its results are. */
type MutableImport = { -readonly [Key in keyof WalkImport]: WalkImport[Key] };

/** State of a walk. */
export class WalkState {
  readonly input: WalkInput;
  readonly path: string;
  private readonly limits: WalkLimits;
  /** Opcode in hand. */
  opcode = '';
  /** Its offset. */
  offset = 0;
  /** Highest protocol that a PROTO named. */
  protocol = 0;
  /** Lines of the opcode in hand that are too long for the window. */
  linesToSkip = 0;
  /** The first thing that Python would not accept. */
  fault: PickleError | undefined;
  readonly suspicions: WalkSuspicion[] = [];
  readonly storages = new Map<string, WalkStorage>();
  readonly embedded: EmbeddedBytes[] = [];
  /** Imports, suspicions and byte strings beyond the caps. */
  leftOut = 0;
  readonly memo = new PickleMemo<WalkValue>();
  private readonly imports = new Map<string, MutableImport>();
  private readonly results = new Map<WalkValue, { readonly found: MutableImport; readonly made: WalkMade }>();
  private readonly variants = new Map<WalkImport, WalkMade>();
  private readonly stack: WalkValue[] = [];
  private readonly marks: number[] = [];
  private frameEnd: number | undefined;
  private textLeft: number;
  private tuplesLeft: number;

  constructor(input: WalkInput, path: string, limits: WalkLimits) {
    this.input = input;
    this.path = path;
    this.limits = limits;
    this.textLeft = limits.text;
    this.tuplesLeft = limits.tuples;
  }

  /** Everything that was imported, in the order of the first time. */
  get found(): WalkImport[] {
    return [...this.imports.values()];
  }

  push(value: WalkValue): void {
    if (this.stack.length >= this.limits.values) {
      this.fail('pickle/limit-exceeded', `needs more than the ${this.limits.values} values that a walk follows`);
      this.stack.length = 0;
      this.marks.length = 0;
    }
    this.stack.push(value);
  }

  /** Pushes a text, or something unknown where too much text is remembered already. */
  pushText(text: string): void {
    this.textLeft -= text.length;
    this.push(this.textLeft >= 0 ? text : OTHER);
  }

  pushTuple(items: readonly WalkValue[]): void {
    this.push(this.tuplesLeft-- > 0 ? walkTuple(items) : LOST_TUPLE);
  }

  pop(): WalkValue {
    const value = this.top();
    if (this.stack.length > this.fence) this.stack.length--;
    return value;
  }

  top(): WalkValue {
    const value = this.stack.length > this.fence ? this.stack.at(-1) : undefined;
    if (value !== undefined) return value;
    this.fail('pickle/stack-underflow', 'wants a value from the stack, but there is none above the last mark');
    return OTHER;
  }

  mark(): void {
    if (this.marks.length < this.limits.marks) this.marks.push(this.stack.length);
    else this.fail('pickle/limit-exceeded', `needs more than the ${this.limits.marks} marks that a walk follows`);
  }

  /** The first items above the last mark, which go away with all others; all items where no mark is left. */
  popMark(): WalkValue[] {
    const mark = this.marks.pop();
    if (mark === undefined) {
      this.fail('pickle/missing-mark', 'wants the items above a mark, but no mark was set');
    }
    const from = mark ?? 0;
    const items = this.stack.slice(from, from + MARKED_ITEMS);
    this.stack.length = from;
    return items;
  }

  popValueOrMark(): void {
    if (this.marks.length > 0 && this.stack.length === this.fence) this.popMark();
    else this.pop();
  }

  put(slot: number): void {
    const value = this.top();
    if (this.memo.size < this.limits.slots || this.memo.get(slot) !== undefined) this.memo.put(slot, value);
    else this.fail('pickle/limit-exceeded', `needs more than the ${this.limits.slots} memo slots that a walk follows`);
  }

  get(slot: number): void {
    const value = this.memo.get(slot);
    if (value === undefined) this.fail('pickle/missing-memo', `reads memo slot ${slot}, which was never written`);
    this.push(value ?? OTHER);
  }

  /** Notes an import by the opcode in hand. */
  import(module: string, name: string): WalkValue {
    const key = `${module.length} ${module} ${name}`;
    const known = this.imports.get(key);
    if (known !== undefined) {
      known.count++;
      return known;
    }
    if (this.imports.size >= MOST_IMPORTS) return this.suspect('unnamed-import', 'one global too many to list');
    const found: MutableImport = {
      ...{ kind: 'import' as const, module, name, opcode: this.opcode as ImportOpcode, offset: this.offset },
      ...{ count: 1, calls: 0, firstCall: undefined },
    };
    this.imports.set(key, found);
    this.results.set(found, { found, made: { kind: 'made', by: found } });
    return found;
  }

  /** Notes a call by the opcode in hand, and gives its result. */
  call(callable: WalkValue): WalkValue {
    const result = this.results.get(callable);
    if (result === undefined) {
      this.suspect('computed-call', describe(callable));
      return COMPUTED;
    }
    const { found, made } = result;
    const call: WalkCall = { opcode: this.opcode as CallOpcode, offset: this.offset };
    found.calls++;
    found.firstCall ??= call;
    return made;
  }

  /** A second kind of result of the call that made a value; the same one each time. */
  variantOf(made: WalkValue): WalkValue {
    if (!isWalk(made, 'made')) return made;
    const variant = this.variants.get(made.by) ?? { ...made, variant: true };
    this.variants.set(made.by, variant);
    return variant;
  }

  /** Notes something that cannot be judged, and gives a value for what came of it. */
  suspect(kind: WalkSuspicion['kind'], what: string): WalkValue {
    const suspicion = { kind, opcode: this.opcode, offset: this.offset, what };
    if (this.suspicions.length < MOST_SUSPICIONS) this.suspicions.push(suspicion);
    else this.leftOut++;
    return UNNAMED;
  }

  embed(bytes: EmbeddedBytes): void {
    if (this.embedded.length < MOST_EMBEDDED) this.embedded.push(bytes);
    else this.leftOut++;
  }

  /** Notes where a frame ends, which no opcode may cross: Python's reader in C goes on behind it in another place. */
  beginFrame(length: number): void {
    if (this.frameEnd !== undefined) this.fail('pickle/bad-frame', 'begins a frame inside of a frame');
    if (length > this.input.left) this.fail('pickle/truncated', 'begins a frame that is longer than the rest');
    this.frameEnd = this.input.position + length;
  }

  /** Looks whether the opcode in hand has kept to its frame. */
  leaveFrame(isStop = false): void {
    if (this.frameEnd === undefined) return;
    const { position } = this.input;
    if (position > this.frameEnd) this.fail('pickle/bad-frame', 'runs past the end of its frame');
    if (isStop && position < this.frameEnd) this.fail('pickle/bad-frame', 'stands before the end of its frame');
    if (position >= this.frameEnd) this.frameEnd = undefined;
  }

  /** Notes the storage that a persistent id names. */
  store({ items }: WalkTuple): void {
    const [, storageClass, key, , elementCount] = items;
    if (typeof key !== 'string') return;
    this.storages.set(key, {
      storageClass: isWalk(storageClass, 'import') ? storageClass : undefined,
      elementCount: typeof elementCount === 'number' && elementCount >= 0 ? elementCount : undefined,
    });
  }

  /** Notes a fault of the opcode in hand, unless there was one before. */
  fail(code: PickleErrorCode, what: string): void {
    const message = `the pickle's ${this.opcode} at ${hexOffset(this.offset)} ${what}`;
    this.fault ??= new PickleError(code, message, { path: this.path, offset: this.offset });
  }

  private get fence(): number {
    return this.marks.at(-1) ?? 0;
  }
}

/** Items above a mark that are looked at. */
const MARKED_ITEMS = 8;

function describe(value: WalkValue): string {
  if (isWalk(value, 'made')) return `what ${value.by.module}.${value.by.name} returned`;
  return isWalk(value, 'other') ? value.what : OTHER.what;
}
