/**
 * How the parts of a split GGUF file are called.
 *
 * `NAME-00001-of-00003.gguf`: the names count from one, while the metadata inside (`split.no`) counts from zero.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/include/llama.h (llama_split_path)
 * @module
 */

/** What the name of a part tells. */
export interface SplitName {
  /** What comes before the numbers. */
  readonly stem: string;
  /** Which part this is, from one. */
  readonly part: number;
  /** How many parts there are. */
  readonly count: number;
}

/** Digits of both numbers. */
const DIGITS = 5;

/** The parts of a file name such as `llama-00001-of-00003.gguf`; undefined for other names. */
export function parseSplitName(name: string): SplitName | undefined {
  const [, stem = '', part = '', count = ''] = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/s.exec(name) ?? [];
  if (count === '' || Number(part) < 1 || Number(part) > Number(count)) return undefined;
  return { stem, part: Number(part), count: Number(count) };
}

/** The file name of a part. */
export function splitNameOf({ stem, part, count }: SplitName): string {
  const digits = (value: number): string => String(value).padStart(DIGITS, '0');
  return `${stem}-${digits(part)}-of-${digits(count)}.gguf`;
}

/** The file names of all parts of a split, in order. */
export function splitPartNames(split: SplitName): string[] {
  return Array.from({ length: split.count }, (_, index) => splitNameOf({ ...split, part: index + 1 }));
}

/**
 * One name for each GGUF model among some file names: files of one split count once, under the name that comes
 * first. Endings other than `.gguf` are left out.
 */
export function ggufModelNames(names: readonly string[]): string[] {
  const models = new Map<string, string>();
  for (const name of names.filter((each) => each.endsWith('.gguf')).sort()) {
    const split = parseSplitName(name);
    const model = split === undefined ? name : splitNameOf({ ...split, part: 1 });
    if (!models.has(model)) models.set(model, name);
  }
  return [...models.values()];
}
