/**
 * The tokens with which Code Llama fills a gap: `▁<PRE> before ▁<SUF> after ▁<MID>`, answered up to `▁<EOT>`.
 *
 * Vocabularies of 32,016 tokens have them (7B and 13B but for the Python models, and 70B), those of 32,000 do not. They are
 * found by their pieces; in Meta's file they are 32007 to 32010.
 *
 * @see https://github.com/meta-llama/codellama/blob/main/llama/tokenizer.py
 * @module
 */
import type { Vocabulary } from './vocabulary.js';

/** Ids of the tokens around the parts of a text with a gap. */
export interface InfillTokens {
  /** Before what comes before the gap: `▁<PRE>`. */
  readonly prefix: number;
  /** Before what comes after it: `▁<SUF>`. */
  readonly suffix: number;
  /** Before what fills it: `▁<MID>`. */
  readonly middle: number;
  /** Ends what fills it: `▁<EOT>`. */
  readonly end: number;
}

/** The tokens of a vocabulary for infilling; undefined where one of the four is absent. Looks at every piece. */
export function infillTokens({ kind, pieces }: Pick<Vocabulary, 'kind' | 'pieces'>): InfillTokens | undefined {
  if (kind !== 'sentencepiece') return undefined;
  const [prefix = -1, suffix = -1, middle = -1, end = -1] = ['PRE', 'SUF', 'MID', 'EOT'].map((name) =>
    pieces.indexOf(`▁<${name}>`),
  );
  return Math.min(prefix, suffix, middle, end) < 0 ? undefined : { prefix, suffix, middle, end };
}
