/**
 * `checklist.chk`, the list of MD5 sums that Meta ships with each checkpoint.
 *
 * It is the output of `md5sum`, but lists in circulation have been through Windows, editors and other
 * hashing programs, and two of Meta's own have a broken line. So one bad line never spoils the rest: it is
 * reported with its number, and the other lines still count.
 *
 * @see https://www.gnu.org/software/coreutils/manual/html_node/md5sum-invocation.html
 * @see https://github.com/meta-llama/codellama/issues/188
 * @module
 */
import { expectNameInside } from '../source/folder.js';
import type { HashAlgorithm } from './hash.js';

/** One file of a list. */
export interface ChecklistEntry {
  /** Path below the list's folder, without `./`. */
  readonly name: string;
  /** Hash in lower-case hexadecimal. */
  readonly hash: string;
  /** Told from the length of the hash: 32 digits are MD5, 64 are SHA-256. */
  readonly algorithm: HashAlgorithm;
}

/** An entry and the place it was read from. */
export interface ListedEntry extends ChecklistEntry {
  /** Line of the list, from 1. */
  readonly line: number;
}

/** What can be wrong with a line. */
export type LineFault = 'no-hash' | 'hash-length' | 'no-name' | 'outside-folder' | 'conflict';

/** A line that could not be taken as it stands. */
export interface LineProblem {
  /** Line of the list, from 1. */
  readonly line: number;
  /** What is wrong, for a program. */
  readonly fault: LineFault;
  /** What is wrong, for a person: what was found and what was expected. */
  readonly message: string;
  /** The file that the line names, where it names one: this file goes unchecked. */
  readonly name?: string;
}

/** What a list says, and which of its lines say nothing usable. */
export interface Checklist {
  /** Files in the order of the list, each at most once per algorithm. */
  readonly entries: readonly ListedEntry[];
  /** Lines that could not be used. */
  readonly problems: readonly LineProblem[];
}

/**
 * Reads a list in any of its forms: GNU (`hash  name`, `hash *name`, tabs) or BSD (`MD5 (name) = hash`),
 * with or without `./`, in either case, with any line ends, with a byte order mark, in UTF-8 or UTF-16, with
 * blank lines and `#` comments. Never throws: a bad line becomes a {@link LineProblem}.
 */
export function parseChecklist(bytes: Uint8Array): Checklist {
  const entries = new Map<string, ListedEntry>();
  const problems: LineProblem[] = [];
  decode(bytes)
    .split(/\r\n|\n|\r/)
    .forEach((text, index) => {
      const trimmed = text.trim();
      if (trimmed === '' || trimmed.startsWith('#')) return;
      const parsed = parseLine(trimmed);
      const line = index + 1;
      if ('fault' in parsed) {
        problems.push({ line, ...parsed });
        return;
      }
      const key = `${parsed.algorithm} ${parsed.name}`;
      const earlier = entries.get(key);
      if (earlier === undefined) entries.set(key, { ...parsed, line });
      else if (earlier.hash !== parsed.hash) problems.push(conflict(line, earlier));
    });
  return { entries: [...entries.values()], problems };
}

/**
 * Writes a list byte for byte as Meta does: sorted by name, two spaces, `./`, a line feed after each line.
 * Write each algorithm to a list of its own, as `md5sum -c` does not know SHA-256.
 */
export function formatChecklist(entries: readonly Pick<ChecklistEntry, 'name' | 'hash'>[]): string {
  return [...entries]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, hash }) => `${hash}  ./${name}\n`)
    .join('');
}

/** PowerShell's `>` writes UTF-16 with a byte order mark. */
function decode(bytes: Uint8Array): string {
  return new TextDecoder(bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8').decode(bytes);
}

type Fault = Omit<LineProblem, 'line'>;

const BSD = /^(?:MD5|SHA-?256|SHA2-256)\s*\((?<name>.*)\)\s*=\s*(?<hash>\S*)$/i;

function parseLine(line: string): ChecklistEntry | Fault {
  const { hash, name } = splitLine(line.replace(BSD, '$<hash>  $<name>'));
  if (!/^[0-9a-f]+$/i.test(hash)) {
    return { fault: 'no-hash', message: `a hash was expected, but the line reads ${quote(line)}` };
  }
  if (name === '') return { fault: 'no-name', message: `a file name was expected after the hash ${quote(hash)}` };
  const inside = nameInside(name);
  if (inside === undefined) {
    return { fault: 'outside-folder', message: `the name ${quote(name)} leads out of the folder`, name };
  }
  const algorithm = ALGORITHM_BY_DIGITS.get(hash.length);
  if (algorithm !== undefined) return { name: inside, hash: hash.toLowerCase(), algorithm };
  const message = `a hash has 32 (MD5) or 64 (SHA-256) digits, but this one has ${hash.length}`;
  return { fault: 'hash-length', message, name: inside };
}

/** Hash and name of a GNU line; the asterisk before the name marks binary mode. */
function splitLine(line: string): { hash: string; name: string } {
  const end = line.search(/\s|$/);
  return { hash: line.slice(0, end), name: line.slice(end).trimStart().replace(/^\*/, '') };
}

function nameInside(name: string): string | undefined {
  try {
    return expectNameInside(name, '');
  } catch {
    return undefined;
  }
}

const ALGORITHM_BY_DIGITS: ReadonlyMap<number, HashAlgorithm> = new Map([
  [32, 'md5'],
  [64, 'sha256'],
]);

function conflict(line: number, earlier: ListedEntry): LineProblem {
  const message = `${quote(earlier.name)} is listed with another hash in line ${earlier.line}`;
  return { line, fault: 'conflict', message, name: earlier.name };
}

/** Longest piece of a line that a message repeats. */
const QUOTED_LENGTH = 60;

/** A piece of the list in quotes, with control characters escaped. */
function quote(text: string): string {
  return JSON.stringify(text.length > QUOTED_LENGTH ? `${text.slice(0, QUOTED_LENGTH - 1)}…` : text);
}
