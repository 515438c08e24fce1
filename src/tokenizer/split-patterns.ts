/**
 * How text is split into words, in the words of `tokenizer.json`: a regular expression in the syntax of Oniguruma.
 *
 * Encoding does not run these: `llama3-words` and `llama4-words` do the same without one.
 *
 * @module
 */
import type { SplitRule } from './vocabulary.js';

const WITHOUT_CASE = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const WHITE_SPACE = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

const BEFORE = '[^\\r\\n\\p{L}\\p{N}]?';
const UPPER = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
const LOWER = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';

/** The regular expression of each rule, as Hugging Face's converters write it. */
export const SPLIT_PATTERNS: Readonly<Record<SplitRule, string>> = {
  llama3: `${WITHOUT_CASE}|${BEFORE}\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${WHITE_SPACE}`,
  llama4: [
    `${BEFORE}${UPPER}*${LOWER}+${WITHOUT_CASE}?`,
    `${BEFORE}${UPPER}+${LOWER}*${WITHOUT_CASE}?`,
    '\\p{N}{1,3}',
    ' ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*',
    WHITE_SPACE,
  ].join('|'),
};

/** The rule that a regular expression states; undefined for those of other models. */
export function splitRuleOf(pattern: string): SplitRule | undefined {
  if (pattern === SPLIT_PATTERNS.llama3) return 'llama3';
  return pattern === SPLIT_PATTERNS.llama4 ? 'llama4' : undefined;
}

/** The regular expression by which the pre-tokenizer of a `tokenizer.json`, or the first part of it that has one, splits. */
export function statedPattern(preTokenizer: unknown): unknown {
  if (typeof preTokenizer !== 'object' || preTokenizer === null) return undefined;
  if ('pretokenizers' in preTokenizer && Array.isArray(preTokenizer.pretokenizers)) {
    return preTokenizer.pretokenizers.map(statedPattern).find((pattern) => pattern !== undefined);
  }
  const pattern = 'pattern' in preTokenizer ? preTokenizer.pattern : undefined;
  return typeof pattern === 'object' && pattern !== null && 'Regex' in pattern ? pattern.Regex : undefined;
}
