// @ts-check
/**
 * Builds `dist/`: the compiled library, and the command line in few files.
 *
 * The new build grows in a folder of its own and takes the place of the old one at the end, so a failed
 * build leaves the last good one, and a test that runs meanwhile never meets half of one.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { chmod, cp, readdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { bundleCli } from './bundle-cli.mjs';
import { writeKernels } from './kernels.mjs';
import { writeParamsValidator } from './params-validator.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SRC = join(ROOT, 'src');
const DIST = join(ROOT, 'dist');
const GROWING = join(ROOT, `dist.${process.pid}`);
const COMPILER = createRequire(import.meta.url).resolve('typescript/bin/tsc');

try {
  if (await writeParamsValidator()) console.log('wrote src/llama/params-validator.generated.js: commit it');
  for (const file of await writeKernels()) console.log(`wrote ${file}: commit it`);
  compile();
  await copyGenerated();
  await bundleCli(GROWING);
  await chmod(join(GROWING, 'cli/main.js'), 0o755);
  await rm(DIST, { recursive: true, force: true });
  await rename(GROWING, DIST);
} catch (error) {
  console.error(`build failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await rm(GROWING, { recursive: true, force: true });
}

function compile() {
  const { status } = spawnSync(process.execPath, [COMPILER, '-p', 'tsconfig.build.json', '--outDir', GROWING], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('the compiler reported errors');
}

/** Generated JavaScript has its types beside it, and the compiler copies neither. */
async function copyGenerated() {
  const files = await readdir(SRC, { recursive: true });
  for (const file of files.filter((name) => name.includes('.generated.')))
    await cp(join(SRC, file), join(GROWING, file));
}
