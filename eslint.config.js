// @ts-check
/**
 * Lint rules: strict types, the house style, and imports that run one way.
 *
 * Comments that silence a rule have no effect (`noInlineConfig`): where a rule is wrong for the
 * project it changes here, for everyone. Formatting is Prettier's business, so no rule here is about it.
 */
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

import { HOUSE_SYNTAX, oneWayImports } from './scripts/import-rules.mjs';

const TESTS = ['**/*.test.ts', 'src/testing/**'];
const PLAIN_JAVASCRIPT = ['**/*.js', '**/*.mjs'];

/**
 * Rules of ESLint's own that TypeScript does not already cover.
 *
 * @type {import('eslint').Linter.RulesRecord}
 */
const SOUND_JAVASCRIPT = {
  eqeqeq: ['error', 'always', { null: 'ignore' }],
  'no-async-promise-executor': 'error',
  'no-cond-assign': 'error',
  'no-constant-binary-expression': 'error',
  'no-constant-condition': 'error',
  'no-debugger': 'error',
  'no-dupe-else-if': 'error',
  'no-duplicate-case': 'error',
  'no-duplicate-imports': ['error', { allowSeparateTypeImports: true }],
  'no-else-return': 'error',
  'no-empty': 'error',
  'no-empty-pattern': 'error',
  'no-eval': 'error',
  'no-extra-boolean-cast': 'error',
  'no-irregular-whitespace': 'error',
  'no-loss-of-precision': 'error',
  'no-misleading-character-class': 'error',
  'no-new-func': 'error',
  'no-param-reassign': 'error',
  'no-prototype-builtins': 'error',
  'no-self-assign': 'error',
  'no-self-compare': 'error',
  'no-sparse-arrays': 'error',
  'no-unreachable-loop': 'error',
  'no-unsafe-finally': 'error',
  'no-useless-catch': 'error',
  'no-useless-escape': 'error',
  'no-useless-rename': 'error',
  'no-useless-return': 'error',
  'no-var': 'error',
  'object-shorthand': 'error',
  'prefer-const': 'error',
  'prefer-template': 'error',
  'use-isnan': 'error',
};

/** @type {import('eslint').Linter.RulesRecord} */
const HOUSE_STYLE = {
  complexity: ['error', { max: 16, variant: 'modified' }],
  'max-depth': ['error', 4],
  'max-lines': ['error', { max: 300 }],
  'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
  'max-params': ['error', 6],
  'no-console': 'error',
  'no-restricted-syntax': ['error', ...HOUSE_SYNTAX],
  'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx', 'hack'], location: 'start' }],
};

/** @type {import('eslint').Linter.RulesRecord} */
const TYPED = {
  '@typescript-eslint/ban-ts-comment': ['error', { 'ts-expect-error': true, 'ts-ignore': true, 'ts-nocheck': true }],
  '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
  '@typescript-eslint/explicit-module-boundary-types': 'error',
  '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
  '@typescript-eslint/no-import-type-side-effects': 'error',
  '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
  '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
  '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
  // `!` is for elements of arrays whose bounds were checked; HOUSE_SYNTAX bans it elsewhere
  '@typescript-eslint/no-non-null-assertion': 'off',
  // the constructors of the errors narrow the type of `code`, which the rule does not see
  '@typescript-eslint/no-useless-constructor': 'off',
  // an interface whose methods are asynchronous has members that need not wait, and some that do nothing
  '@typescript-eslint/require-await': 'off',
  '@typescript-eslint/no-empty-function': ['error', { allow: ['arrowFunctions'] }],
};

export default defineConfig(
  globalIgnores([
    'dist*/',
    'coverage/',
    'docs/',
    'fixtures/',
    'examples/llama-cpp/',
    '**/*.generated.*',
    'src/quant/kernels/assembly/',
    'src/integrity/kernels/assembly/',
    'src/forward/kernels/assembly/',
    'src/check/kernels/assembly/',
  ]),
  { linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' } },
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: { ...SOUND_JAVASCRIPT, ...HOUSE_STYLE, ...TYPED },
  },
  oneWayImports(),
  { files: ['src/cli/**', 'scripts/**', 'examples/**', 'bench/**'], rules: { 'no-console': 'off' } },
  {
    files: TESTS,
    rules: {
      'max-lines': 'off',
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
    },
  },
  {
    files: PLAIN_JAVASCRIPT,
    extends: [tseslint.configs.disableTypeChecked],
    rules: { '@typescript-eslint/explicit-module-boundary-types': 'off' },
  },
  { files: ['*.config.*'], rules: { 'no-restricted-syntax': 'off' } },
);
