/**
 * Finds a name that a JSON object uses twice.
 *
 * `JSON.parse` keeps the last of two equal names and says nothing, so a file could show one tensor to
 * one reader and another tensor to the next.
 *
 * @see https://datatracker.ietf.org/doc/html/rfc8259#section-4
 * @module
 */

/** A name that occurs twice in one object. */
export interface RepeatedName {
  /** The name. */
  readonly name: string;
  /** Where its second occurrence starts, in UTF-16 units. */
  readonly at: number;
}

/** The first name that an object of the text repeats; undefined where there is none. The text must be valid JSON. */
export function findRepeatedName(json: string): RepeatedName | undefined {
  const open: Set<string>[] = []; // names seen, for each object or array that is open
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '{' || character === '[') open.push(new Set());
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const end = endOfString(json, at);
      const name = isFollowedByColon(json, end) ? (JSON.parse(json.slice(at, end)) as string) : undefined;
      const names = open.at(-1);
      if (name !== undefined && names?.has(name) === true) return { name, at };
      if (name !== undefined) names?.add(name);
      at = end - 1;
    }
  }
  return undefined;
}

function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at + 1;
}

function isFollowedByColon(json: string, end: number): boolean {
  let at = end;
  while (json[at] === ' ' || json[at] === '\n' || json[at] === '\r' || json[at] === '\t') at++;
  return json[at] === ':';
}
