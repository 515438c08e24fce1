/**
 * Names from files, made fit for a message.
 *
 * A tensor may have a name of a hundred megabytes, or one that moves a terminal's cursor.
 *
 * @module
 */

/** Longest name that is shown whole, in UTF-16 units; names of Llama tensors have up to 60. */
const LONGEST = 120;

/** The name, cut off where it is too long, with control characters written as `\u001b`. */
export function shownName(name: string): string {
  const short = name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name;
  return short.replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
