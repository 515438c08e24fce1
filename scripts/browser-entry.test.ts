/**
 * What a browser loads with `llama-inspect`: no Node module, and only the packages meant for it.
 *
 * The linter keeps Node out of single files; this follows the imports from the entry, so that no chain
 * of them ends in a file that needs Node.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** Packages that run in browsers. */
const BROWSER_PACKAGES = ['hash-wasm', 'pretty-bytes'];

/** Everything outside the package that the entry reaches: the module's name and the chain that leads to it. */
function reached(entry: string): Map<string, string> {
  const outside = new Map<string, string>();
  const waiting = [{ path: join(SRC, entry), chain: entry }];
  const seen = new Set<string>();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next.path)) continue;
    seen.add(next.path);
    for (const name of importsOf(next.path)) {
      const chain = `${next.chain} > ${name}`;
      if (name.startsWith('.')) waiting.push({ path: sourceOf(join(next.path, '..', name)), chain });
      else outside.set(name, chain);
    }
  }
  return outside;
}

/** The file that a compiled path stands for: TypeScript unless it was written in JavaScript. */
function sourceOf(compiled: string): string {
  const source = compiled.replace(/\.js$/, '.ts');
  return ts.sys.fileExists(source) ? source : compiled;
}

/** Modules that a file loads, `import()` included; imports of types alone load nothing. */
function importsOf(path: string): string[] {
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    const declaration = ts.isImportDeclaration(node) ? node.importClause?.phaseModifier : undefined;
    const typesOnly = declaration === ts.SyntaxKind.TypeKeyword || (ts.isExportDeclaration(node) && node.isTypeOnly);
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && !typesOnly) {
      if (node.moduleSpecifier !== undefined) names.push((node.moduleSpecifier as ts.StringLiteral).text);
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      names.push(argument !== undefined && ts.isStringLiteral(argument) ? argument.text : '(computed)');
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest));
  return names;
}

describe('the entry for browsers', () => {
  it('reaches no Node module and no package that needs one', () => {
    const strangers = [...reached('index.ts')].filter(([name]) => !BROWSER_PACKAGES.includes(name));
    expect(strangers.map(([, chain]) => chain)).toEqual([]);
  });

  it('would show it: a folder on disk does reach Node', () => {
    expect([...reached('source/directory.ts').keys()]).toContain('node:fs/promises');
  });
});
