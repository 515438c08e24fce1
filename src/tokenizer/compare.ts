/**
 * Where two vocabularies differ.
 *
 * Two files may hold the same vocabulary and say unequally much about it: `tokenizer.json` has no scores, so
 * scores are compared where both have them and merges where one has none.
 *
 * @module
 */
import type { Vocabulary } from './vocabulary.js';

/** What can differ. */
export type VocabularyAspect =
  'kind' | 'size' | 'piece' | 'type' | 'score' | 'merge' | 'bos' | 'eos' | 'spaces' | 'split';

/** One aspect in which two vocabularies differ, with the first place where they do. */
export interface VocabularyDifference {
  /** What differs. */
  readonly aspect: VocabularyAspect;
  /** First token id (for merges: position in their order) that differs; undefined for what concerns the whole. */
  readonly first: number | undefined;
  /** How many entries differ; 1 for what concerns the whole. */
  readonly count: number;
  /** What the first vocabulary has there, for a person. */
  readonly a: string;
  /** What the second one has there. */
  readonly b: string;
}

/**
 * All aspects in which two vocabularies differ, none when they are the same; at most one entry for an aspect.
 * Where sizes differ, the ids that both have are compared. Derives the merges of byte-level BPE vocabularies.
 */
export function compareVocabularies(a: Vocabulary, b: Vocabulary): VocabularyDifference[] {
  if (a.kind !== b.kind) return [whole('kind', a.kind, b.kind)];
  const differences: (VocabularyDifference | undefined)[] = [
    a.size === b.size ? undefined : whole('size', String(a.size), String(b.size)),
    entries('piece', a.pieces, b.pieces),
    entries('type', a.types, b.types),
    ...ranking(a, b),
    a.bosId === b.bosId ? undefined : whole('bos', spell(a, a.bosId), spell(b, b.bosId)),
    a.eosId === b.eosId ? undefined : whole('eos', spell(a, a.eosId), spell(b, b.eosId)),
    spaces(a, b),
    splitRule(a) === splitRule(b) ? undefined : whole('split', splitRule(a), splitRule(b)),
  ];
  return differences.filter((difference) => difference !== undefined);
}

/** What decides which tokens are joined first. */
function ranking(a: Vocabulary, b: Vocabulary): (VocabularyDifference | undefined)[] {
  if (a.scores !== undefined && b.scores !== undefined) return [entries('score', a.scores, b.scores)];
  const [left, right] = [Array.from(a.merges()), Array.from(b.merges())];
  return [
    entries('merge', left, right) ??
      (left.length === right.length ? undefined : whole('merge', `${left.length} merges`, `${right.length} merges`)),
  ];
}

function entries(
  aspect: VocabularyAspect,
  a: ArrayLike<string | number>,
  b: ArrayLike<string | number>,
): VocabularyDifference | undefined {
  let first: number | undefined;
  let count = 0;
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    if (a[index] === b[index]) continue;
    first ??= index;
    count++;
  }
  if (first === undefined) return undefined;
  return { aspect, first, count, a: show(a[first]), b: show(b[first]) };
}

function show(value: string | number | undefined): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function spaces(a: Vocabulary, b: Vocabulary): VocabularyDifference | undefined {
  const rule = ({ spaces: rules }: Vocabulary): string =>
    (rules?.addPrefix === false ? 'no space before the text' : 'a space before the text') +
    (rules?.removeExtra === true ? ', runs of spaces joined' : '');
  return rule(a) === rule(b) ? undefined : whole('spaces', rule(a), rule(b));
}

function splitRule({ split = 'llama3', departure }: Vocabulary): string {
  return departure ?? `words of ${split === 'llama4' ? 'Llama 4' : 'Llama 3'}`;
}

function spell({ pieces }: Vocabulary, id: number): string {
  return `${id} ${JSON.stringify(pieces[id])}`;
}

function whole(aspect: VocabularyAspect, a: string, b: string): VocabularyDifference {
  return { aspect, first: undefined, count: 1, a, b };
}
