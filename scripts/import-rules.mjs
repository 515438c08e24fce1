// @ts-check
/**
 * ESLint configuration that keeps imports running one way, generated from `rooms.mjs`.
 *
 * ESLint's own `no-restricted-imports` does not see `import()`, so each pattern is given a second time
 * as a syntax selector. Patterns know how deep a file lies, because `../quant/` means another folder
 * from `formats/` than from `formats/gguf/`.
 *
 * @see https://eslint.org/docs/latest/rules/no-restricted-imports
 * @module
 */
import { ENTRY_FILES, NODE_FILES, ROOMS, SHARED_FILES, TEST_ROOM, forbiddenFor } from './rooms.mjs';

/** Folders below `src/` that the patterns reach: `src/room/a/b/file.ts` has depth 3. */
const DEEPEST = 4;

const DETOUR = { regex: '(^\\./|[^./]/)\\.\\.(/|$)|^(\\.\\./)+src/', message: 'Write the shortest relative path.' };

const ITSELF = { regex: '^llama-inspect(/|$)', message: 'Inside the package, import the file itself.' };

const NODE_MODULES = {
  regex: '^(node:.*|(fs|path|os|url|util|crypto|buffer|stream|process|events|zlib|worker_threads)(/.*)?)$',
  message: 'The core runs in browsers: only the files named in scripts/rooms.mjs use Node.',
};

const NODE_GLOBALS = ['Buffer', 'process', 'global', '__dirname', '__filename', 'require', 'setImmediate'].map(
  (name) => ({ name, message: 'The core runs in browsers, which do not have it.' }),
);

/** Bans of syntax that hold everywhere; kept here because a later block replaces the whole rule. */
export const HOUSE_SYNTAX = [
  { selector: 'TSEnumDeclaration', message: 'No enums: use a union of literals or an `as const` object.' },
  { selector: 'ExportDefaultDeclaration', message: 'No default exports: one name, chosen once, found everywhere.' },
];

/** Bans of syntax that hold in the package's code, but not in its tests. */
const CODE_SYNTAX = [
  {
    selector: 'TSNonNullExpression:not([expression.computed=true])',
    message: 'Only an element of an array may be asserted with `!`: check the value instead.',
  },
];

/**
 * @typedef {object} Place
 * @property {string[]} files - patterns of the files in question
 * @property {string[]} [ignores] - patterns of files that other places speak for
 * @property {number} depth - folders between the files and `src/`
 * @property {string[]} forbidden - names directly below `src/` that they must not import
 * @property {string} message - why not
 * @property {boolean} node - whether they may use Node
 * @property {boolean} [test] - whether they are tests
 */

/**
 * @param {Place} place
 * @returns {import('eslint').Linter.Config}
 */
function importsOf({ files, ignores = [], depth, forbidden, message, node, test = false }) {
  const up = depth === 0 ? '\\./' : `(\\.\\./){${depth}}`;
  const backwards = { regex: `^${up}(${forbidden.join('|')})(/|\\.js$)`, message };
  const patterns = [backwards, DETOUR, ITSELF, ...(node ? [] : [NODE_MODULES])];
  const dynamic = patterns.map((pattern) => ({
    // a selector's regular expression cannot hold a plain slash
    selector: `ImportExpression[source.value=/${pattern.regex.replaceAll('/', '\\u002f')}/]`,
    message: pattern.message,
  }));
  return {
    files,
    ignores,
    rules: {
      'no-restricted-imports': ['error', { patterns }],
      'no-restricted-syntax': ['error', ...HOUSE_SYNTAX, ...(test ? [] : CODE_SYNTAX), ...dynamic],
      'no-restricted-globals': node ? 'off' : ['error', ...NODE_GLOBALS],
    },
  };
}

/**
 * Browser code, code for Node and tests of one room at one depth.
 *
 * @param {string} room
 * @param {number} depth
 * @returns {import('eslint').Linter.Config[]}
 */
function importsOfRoom(room, depth) {
  const folder = `src/${room}/${'*/'.repeat(depth - 1)}`;
  const message = `Imports run one way: ${room}/ imports only rooms before it (scripts/rooms.mjs).`;
  const forbidden = forbiddenFor(room);
  const code = { depth, forbidden: [...forbidden, TEST_ROOM], message };
  const tests = `${folder}*.test.ts`;
  const forNode = NODE_FILES.filter((pattern) => pattern.startsWith(`src/${room}/`) || pattern.startsWith('src/**/'));
  return [
    { ...code, files: [`${folder}*.{ts,js}`], ignores: [tests, ...forNode], node: false },
    ...forNode.map((pattern) => ({ ...code, files: [[`${folder}*.{ts,js}`, pattern]], ignores: [tests], node: true })),
    { files: [tests], depth, forbidden, message, node: true, test: true },
  ].map((place) => importsOf(/** @type {Place} */ (place)));
}

/** @returns {import('eslint').Linter.Config[]} */
export function oneWayImports() {
  const depths = Array.from({ length: DEEPEST }, (_, index) => index + 1);
  const top = { depth: 0, node: false };
  return [
    ...ROOMS.flatMap((room) => depths.flatMap((depth) => importsOfRoom(room, depth))),
    importsOf({
      ...top,
      files: SHARED_FILES.map((name) => `src/${name}.ts`),
      forbidden: [...ROOMS, ...ENTRY_FILES, TEST_ROOM],
      message: 'The shared vocabulary knows no room.',
    }),
    importsOf({
      ...top,
      files: ['src/index.ts'],
      forbidden: ['cli', 'node', TEST_ROOM],
      message: 'The entry for browsers re-exports neither the command line nor what needs Node.',
    }),
    importsOf({
      ...top,
      files: ['src/node.ts'],
      forbidden: ['cli', TEST_ROOM],
      message: 'The library does not know the command line.',
      node: true,
    }),
  ];
}
