// @ts-check
/**
 * The WebAssembly kernels, compiled from AssemblyScript and written down as base64 inside a module.
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

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ENTRY = 'src/quant/kernels/assembly/index.ts';
const COMPILER = fileURLToPath(new URL('../bin/asc.js', import.meta.resolve('assemblyscript')));

/** Where the compiled kernels stand; committed, and a test checks that they are fresh. */
export const KERNELS_MODULE = fileURLToPath(new URL('../src/quant/kernels/kernels.generated.js', import.meta.url));

/** No runtime, no garbage collector, no assertions: the kernels are loops over addresses. */
const FLAGS = ['--optimizeLevel', '3', '--shrinkLevel', '0', '--converge', '--noAssert', '--runtime', 'stub', '--enable', 'simd']; // prettier-ignore

/** The text that {@link KERNELS_MODULE} must have. */
export async function compileKernels() {
  const folder = await mkdtemp(join(tmpdir(), 'llama-inspect-kernels-'));
  try {
    const file = join(folder, 'kernels.wasm');
    const { status, stderr } = spawnSync(process.execPath, [COMPILER, ENTRY, '--outFile', file, ...FLAGS], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`the kernels do not compile:\n${stderr}`);
    return moduleOf(await readFile(file));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** @param {Buffer} binary */
function moduleOf(binary) {
  return (
    '// Generated from src/quant/kernels/assembly by scripts/build.mjs: change that, not this.\n\n' +
    `/** The WebAssembly module in base64: ${binary.byteLength} bytes. */\n` +
    `export const KERNELS = '${binary.toString('base64')}';\n`
  );
}

/** Compiles the kernels anew; returns whether the file had to be written. */
export async function writeKernels() {
  const text = await compileKernels();
  const before = await readFile(KERNELS_MODULE, 'utf8').catch(() => '');
  if (before === text) return false;
  await writeFile(KERNELS_MODULE, text);
  return true;
}
