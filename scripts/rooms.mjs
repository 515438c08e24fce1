// @ts-check
/**
 * The rooms of `src/` in the order data flows, and what each may import.
 *
 * A room imports only from rooms that stand above it. The ESLint configuration is generated from this
 * list, and `scripts/house-rules.test.ts` fails when a folder of `src/` is missing from it, so no code
 * escapes the order.
 *
 * @module
 */

/** Single files that every room may use; they import only from files before them in this list. */
export const SHARED_FILES = ['errors', 'dtype', 'options'];

/** Folders of `src/`. Rooms in one inner list are neighbours, which do not know each other. */
const ROOM_ORDER = [
  ['source'],
  ['zip', 'pickle'],
  ['quant'],
  ['formats'],
  ['tokenizer'],
  ['llama'],
  ['integrity'],
  ['convert'],
  ['forward'],
  ['check'],
  ['report'],
  ['cli'],
];

/** Files that open the package: nothing inside imports them, and they do not import the command line. */
export const ENTRY_FILES = ['index', 'node'];

/** Helpers of the tests: only tests and these helpers themselves import them. */
export const TEST_ROOM = 'testing';

/** Files that may use Node's own modules and globals; everything else runs in a browser. */
export const NODE_FILES = [
  'src/cli/**',
  'src/node.ts',
  'src/source/file.ts',
  'src/source/directory.ts',
  'src/source/locate.ts',
  'src/convert/directory-output.ts',
  'src/**/*-node.ts',
  'src/**/*-worker.js',
];

/** All rooms in one list, in order. */
export const ROOMS = ROOM_ORDER.flat();

/**
 * Names directly below `src/` that a room must not import: its neighbours, the rooms below it, the
 * package's entries.
 *
 * @param {string} room - name of a folder of `src/`
 * @returns {string[]}
 */
export function forbiddenFor(room) {
  const rank = ROOM_ORDER.findIndex((neighbours) => neighbours.includes(room));
  const below = ROOM_ORDER.slice(rank).flat();
  return [...below.filter((other) => other !== room), ...ENTRY_FILES];
}
