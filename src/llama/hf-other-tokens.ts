/**
 * Where `config.json` names other tokens as those that begin and end texts than the tokenizer's own files do.
 *
 * Programs differ in whom they believe, so it is told which was taken: the tokenizer's files, as llama.cpp's converter does.
 *
 * @module
 */
import type { Vocabulary } from '../tokenizer/vocabulary.js';
import { type HfSmallFiles, textSettings } from './hf-small-files.js';
import type { Decision } from './model.js';

/** A decision for each of the two tokens that `config.json` contradicts; none without a tokenizer. */
export function otherTokens({ config }: HfSmallFiles, vocabulary: Vocabulary | undefined): Decision[] {
  if (vocabulary === undefined) return [];
  const { bosId, eosId } = vocabulary;
  const tokens = [['begin', 'bos', bosId], ['end', 'eos', eosId]] as const; // prettier-ignore
  return tokens.flatMap(([what, role, id]): Decision[] => {
    const key = `${role}_token_id`;
    const stated = textSettings(config)[key];
    // -1 stood for none in the folders of Llama 1
    const ids = (Array.isArray(stated) ? stated : [stated]).filter((one) => typeof one === 'number' && one >= 0);
    if (ids.length === 0 || ids.includes(id)) return [];
    const because = `the tokenizer's files say so, although config.json has ${key} ${JSON.stringify(stated)}`;
    return [{ about: `${what} of text`, value: String(id), because }];
  });
}
