/**
 * Cases of fuzzing: which file, what damage, which program. A case is plain data, and one line tells it all.
 *
 * Not part of the package.
 *
 * @module
 */
import type { CorpusFile } from './fuzz-corpus.js';
import { FUZZ_TARGETS, type FuzzTarget } from './fuzz-targets.js';
import { type Edit, applyEdits, randomEdits, randomIntegers } from './mutate.js';

/** One case. */
export interface FuzzCase {
  /** Name of the target. */
  readonly target: string;
  /** Name of the file that is damaged. */
  readonly file: string;
  /** Name of its part that is damaged; undefined for the file as a whole. */
  readonly inner?: string | undefined;
  /** Name of the file that parts are spliced in from. */
  readonly other: string;
  /** The damage. */
  readonly edits: readonly Edit[];
}

/** The corpus, in the order that cases need. */
export interface FuzzPlan {
  /** The files by name. */
  readonly files: ReadonlyMap<string, CorpusFile>;
  /** For each target what it can be given, by format: files of a rare format come as often as those of a common one. */
  readonly choices: readonly { readonly target: FuzzTarget; readonly files: readonly (readonly CorpusFile[])[] }[];
}

/** Puts a corpus in order. */
export function fuzzPlan(corpus: readonly CorpusFile[], targets: readonly FuzzTarget[] = FUZZ_TARGETS): FuzzPlan {
  const choices = targets.map((target) => {
    const files = target.formats.map((format) => corpus.filter((file) => file.format === format));
    return { target, files: files.filter((some) => some.length > 0) };
  });
  return { files: new Map(corpus.map((file) => [file.name, file])), choices };
}

/** Case number `index` of a seed; the same numbers and corpus give the same case. */
export function caseOf(plan: FuzzPlan, seed: number, index: number): FuzzCase {
  const random = randomIntegers(seed, index);
  const pick = <T>(items: readonly T[]): T => items[random() % items.length]!;
  const { target, files } = pickWeighted(plan, random());
  const file = pick(pick(files));
  const other = pick(pick(files));
  const inner = file.inner.length > 0 && random() % 2 === 0 ? pick(file.inner).name : undefined;
  return { target: target.name, file: file.name, inner, other: other.name, edits: randomEdits(random) };
}

function pickWeighted({ choices }: FuzzPlan, number: number): FuzzPlan['choices'][number] {
  const total = choices.reduce((sum, { target }) => sum + target.weight, 0);
  let place = ((number % 1_000_003) / 1_000_003) * total;
  return choices.find(({ target }) => (place -= target.weight) < 0) ?? choices[0]!;
}

/** The damaged file of a case. */
export async function bytesOfCase(plan: FuzzPlan, { file, inner, other, edits }: FuzzCase): Promise<Uint8Array> {
  const { bytes, inner: parts } = expectFile(plan, file);
  const part = parts.find(({ name }) => name === inner);
  const source = expectFile(plan, other).bytes;
  if (part === undefined) return applyEdits(bytes, edits, source);
  return part.rebuild(applyEdits(part.bytes, edits, source));
}

/** The target of a case. */
export function targetOfCase(plan: FuzzPlan, { target }: Pick<FuzzCase, 'target'>): FuzzTarget {
  const found = plan.choices.find((choice) => choice.target.name === target);
  if (found === undefined) throw new Error(`no target is called ${target}`);
  return found.target;
}

/** The file of a name. */
export function expectFile(plan: FuzzPlan, name: string): CorpusFile {
  const file = plan.files.get(name);
  if (file === undefined) throw new Error(`no file of the corpus is called ${name}`);
  return file;
}
