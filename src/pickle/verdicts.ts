/**
 * What a class or function that a pickle names may do.
 *
 * Decided by an allow-list: what is not in it is `unknown` at best, however innocent it looks. A module and a
 * name are compared apart, because from protocol 4 on a name may walk through attributes
 * (`torch.serialization` and `os.system` is the shell, and begins like PyTorch).
 *
 * @module
 */
import { ALLOWED_GROUPS, type AllowedGroup } from './allowed-names.js';
import { DANGEROUS_MODULES, DANGEROUS_NAMES } from './dangerous-names.js';
import { type PythonName, python3Name } from './names.js';

/**
 * Class of a name: what PyTorch needs to put tensors together, plain data, anything else, or what is known to
 * run code, read files, open the network or import. Only the first two are allowed.
 */
export type GlobalClass = 'tensor-machinery' | 'harmless' | 'unknown' | 'dangerous';

/** What is known of a name. */
export interface GlobalVerdict {
  /** Its class. */
  readonly class: GlobalClass;
  /** Why, half a sentence: what it does or can do. */
  readonly reason: string;
  /** Whether `torch.load(weights_only=True)` accepts it without being told. */
  readonly weightsOnly: boolean;
}

const UNKNOWN: GlobalVerdict = {
  class: 'unknown',
  reason: 'not on the list of names that are known to be harmless',
  weightsOnly: false,
};

/** Keys hold a space between module and name, so that a dot in a name cannot be mistaken for one in a module. */
const ALLOWED = allowedNames();

const MODULES: ReadonlyMap<string, string> = new Map(Object.entries(DANGEROUS_MODULES));
const NAMES: ReadonlyMap<string, string> = new Map(Object.entries(DANGEROUS_NAMES));

/** Attributes that lead from any object to the whole interpreter. */
const INNER = /^__\w+__$/;

/**
 * The verdict on a class or function, in constant time for names of ordinary length. Names of Python 2 are
 * judged as Python 3 reads them; danger is looked for in both readings.
 */
export function judgeGlobal(name: PythonName): GlobalVerdict {
  const translated = python3Name(name);
  const allowed = ALLOWED.get(keyOf(translated));
  if (allowed !== undefined) return allowed;
  const danger = dangerOf(translated) ?? dangerOf(name);
  return danger === undefined ? UNKNOWN : { class: 'dangerous', reason: danger, weightsOnly: false };
}

function dangerOf({ module, name }: PythonName): string | undefined {
  const known = dangerOfPath(`${module}.${name}`);
  if (known !== undefined) return known;
  const steps = name.split('.', MOST_STEPS);
  for (let step = 0; step < steps.length; step++) {
    // an attribute called `os` is nearly always the module of that name, imported there
    const reached = dangerOfPath(steps.slice(step).join('.'));
    if (reached !== undefined) return reached;
    if (INNER.test(steps[step]!)) return 'reaches into the interpreter';
  }
  return undefined;
}

/** Attributes of a name that are looked at; real ones have two or three. */
const MOST_STEPS = 16;

/** What the name, or else the innermost of the modules it lies in, can do. */
function dangerOfPath(path: string): string | undefined {
  const exact = NAMES.get(path);
  if (exact !== undefined) return exact;
  for (let end = path.length; end > 0; end = path.lastIndexOf('.', end - 1)) {
    const danger = MODULES.get(path.slice(0, end));
    if (danger !== undefined) return danger;
  }
  return undefined;
}

function allowedNames(): ReadonlyMap<string, GlobalVerdict> {
  const verdicts = new Map<string, GlobalVerdict>();
  for (const group of ALLOWED_GROUPS) for (const key of keysOf(group)) verdicts.set(key, verdictOf(group));
  return verdicts;
}

function keysOf({ names }: AllowedGroup): string[] {
  return Object.entries(names).flatMap(([module, list]) => list.split(' ').map((name) => keyOf({ module, name })));
}

function verdictOf({ class: kind, reason, weightsOnly }: AllowedGroup): GlobalVerdict {
  return { class: kind, reason, weightsOnly };
}

function keyOf({ module, name }: PythonName): string {
  return `${module} ${name}`;
}
