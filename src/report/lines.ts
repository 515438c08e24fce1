/**
 * Lines of a report: plain text with a few marked words, made printable at the last moment.
 *
 * Names come from files that strangers made and may hold characters that move a terminal's cursor or turn
 * text around, so everything that is rendered goes through {@link printable}. Marks become colour where
 * there is any; every line reads the same without.
 *
 * @module
 */

/** What a marked word is: an answer that is good, bad or in between, a heading, or something of little weight. */
export type Style = 'good' | 'bad' | 'warn' | 'strong' | 'faint';

/** A marked stretch of text. */
export interface Span {
  /** What it says. */
  readonly text: string;
  /** How it is marked. */
  readonly style: Style;
}

/** Part of a line. */
export type Fragment = string | Span;

/** One line of a report, without its line end. */
export type Line = string | readonly Fragment[];

/** Turns a mark into a terminal's colour; the text is already printable. */
export type Paint = (style: Style, text: string) => string;

/** Columns that a report keeps to unless a name is longer. */
const WIDTH = 80;

/** Longest name that is shown whole, in UTF-16 units: a tensor's name may have a hundred megabytes. */
const LONGEST = 240;

/** Control and format characters (among them those that reverse text), line separators, halves of characters. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** A marked stretch of text. */
export function marked(style: Style, text: string): Span {
  return { text, style };
}

/** The text with what a terminal would act on written as `\u001b`; doing it twice changes nothing. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const digits = (character.codePointAt(0) ?? 0).toString(16);
    return digits.length > 4 ? `\\u{${digits}}` : `\\u${digits.padStart(4, '0')}`;
  });
}

/** A text from outside: printable, and cut off where it is far too long. */
export function shown(text: string, longest = LONGEST): string {
  return printable(text.length > longest ? `${text.slice(0, longest)}…` : text);
}

/** The lines as text with line ends; without `paint` there is no colour. */
export function renderLines(lines: readonly Line[], paint: Paint = (_, text) => text): string {
  return lines.map((line) => `${renderLine(line, paint)}\n`).join('');
}

function renderLine(line: Line, paint: Paint): string {
  return fragmentsOf(line)
    .map((part) => (typeof part === 'string' ? printable(part) : paint(part.style, printable(part.text))))
    .join('');
}

function fragmentsOf(line: Line): readonly Fragment[] {
  return typeof line === 'string' ? [line] : line;
}

/** How parts are set one after another. */
export interface Flow {
  /** What stands between two parts on one line; three spaces when absent. */
  readonly separator?: string;
  /** Spaces before the first line; none when absent. */
  readonly indent?: number;
  /** Spaces before the lines after it; as many as `indent` when absent. */
  readonly hanging?: number;
  /** What stands in the indentation of the first line. */
  readonly label?: string;
}

/** The parts in as few lines of {@link WIDTH} columns as they take; a part is never broken. Empty parts are left out. */
export function flow(parts: readonly Fragment[], options: Flow = {}): Line[] {
  const { separator = '   ', indent = 0, hanging = indent, label = '' } = options;
  const lines: Fragment[][] = [];
  let room = 0;
  for (const part of parts) {
    const width = printable(textOf(part)).length;
    if (width === 0) continue;
    const current = lines.at(-1);
    if (current !== undefined && separator.length + width <= room) {
      current.push(separator, part);
      room -= separator.length + width;
      continue;
    }
    const margin = current === undefined ? label.padEnd(indent) : ' '.repeat(hanging);
    lines.push([margin, part]);
    room = WIDTH - margin.length - width;
  }
  return lines;
}

/** A sentence broken between words. */
export function wrap(text: string, indent = 0, hanging = indent): Line[] {
  return flow(text.split(' '), { separator: ' ', indent, hanging });
}

/** What a line says, without marks. */
export function textOf(line: Line | Span): string {
  if (typeof line === 'string') return line;
  return 'text' in line ? line.text : line.map(textOf).join('');
}

/**
 * Labels in a column and a text beside each.
 *
 * @param separator - what parts of a text are separated by, and lines are broken at
 */
export function labelled(rows: readonly (readonly [label: string, text: string])[], separator = ' '): Line[] {
  const width = Math.max(0, ...rows.map(([label]) => label.length));
  const margin = 2 + width + 2;
  return rows.flatMap(([label, text]) =>
    flow(text.split(separator), { separator, indent: margin, label: `  ${label}` }),
  );
}
