/**
 * Names that the files of a checkpoint have, for places that do not tell what is there.
 *
 * A web server answers for one name at a time. The first names say which layout it is; how many shards there are is
 * found by asking for one after the other, or read from the index that Hugging Face's folders have.
 *
 * @module
 */
import { type ByteSource, SourceError } from './byte-source.js';
import { readWhole } from './whole.js';

/** Files of Meta's and of Hugging Face's folders, whatever the model. */
export const KNOWN_NAMES: readonly string[] = [
  ...['params.json', 'consolidated.00.pth', 'consolidated.pth', 'tokenizer.model', 'checklist.chk'],
  ...['fp8_scales_0.pt', 'config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json'],
  ...['special_tokens_map.json', 'model.safetensors', 'model.safetensors.index.json'],
  ...['pytorch_model.bin', 'pytorch_model.bin.index.json', 'adapter_config.json', 'adapter_model.safetensors'],
];

/** Files whose names count up; each is asked for while the one before is there. */
const NUMBERED: Readonly<Record<string, (index: number) => string>> = {
  'consolidated.00.pth': (index) => `consolidated.${String(index).padStart(2, '0')}.pth`,
  'fp8_scales_0.pt': (index) => `fp8_scales_${index}.pt`,
};

/** Most files that count up; the largest published checkpoint has 16. */
const MOST_NUMBERED = 128;

/** Largest index that is read, in bytes; that of a 405B has 100 kB. */
const INDEX_BYTES_LIMIT = 16 << 20;

/** Most shards that an index may name, as each is asked for; the index of a 405B names 191. */
const MOST_SHARDS = 1000;

/** What comes after a file that is there: the name of the next, one by one; nothing for most. */
export function* namesAfter(name: string): Generator<string> {
  const named = Object.hasOwn(NUMBERED, name) ? NUMBERED[name] : undefined;
  if (named === undefined) return;
  for (let index = 1; index < MOST_NUMBERED; index += 1) yield named(index);
}

/** Whether a file lists the names of others. */
export function isIndex(name: string): boolean {
  return name.endsWith('.index.json');
}

/**
 * The names of shards in an index; none where it is broken, which whoever reads it in earnest will tell.
 *
 * @throws SourceError `source/too-large` for more names than a server should be asked for
 */
export async function namesInIndex(source: ByteSource): Promise<readonly string[]> {
  const names = namesOf(await readWhole(source, INDEX_BYTES_LIMIT));
  if (names.length <= MOST_SHARDS) return names;
  const message = `the index names ${names.length} files, and at most ${MOST_SHARDS} are asked for`;
  throw new SourceError('source/too-large', message, { path: source.name, hint: 'download the folder' });
}

function namesOf(index: Uint8Array): string[] {
  try {
    const { weight_map: map } = JSON.parse(new TextDecoder().decode(index)) as { readonly weight_map?: unknown };
    if (typeof map !== 'object' || map === null) return [];
    const names = Object.values(map).filter((name) => typeof name === 'string' && /^[\w.-]{1,200}$/.test(name));
    return [...new Set(names as string[])];
  } catch {
    return [];
  }
}
