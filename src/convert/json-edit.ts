/**
 * Single values of a JSON text replaced, and everything else left as it is spelled.
 *
 * Parsing and writing a configuration again would turn `1e-05` into `0.00001` and `1.0` into `1`; then nobody could tell
 * by comparing two files what a conversion has changed.
 *
 * @module
 */

/** A string, a mark of structure, or any other value; what lies between them is white space, as the text is valid JSON. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;

/**
 * The text with the value at a path of keys replaced wherever it stands; unchanged where no such key is, or its value is
 * an object or a list.
 *
 * @param text - valid JSON
 * @param path - keys from the top
 * @param value - the new value, as JSON
 */
export function replaceJsonValue(text: string, path: readonly string[], value: string): string {
  /** Keys on the way to the place in hand; undefined for an element of a list. */
  const keys: (string | undefined)[] = [];
  let [result, done, isValue] = ['', 0, true];
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') {
      keys.push(undefined);
      isValue = token === '[';
    } else if (token === '}' || token === ']') {
      keys.pop();
    } else if (token === ':') {
      isValue = true;
    } else if (token !== ',') {
      if (!isValue) keys[keys.length - 1] = JSON.parse(token) as string;
      else if (keys.length === path.length && keys.every((key, at) => key === path[at])) {
        result += text.slice(done, index) + value;
        done = index + token.length;
      }
    }
    if (token === ',' || token === '}' || token === ']') isValue = false;
  }
  return result + text.slice(done);
}

/** A member of the outermost object: its key, where it begins, and where its value begins and ends. */
interface Member {
  readonly key: string;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

/**
 * The text with a member of the outermost object set, whatever its value was, or left out.
 *
 * @param text - valid JSON, an object
 * @param key - of the member; put behind the others where it is new
 * @param value - the new value, as JSON; undefined leaves the member out
 */
export function setJsonMember(text: string, key: string, value: string | undefined): string {
  const members = membersOf(text);
  const at = members.findIndex((member) => member.key === key);
  const own = members[at];
  if (own !== undefined && value !== undefined) return text.slice(0, own.valueStart) + value + text.slice(own.end);
  const [before, next] = [members[at - 1], members[at + 1]];
  if (own !== undefined) {
    const [from, to] = before !== undefined ? [before.end, own.end] : [own.start, next?.start ?? own.end];
    return text.slice(0, from) + text.slice(to);
  }
  if (value === undefined) return text;
  const last = members.at(-1);
  const open = text.indexOf('{') + 1;
  const indent = last === undefined ? '' : text.slice(open, members[0]!.start);
  const member = `${indent}${JSON.stringify(key)}: ${value}`;
  const place = last?.end ?? open;
  return `${text.slice(0, place)}${last === undefined ? '' : ','}${member}${text.slice(place)}`;
}

function membersOf(text: string): Member[] {
  const members: Member[] = [];
  let depth = 0;
  let key: { readonly key: string; readonly start: number } | undefined;
  let valueStart = 0;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (depth === 1 && key === undefined && token.startsWith('"')) {
      key = { key: JSON.parse(token) as string, start: index };
      continue;
    }
    if (depth === 1 && (token === ':' || token === ',')) continue;
    if (depth === 1) valueStart = index;
    if (token === '{' || token === '[') depth++;
    if (token === '}' || token === ']') depth--;
    if (depth !== 1 || key === undefined) continue;
    members.push({ ...key, valueStart, end: index + token.length });
    key = undefined;
  }
  return members;
}
