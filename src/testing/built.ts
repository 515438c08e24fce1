/**
 * The built package, for the few tests that need it: examples, and the command as a process.
 *
 * Everything else is tested on `src/` without a build. A stale build is refused rather than made anew,
 * because tests run side by side and would build over one another; `npm test` builds first.
 *
 * @module
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the project, in which the package knows itself by name. */
export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** Path of a file of `dist/`, such as `cli/main.js`; throws unless the build is newer than all sources. */
export function builtFile(name: string): string {
  const built = statSync(join(PROJECT, 'dist', name), { throwIfNoEntry: false });
  if (built === undefined || built.mtimeMs < newestSource()) {
    throw new Error(`dist/${name} is ${built === undefined ? 'missing' : 'older than src/'}: run \`npm run build\``);
  }
  return join(PROJECT, 'dist', name);
}

/** When the last source that goes into the package was changed, in milliseconds since 1970. */
function newestSource(): number {
  const src = join(PROJECT, 'src');
  const sources = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.[a-z]+$/.test(file) && !file.endsWith('.test.ts') && !file.startsWith('testing'),
  );
  return Math.max(...sources.map((file) => statSync(join(src, file)).mtimeMs));
}
