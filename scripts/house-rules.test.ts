/**
 * Rules of the house that no linter knows: where files stand, how they are called, how they begin.
 *
 * @module
 */
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';
import { describe, expect, it } from 'vitest';

import { ENTRY_FILES, ROOMS, SHARED_FILES, TEST_ROOM } from './rooms.mjs';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** Paths below `src/` of all files written by hand, with `/` between the parts. */
const FILES = readdirSync(SRC, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !entry.name.includes('.generated.'))
  .map((entry) => join(entry.parentPath, entry.name).slice(SRC.length + 1))
  .sort();

const CODE = FILES.filter((file) => !/\.(test|d)\.ts$/.test(file));

const source = (file: string): ts.SourceFile =>
  ts.createSourceFile(file, readFileSync(join(SRC, file), 'utf8'), ts.ScriptTarget.Latest, true);

describe('the order of the rooms', () => {
  it('has a place for every folder of src/', () => {
    const folders = readdirSync(SRC, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map((entry) => entry.name).filter((name) => name !== TEST_ROOM && !ROOMS.includes(name))).toEqual(
      [],
    );
  });

  it('has a place for every file that stands directly in src/', () => {
    const known = [...SHARED_FILES, ...ENTRY_FILES].flatMap((name) => [`${name}.ts`, `${name}.test.ts`]);
    expect(FILES.filter((file) => !file.includes('/') && !known.includes(file))).toEqual([]);
  });

  it('reaches the deepest folder', () => {
    expect(FILES.filter((file) => file.split('/').length > 5)).toEqual([]);
  });
});

describe('files', () => {
  it('are called in kebab-case', () => {
    expect(FILES.filter((file) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.(ts|js)$/.test(basename(file)))).toEqual([]);
  });

  it('are named after what they do, not after being useful', () => {
    expect(FILES.filter((file) => /\b(utils?|helpers?|misc|common)\b/.test(basename(file)))).toEqual([]);
  });

  it('open with a comment that says what they are', () => {
    expect(
      CODE.filter((file) => !/^(#!.*\n)?\/\*\*\n \* \S[\s\S]*?\n \* @module\n \*\//.test(source(file).text)),
    ).toEqual([]);
  });
});

describe('exports', () => {
  it('each have a comment', () => {
    expect(CODE.flatMap((file) => undocumented(source(file)).map((name) => `${file}: ${name}`))).toEqual([]);
  });
});

describe('raw templates', () => {
  it('are of ASCII alone: the bundle of the command line has escapes for other characters', () => {
    const files = CODE.filter((file) => readFileSync(join(SRC, file), 'utf8').includes('String.raw`'));
    const templates = files.flatMap((file) => rawTemplates(source(file)).map((text) => ({ file, text })));
    expect(templates.length).toBeGreaterThan(0);
    expect(templates.filter(({ text }) => /[^\0-\x7f]/.test(text))).toEqual([]);
  });
});

/** The texts of all templates below a node that a function takes as they are written. */
function rawTemplates(node: ts.Node): string[] {
  const own = ts.isTaggedTemplateExpression(node) ? [node.getText()] : [];
  const below: string[] = [];
  ts.forEachChild(node, (child) => void below.push(...rawTemplates(child)));
  return [...own, ...below];
}

/** Names of the exported declarations of a file that no TSDoc comment describes. */
function undocumented(file: ts.SourceFile): string[] {
  const bare: string[] = [];
  const documented = new Set<string>(); // a function's overloads share the comment of the first
  for (const statement of file.statements) {
    if (!ts.canHaveModifiers(statement)) continue;
    const exported = ts.getModifiers(statement)?.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword);
    if (exported !== true) continue;
    const name = nameOf(statement);
    if (ts.getJSDocCommentsAndTags(statement).length > 0) documented.add(name);
    else if (!documented.has(name)) bare.push(name);
  }
  return bare;
}

function nameOf(statement: ts.Statement): string {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map((d) => d.name.getText()).join();
  return (statement as ts.Statement & { name?: ts.Identifier }).name?.text ?? statement.getText().slice(0, 40);
}
