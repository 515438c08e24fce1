/**
 * The vocabularies of two models, and what their differences mean.
 *
 * Which token ends a text is a matter of use, and the layouts say it of different things (a base model's
 * text, a chat model's turn), so there a difference is only noted.
 *
 * @module
 */
import type { LlamaModel } from '../llama/model.js';
import { type VocabularyDifference, compareVocabularies } from '../tokenizer/compare.js';
import type { Finding, VocabularyComparison } from './comparison.js';

/** Compares the vocabularies of two models, where both have one. Derives merges where neither is SentencePiece. */
export function compareVocabulariesOf(a: LlamaModel, b: LlamaModel): VocabularyComparison {
  if (a.vocabulary === undefined || b.vocabulary === undefined) return { outcome: 'absent', differences: [] };
  const differences = compareVocabularies(a.vocabulary, b.vocabulary);
  return { outcome: differences.length === 0 ? 'equal' : 'different', differences };
}

/** What each difference means. */
export function vocabularyFindings({ outcome, differences }: VocabularyComparison): Finding[] {
  if (outcome === 'absent') {
    const message = 'the vocabularies were not compared: not both models have one';
    return [{ level: 'note', code: 'no-vocabulary', subject: 'vocabulary', message }];
  }
  return differences.map((difference) => {
    const { aspect: subject } = difference;
    const message = messageOf(difference);
    if (subject === 'eos') return { level: 'note', code: 'end-token', subject, message };
    return { level: 'failure', code: 'vocabulary', subject, message };
  });
}

function messageOf({ aspect, first, count, a, b }: VocabularyDifference): string {
  const values = `${a} in the first, ${b} in the second`;
  if (first === undefined) return `the ${aspect} of the vocabulary is ${values}`;
  return `${count} of its entries differ in their ${aspect}: the first is ${first}, ${values}`;
}
