/**
 * Names in a GGUF file, guessed from the name of the model's folder as llama.cpp's converter guesses them.
 *
 * A folder name such as `Llama-3.2-1B-Instruct` is taken apart at its dashes; each part is a version, a
 * quantization type, a size, a fine-tune or a piece of the base name. The guess is written into the file,
 * so two programs produce the same bytes only if they guess alike.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/gguf-py/gguf/metadata.py (get_model_id_components)
 * @see https://github.com/ggml-org/llama.cpp/blob/master/gguf-py/gguf/utility.py (size_label)
 * @module
 */

/** The `general.*` strings that follow from a name and a parameter count; absent ones are not written. */
export interface ModelNaming {
  /** `general.name`: the name as a title. */
  readonly name: string;
  /** `general.version`. */
  readonly version: string | undefined;
  /** `general.finetune`. */
  readonly finetune: string | undefined;
  /** `general.basename`. */
  readonly basename: string | undefined;
  /** `general.size_label`, from the name or else from the parameter count. */
  readonly sizeLabel: string;
}

type PartKind = 'version' | 'type' | 'size' | 'finetune' | 'basename';

interface NamePart {
  text: string;
  readonly kinds: Set<PartKind>;
}

const VERSION = /^(?:v|iter)?\d+(?:\.\d+)*$/i;
const QUANT_TYPE = /^(?:i?q\d(?:_\w)*|b?fp?(?:16|32))$/i;
const SIZE = /^(?:(?:A|\d+x)?\d+(?:[._]\d+)?[KMBT]\d?|small|mini|medium|large|x?xl)$/i;
const FINETUNE = /^(?:chat|instruct|vision|lora)$/i;

/** All names that follow from a folder's name. */
export function ggufNaming(folderName: string, parameterCount: number): ModelNaming {
  const name = titleOf(folderName);
  const counted = sizeLabelOf(parameterCount);
  if (folderName.includes(' ')) {
    return {
      name: titleOf(folderName),
      version: undefined,
      finetune: undefined,
      basename: undefined,
      sizeLabel: counted,
    };
  }
  const parts = folderName
    .split('-')
    .filter((text) => text !== '')
    .map((text, index) => classify(text, index, parameterCount));
  dropWordSizes(parts);
  markBasename(parts);
  const joined = (kind: PartKind, unless?: PartKind): string | undefined => {
    const texts = parts
      .filter(({ kinds }) => kinds.has(kind) && !(unless && kinds.has(unless)))
      .map(({ text }) => text);
    return texts.length === 0 ? undefined : (kind === 'size' ? [...new Set(texts)] : texts).join('-');
  };
  const size = joined('size');
  const finetune = joined('finetune');
  const version = joined('version', 'basename');
  const ambiguous = size === undefined && finetune === undefined && version === undefined;
  return { name, version, finetune, basename: ambiguous ? undefined : joined('basename'), sizeLabel: size ?? counted };
}

function classify(text: string, index: number, parameterCount: number): NamePart {
  const part = (kind: PartKind | undefined, spelled = text): NamePart => ({
    text: spelled,
    kinds: new Set(kind === undefined ? [] : [kind]),
  });
  if (VERSION.test(text)) return part('version');
  if (QUANT_TYPE.test(text)) return part('type', text.toUpperCase());
  if (index > 0 && SIZE.test(text)) return classifySize(text, parameterCount);
  if (index > 0 && FINETUNE.test(text)) return part('finetune');
  return part(undefined);
}

/** A size such as `8x7b` or `7b1`; one far from the real parameter count is likely a context length. */
function classifySize(raw: string, parameterCount: number): NamePart {
  let text = raw.replaceAll('_', '.');
  if (/\d$/.test(text)) text = `${text.slice(0, -2)}.${text.slice(-1)}${text.at(-2) ?? ''}`;
  if (/\d[kmbt]$/.test(text)) text = text.slice(0, -1) + text.slice(-1).toUpperCase();
  const number = text.slice(0, -1);
  const scale = ' KMBT'.indexOf(text.slice(-1));
  if (/^\d+(?:\.\d+)?$/.test(number) && scale > 0) {
    const stated = Number(number) * 1000 ** scale;
    if (Math.abs(stated - parameterCount) > Math.floor((7 * parameterCount) / 8)) {
      return { text: number + text.slice(-1).toLowerCase(), kinds: new Set(['finetune']) };
    }
  }
  return { text, kinds: new Set(['size']) };
}

/** `large` is no size where a number is one too. */
function dropWordSizes(parts: readonly NamePart[]): void {
  if (!parts.some(({ text, kinds }) => kinds.has('size') && /\d/.test(text))) return;
  for (const { text, kinds } of parts) if (/^\p{L}+$/u.test(text)) kinds.delete('size');
}

/** The base name: leading words and versions; a version at its end belongs to it only if nothing follows it. */
function markBasename(parts: readonly NamePart[]): void {
  let atStart = true;
  for (const { text, kinds } of parts) {
    if (atStart && ((kinds.size === 0 && /^\p{L}/u.test(text)) || kinds.has('version'))) {
      kinds.add('basename');
    } else {
      atStart = false;
      if (kinds.size === 0) kinds.add('finetune');
    }
  }
  for (const { kinds } of [...parts].reverse()) {
    if (!kinds.has('basename') || kinds.size === 1) return;
    kinds.delete('basename');
  }
}

/** Dashes to spaces, lower-case words to title case as Python's `str.title` does; versions and numbers stay. */
function titleOf(name: string): string {
  return name
    .replaceAll('-', ' ')
    .trim()
    .split(/\s+/)
    .map((word) => (isLowerCase(word) && !/^(?:v\d+(?:\.\d+)*|\d.*)$/.test(word) ? pythonTitle(word) : word))
    .join(' ');
}

function isLowerCase(word: string): boolean {
  return word === word.toLowerCase() && word !== word.toUpperCase();
}

function pythonTitle(word: string): string {
  return word.replace(/\p{L}+/gu, (letters) => letters.charAt(0).toUpperCase() + letters.slice(1).toLowerCase());
}

const UNITS = [
  [1e12, 'T'],
  [1e9, 'B'],
  [1e6, 'M'],
] as const;

/** A parameter count rounded to at least two digits: `1.4M`, `172K`, `8.0B`. */
export function sizeLabelOf(parameterCount: number): string {
  const [unitSize, unit] = UNITS.find(([size]) => parameterCount > size) ?? [1e3, 'K'];
  const scaled = parameterCount / unitSize;
  const digits = String(Math.round(scaled)).replace(/^0+/, '').length;
  return `${scaled.toFixed(Math.max(2 - digits, 0))}${unit}`;
}
