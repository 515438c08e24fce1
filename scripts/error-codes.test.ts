/**
 * `docs/errors.md` lists every code that an error can carry, and no other.
 *
 * @module
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';
import { describe, expect, it } from 'vitest';

import { ROOMS } from './rooms.mjs';

const SRC = fileURLToPath(new URL('../src', import.meta.url));
const PAGE = readFileSync(fileURLToPath(new URL('../docs/errors.md', import.meta.url)), 'utf8');

const LISTED = [...PAGE.matchAll(/^\| `([^`]+)`/gm)].map(([, code]) => code ?? '');

/** Members of every type alias that is called `...ErrorCode`. */
const DECLARED = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .flatMap((file) =>
    ts
      .createSourceFile(file, readFileSync(join(SRC, file), 'utf8'), ts.ScriptTarget.Latest)
      .statements.flatMap(codesOf),
  );

function codesOf(statement: ts.Statement): string[] {
  if (!ts.isTypeAliasDeclaration(statement) || !statement.name.text.endsWith('ErrorCode')) return [];
  const members = ts.isUnionTypeNode(statement.type) ? [...statement.type.types] : [statement.type];
  return members.flatMap((member) =>
    ts.isLiteralTypeNode(member) && ts.isStringLiteral(member.literal) ? [member.literal.text] : [],
  );
}

describe('docs/errors.md', () => {
  it('lists every code', () => {
    expect(DECLARED.length).toBeGreaterThan(50);
    expect(DECLARED.filter((code) => !LISTED.includes(code))).toEqual([]);
  });

  it('lists no code that is gone, and none twice', () => {
    expect(LISTED.filter((code, index) => !DECLARED.includes(code) || LISTED.indexOf(code) !== index)).toEqual([]);
  });
});

describe('error codes', () => {
  it('belong to one room each', () => {
    const prefixes = [...ROOMS, 'torch', 'safetensors', 'gguf', 'imatrix'];
    expect(DECLARED.filter((code) => !/^[a-z]+\/[a-z0-9]+(-[a-z0-9]+)*$/.test(code))).toEqual([]);
    expect(DECLARED.filter((code) => !prefixes.includes(code.split('/')[0] ?? ''))).toEqual([]);
    expect(DECLARED.filter((code, index) => DECLARED.indexOf(code) !== index)).toEqual([]);
  });
});
