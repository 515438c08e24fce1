/**
 * The small files of a Hugging Face folder, as they are: what a conversion to the same layout carries along.
 *
 * A fine-tune's tokenizer, chat template and generation settings say more than the canonical model holds, so they are
 * not made anew but copied. Each is read whole and looked at: a folder whose files contradict its weights is refused.
 *
 * @module
 */
import { type Folder, listBelow } from '../source/folder.js';
import { readFile } from '../source/whole.js';
import { type JsonObject, isJsonObject, parseJsonObject } from './json-object.js';
import { LlamaError } from './model.js';

/** Most bytes of a file that is read whole: `tokenizer.json` of Llama 4 has 28 MB, all others some kilobytes. */
const BYTES_LIMIT: Readonly<Record<string, number>> = { 'tokenizer.json': 128 << 20, 'tokenizer.model': 32 << 20 };
const OTHER_BYTES_LIMIT = 16 << 20;

/** Files that are carried along, beside `config.json`, which tells of the weights. */
export const CARRIED: readonly string[] = [
  ...['generation_config.json', 'tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'],
  ...['added_tokens.json', 'chat_template.jinja', 'chat_template.json', 'tokenizer.model'],
  ...['preprocessor_config.json', 'processor_config.json'],
];

/** The folder of named templates that transformers 4.52 writes, which is not read. */
const NAMED_TEMPLATES = 'additional_chat_templates/';

/** The small files of a folder. */
export interface HfSmallFiles {
  /** `config.json`. */
  readonly config: JsonObject;
  /** Its text, whose spelling is kept. */
  readonly configText: string;
  /** The files that are carried along, by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** One of them as JSON, but `tokenizer.json`; undefined where it is absent. */
  readonly json: (name: string) => JsonObject | undefined;
  /** Files of the model that are neither read nor carried along. */
  readonly leftOut: readonly string[];
}

/**
 * Reads them; one read of each.
 *
 * @throws LlamaError `llama/no-config`, `llama/bad-config` for what is no JSON
 * @throws SourceError `source/too-large` and those of reading
 */
export async function readHfSmallFiles(folder: Folder): Promise<HfSmallFiles> {
  const path = folder.name;
  const present = new Set((await folder.list()).map(({ name }) => name));
  if (!present.has('config.json')) {
    throw new LlamaError('llama/no-config', 'there is no config.json beside the weights', { path });
  }
  const configText = new TextDecoder().decode(await readFile(folder, 'config.json', OTHER_BYTES_LIMIT));
  const files = new Map<string, Uint8Array>();
  const parsed = new Map<string, JsonObject>();
  for (const name of CARRIED.filter((carried) => present.has(carried))) {
    const bytes = await readFile(folder, name, BYTES_LIMIT[name] ?? OTHER_BYTES_LIMIT);
    files.set(name, bytes);
    if (!name.endsWith('.json') || name === 'tokenizer.json') continue;
    parsed.set(name, parseJsonObject(new TextDecoder().decode(bytes), `${path}/${name}`, 'llama/bad-config'));
  }
  const config = parseJsonObject(configText, `${path}/config.json`, 'llama/bad-config');
  const below = (await listBelow(folder)).map(({ name }) => name);
  const leftOut = below.filter((name) => name.startsWith(NAMED_TEMPLATES));
  return { config, configText, files, json: (name) => parsed.get(name), leftOut };
}

/** What a `config.json` says of the text: a model that is more than text says it in a part of its own. */
export function textSettings(config: JsonObject): JsonObject {
  const text = config['text_config'];
  return isJsonObject(text) ? text : config;
}

const ROLES = ['bos', 'eos', 'unk', 'pad', 'sep', 'cls', 'mask'] as const;

/**
 * Refuses names of special tokens that are no texts, and ids that are no whole numbers: what takes a default in their
 * place would end texts at another token.
 *
 * @throws LlamaError `llama/bad-config`
 */
export function expectTokensNamed({ config, json }: HfSmallFiles, path: string): void {
  const settings = json('tokenizer_config.json');
  const files = [
    ['tokenizer_config.json', settings, 'token', isTokenName, 'a text, or an object with its content'],
    ['config.json', textSettings(config), 'token_id', isIdOrIds, 'a whole number or a list of them'],
    [
      'generation_config.json',
      json('generation_config.json'),
      'token_id',
      isIdOrIds,
      'a whole number or a list of them',
    ],
  ] as const;
  for (const [name, stated, ending, fits, wanted] of files) {
    for (const role of ROLES) {
      const key = `${role}_${ending}`;
      const value = stated?.[key] ?? null;
      if (value === null || fits(value)) continue;
      const message = `${key} must be ${wanted}, found ${JSON.stringify(value)}`;
      throw new LlamaError('llama/bad-config', message, { path: `${path}/${name}` });
    }
  }
}

function isTokenName(value: unknown): boolean {
  return typeof value === 'string' || (isJsonObject(value) && typeof value['content'] === 'string');
}

function isIdOrIds(value: unknown): boolean {
  return Array.isArray(value) ? value.every(Number.isInteger) : Number.isInteger(value);
}

/**
 * Refuses ids of special tokens for which the embedding has no row.
 *
 * @throws LlamaError `llama/contradiction`
 */
export function expectTokensInside({ config, json }: HfSmallFiles, rows: number, path: string): void {
  for (const [name, settings] of [
    ['config.json', textSettings(config)],
    ['generation_config.json', json('generation_config.json')],
  ] as const) {
    // prettier-ignore
    for (const role of ['bos', 'eos', 'pad']) {
      const key = `${role}_token_id`;
      const stated = settings?.[key];
      const outside = (Array.isArray(stated) ? stated : [stated]).find((id) => typeof id === 'number' && id >= rows) as
        number | undefined;
      if (outside === undefined) continue;
      throw new LlamaError('llama/contradiction', `${key} is ${outside}, but the embedding has only ${rows} rows`, {
        path: `${path}/${name}`,
      });
    }
  }
}
