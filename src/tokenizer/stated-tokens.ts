/**
 * Which special tokens a Hugging Face folder states, by the rules of llama.cpp's converter.
 *
 * Three files speak of them and they need not agree: `tokenizer_config.json` names tokens by their text and counts
 * first, `config.json` gives ids, and the template at the end of `tokenizer.json` says what is put around a text.
 * A fine-tune often changes the first and leaves the ids of its base model in the second.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/gguf-py/gguf/vocab.py (SpecialVocab)
 * @module
 */
import type { StatedTokens, TokenRole, TokenSwitch, Vocabulary } from './vocabulary.js';

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The files, parsed; undefined for those that are not there. */
export interface TokenStatements {
  /** `tokenizer.json`. */
  readonly tokenizer: JsonObject | undefined;
  /** `tokenizer_config.json`. */
  readonly tokenizerConfig: JsonObject | undefined;
  /** `config.json`. */
  readonly config: JsonObject;
}

/** Ids and switches in the order in which the converter writes them. */
export function statedTokens({ tokenizer, tokenizerConfig = {}, config }: TokenStatements): StatedTokens {
  const names = namesOf(tokenizerConfig);
  const { switches, last } = around(tokenizer ?? {}, names);
  const roles: TokenRole[] = [...ROLES];
  // a text ends with another token than the one that is named: that one then ends a turn
  if (last !== undefined && last !== names.get('eos')) {
    const named = names.get('eos');
    if (named !== undefined) names.set('eot', named);
    names.set('eos', last);
    roles.push('eot');
  }
  const added = addedIds(tokenizer ?? {});
  const ids = new Map<TokenRole, number>();
  const set = (role: TokenRole, id: unknown): void => {
    // -1 stood for none in the folders of Llama 1
    if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && !ids.has(role)) ids.set(role, id);
  };
  for (const role of roles) {
    const stated = tokenizerConfig[`add_${role}_token`];
    if (typeof stated === 'boolean' && isSwitch(role)) switches.set(role, stated);
    set(role, added.get(names.get(role) ?? ''));
  }
  for (const role of roles) set(role, config[`${role}_token_id`]);
  return { ids: [...ids], switches: [...switches] };
}

/** Whether the tokenizer puts the token that begins, or ends, a text there by itself: as in the releases where nothing is stated. */
export function adds({ stated }: Pick<Vocabulary, 'stated'>, role: 'bos' | 'eos'): boolean {
  return stated?.switches.find(([name]) => name === role)?.[1] ?? role === 'bos';
}

/** In the converter's order; `cls` has no key in GGUF. */
const ROLES: readonly TokenRole[] = ['bos', 'eos', 'unk', 'sep', 'pad', 'mask'];

function isSwitch(role: TokenRole): role is TokenSwitch {
  return role === 'bos' || role === 'eos' || role === 'sep';
}

/** The text of a token that `tokenizer_config.json` names, plainly or as an object; undefined where it names none. */
export function namedToken(tokenizerConfig: JsonObject | undefined, role: string): string | undefined {
  const entry = tokenizerConfig?.[`${role}_token`];
  if (typeof entry === 'string') return entry;
  const content = objectOf(entry)?.['content'];
  return typeof content === 'string' ? content : undefined;
}

function namesOf(tokenizerConfig: JsonObject): Map<TokenRole, string> {
  const stated = (role: TokenRole, otherwise?: string): [TokenRole, string][] => {
    const name = namedToken(tokenizerConfig, role) ?? (otherwise && namedToken(tokenizerConfig, otherwise));
    return name === undefined || name === '' ? [] : [[role, name]];
  };
  return new Map([...stated('bos', 'cls'), ...stated('eos', 'sep'), ...ROLES.slice(2).flatMap((role) => stated(role))]);
}

function addedIds(tokenizer: JsonObject): Map<string, number> {
  const ids = new Map<string, number>();
  for (const token of listOf(tokenizer['added_tokens'])) {
    const { content, id } = objectOf(token) ?? {};
    if (typeof content === 'string' && typeof id === 'number' && !ids.has(content)) ids.set(content, id);
  }
  return ids;
}

/** What the template of `tokenizer.json` puts around a text. */
function around(
  tokenizer: JsonObject,
  names: ReadonlyMap<TokenRole, string>,
): { switches: Map<TokenSwitch, boolean>; last: string | undefined } {
  const switches = new Map<TokenSwitch, boolean>();
  let last: string | undefined;
  const processor = objectOf(tokenizer['post_processor']);
  for (const part of listOf(processor?.['processors'] ?? [processor])) {
    const step = objectOf(part);
    if (step?.['type'] !== 'TemplateProcessing') continue;
    const single = listOf(step['single']);
    const first = single.length > 1 ? specialOf(single[0]) : undefined;
    const end = single.length > 1 ? specialOf(single.at(-1)) : undefined;
    if (first !== undefined) switches.set('bos', first === (names.get('bos') ?? first));
    if (end !== undefined) switches.set('eos', true);
    last = end ?? last;
    const between = betweenTexts(listOf(step['pair']), first, end);
    if (between === undefined) continue;
    const separators = [names.get('sep'), end ?? names.get('eos')];
    const isSeparator = (token: unknown): boolean => separators.includes(specialOf(token) ?? '');
    switches.set('sep', (isSeparator(between[0]) && end === undefined) || isSeparator(between[1]));
  }
  return { switches, last };
}

/** What stands between the two texts of a pair; undefined where nothing does, or where it is no such template. */
function betweenTexts(
  pair: readonly unknown[],
  first: string | undefined,
  end: string | undefined,
): readonly unknown[] | undefined {
  const from = first !== undefined && specialOf(pair[0]) === first ? 1 : 0;
  const to = end !== undefined && specialOf(pair.at(-1)) === end ? pair.length - 1 : pair.length;
  const [a, ...rest] = pair.slice(from, to);
  const b = rest.pop();
  return sequenceOf(a) === 'A' && sequenceOf(b) === 'B' && rest.length > 0 ? rest : undefined;
}

function specialOf(part: unknown): string | undefined {
  const id = objectOf(objectOf(part)?.['SpecialToken'])?.['id'];
  return typeof id === 'string' ? id : undefined;
}

function sequenceOf(part: unknown): unknown {
  return objectOf(objectOf(part)?.['Sequence'])?.['id'];
}

function objectOf(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
