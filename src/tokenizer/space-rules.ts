/**
 * What a `tokenizer.json` with SentencePiece's pieces does to spaces.
 *
 * Folders say it in one of two ways: by a normalizer, which puts a space before each part of the text between added
 * tokens, or by the splitter `Metaspace`, which puts none where there is one. Tokens that are matched after the normalizer
 * has run are normalized like the text, so that after a `Prepend` they are found only behind a space.
 *
 * @see https://github.com/huggingface/tokenizers/blob/main/tokenizers/src/pre_tokenizers/metaspace.rs
 * @see https://github.com/huggingface/tokenizers/blob/main/tokenizers/src/tokenizer/added_vocabulary.rs
 * @module
 */
import { type JsonPart, partsOf } from './departure.js';
import { type JsonValue, member } from './json-value.js';
import type { SpaceRules } from './vocabulary.js';

/** The rules in a document whose departures are known (`departureOf`). */
export function spaceRulesOf(document: JsonValue): SpaceRules {
  const splitter = partsOf(member(document, 'pre_tokenizer').value, 'pretokenizers').find(isOf('Metaspace'));
  const prepends = partsOf(member(document, 'normalizer').value, 'normalizers').some(isOf('Prepend'));
  if (splitter === undefined) {
    const afterSpace = prepends ? normalizedTokens(document) : [];
    return { addPrefix: prepends, removeExtra: false, ...(afterSpace.length === 0 ? {} : { afterSpace }) };
  }
  const scheme = splitter['prepend_scheme'] ?? 'always';
  return {
    ...{ addPrefix: scheme !== 'never' || prepends, removeExtra: false },
    ...{ onlyFirst: scheme === 'first', unlessSpace: true },
  };
}

function isOf(name: string): (part: JsonPart) => boolean {
  return ({ type }) => type === name;
}

/** Ids of added tokens that are matched in normalized text. */
function normalizedTokens(document: JsonValue): number[] {
  const tokens = member(document, 'added_tokens').value;
  return (Array.isArray(tokens) ? (tokens as (JsonPart | null)[]) : []).flatMap((token) => {
    return token?.['normalized'] === true && typeof token['id'] === 'number' ? [token['id']] : [];
  });
}
