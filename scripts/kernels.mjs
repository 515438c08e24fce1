// @ts-check
/**
 * The WebAssembly kernels, compiled from AssemblyScript and written down as base64 inside modules.
 *
 * A module of text works in every bundler, in browsers, in workers and in Node alike, and nothing native ships.
 * The compiler runs as a program of its own: its types, imported here, would change everyone's.
 *
 * @see https://www.assemblyscript.org/compiler.html
 * @module
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { md5Chains } from './md5-chains.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COMPILER = fileURLToPath(new URL('../bin/asc.js', import.meta.resolve('assemblyscript')));

/** Folders whose `assembly/index.ts` is compiled into a `kernels.generated.js` beside it; these are committed. */
const KERNEL_FOLDERS = ['src/quant/kernels', 'src/integrity/kernels', 'src/forward/kernels', 'src/check/kernels'];

/** Sources that are themselves generated, and what they must be; committed too. */
export const GENERATED_SOURCES = [
  { path: join(ROOT, 'src/integrity/kernels/assembly/chains.generated.ts'), text: md5Chains() },
];

/** No runtime, no garbage collector, no assertions: the kernels are loops over addresses. */
const FLAGS = ['--optimizeLevel', '3', '--shrinkLevel', '0', '--converge', '--noAssert', '--runtime', 'stub', '--enable', 'simd']; // prettier-ignore

/**
 * The file of compiled kernels of a folder.
 *
 * @param {string} folder - one of {@link KERNEL_FOLDERS}
 */
export function kernelsModule(folder) {
  return join(ROOT, folder, 'kernels.generated.js');
}

/**
 * The text that {@link kernelsModule} must have.
 *
 * @param {string} folder - one of {@link KERNEL_FOLDERS}
 */
export async function compileKernels(folder) {
  const temporary = await mkdtemp(join(tmpdir(), 'llama-inspect-kernels-'));
  try {
    const file = join(temporary, 'kernels.wasm');
    const entry = `${folder}/assembly/index.ts`;
    const { status, stderr } = spawnSync(process.execPath, [COMPILER, entry, '--outFile', file, ...FLAGS], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`the kernels of ${folder} do not compile:\n${stderr}`);
    return moduleOf(folder, await readFile(file));
  } finally {
    await rm(temporary, { recursive: true });
  }
}

/**
 * @param {string} folder
 * @param {Buffer} binary
 */
function moduleOf(folder, binary) {
  return (
    `// Generated from ${folder}/assembly by scripts/build.mjs: change that, not this.\n\n` +
    `/** The WebAssembly module in base64: ${binary.byteLength} bytes. */\n` +
    `export const KERNELS = '${binary.toString('base64')}';\n`
  );
}

/** Compiles the kernels anew; returns the files that had to be written. */
export async function writeKernels() {
  const written = [];
  for (const { path, text } of GENERATED_SOURCES) await writeFile(path, text);
  for (const folder of KERNEL_FOLDERS) {
    const text = await compileKernels(folder);
    const before = await readFile(kernelsModule(folder), 'utf8').catch(() => '');
    if (before === text) continue;
    await writeFile(kernelsModule(folder), text);
    written.push(`${folder}/kernels.generated.js`);
  }
  return written;
}
