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
