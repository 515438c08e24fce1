// @ts-check
/**
 * Makes the command line of the compiled package few files in place of some hundred.
 *
 * Finding, reading and compiling a module costs more than half a millisecond, and `inspect` would do so for some 150. So
 * what commands share becomes one file, and what only some need others. They are CommonJS, because Node starts that without
 * its loader of ES modules. What runs in threads stays where the compiler put it, as part of the library. Names are left as
 * they are, for the traces of `--verbose`.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { rolldown } from 'rolldown';

/** Packages that the command line carries within itself; few commands load others. */
const CARRIED = ['commander', 'pretty-bytes'];

/** What is looked at to see what inspecting takes. */
const MINIATURE = fileURLToPath(new URL('../fixtures/llama3.2-tiny', import.meta.url));

/** Has Node tell which modules it loads. */
const LOADED_MODULES = new URL('loaded-modules.mjs', import.meta.url).href;

/** Rooms that only the command line uses: nothing of them is left beside the bundle. */
const OWN_ROOMS = ['cli', 'report'];

/** A file that is found from the place of a module, which bundling changes. */
const RELATIVE_URL = /new URL\((['"`])(\.[^'"`]+)\1, import\.meta\.url\)/g;

/**
 * Replaces `cli/` of a compiled package by the bundle.
 *
 * @param {string} dist - the compiled package
 */
export async function bundleCli(dist) {
  const folder = join(dist, 'cli');
  const start = await modulesOf(folder, ['--version']);
  const headers = new Set([...(await modulesOf(folder, ['inspect', MINIATURE]))].filter((id) => !start.has(id)));
  const bundle = await rolldown({
    input: { main: join(folder, 'main.js') },
    platform: 'node',
    preserveEntrySignatures: false,
    transform: { target: 'node20.19' },
    external: (id) => /^[^./]/.test(id) && !CARRIED.includes(id),
    plugins: [knownVersion(dist), rebasedUrls(dist, folder), withoutProcesses()],
    checks: { ineffectiveDynamicImport: false },
  });
  const { output } = await bundle.generate({
    format: 'cjs',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [{ name: 'headers', test: (id) => headers.has(id) }],
    },
    minify: { compress: true, mangle: { toplevel: false }, codegen: true },
  });
  await bundle.close();
  for (const room of OWN_ROOMS) await rm(join(dist, room), { recursive: true });
  const chunks = output.flatMap((file) => (file.type === 'chunk' ? [file] : []));
  await mkdir(folder);
  for (const { fileName, code } of chunks) await writeFile(join(folder, fileName), asciiOnly(code));
  await writeFile(join(folder, 'package.json'), '{ "type": "commonjs" }\n');
  await writeFile(join(folder, 'LICENSES.txt'), await licences());
}

/**
 * Keeps the files where the compiler put them that are found from the place of a module.
 *
 * @param {string} dist
 * @param {string} folder - where the bundle goes
 */
function rebasedUrls(dist, folder) {
  return {
    name: 'rebased-urls',
    /** @type {(code: string, id: string) => string | undefined} */
    transform: (code, id) => {
      if (!id.startsWith(dist + sep)) return undefined;
      return code.replaceAll(RELATIVE_URL, (_all, quote, path) => {
        const rebased = relative(folder, resolve(dirname(id), path)).replaceAll(sep, '/');
        return `new URL(${quote}${rebased.startsWith('.') ? '' : './'}${rebased}${quote}, import.meta.url)`;
      });
    },
  };
}

/**
 * States the version, which the library reads from `package.json`.
 *
 * @param {string} dist
 */
function knownVersion(dist) {
  return {
    name: 'known-version',
    /** @type {(code: string, id: string) => Promise<string | undefined>} */
    transform: async (_code, id) => {
      if (id !== join(dist, 'integrity', 'tool-version-node.js')) return undefined;
      const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
      return `export function toolVersion() { return ${JSON.stringify(version)}; }`;
    },
  };
}

/** Commander can start programs for commands, and loads for it a tenth of Node; there are none here. */
function withoutProcesses() {
  return {
    name: 'without-processes',
    /** @type {(code: string, id: string) => string | undefined} */
    transform: (code, id) => {
      if (!id.endsWith(join('commander', 'lib', 'command.js'))) return undefined;
      const without = code.replace("require('node:child_process')", '{}');
      if (without === code) throw new Error('commander does not load node:child_process as expected');
      return without;
    },
  };
}

/**
 * The modules that a command loads, but for those of the command line itself and its packages.
 *
 * @param {string} folder - `cli/` as the compiler made it
 * @param {string[]} args
 */
async function modulesOf(folder, args) {
  const { stderr } = await promisify(execFile)(process.execPath, [
    '--import',
    LOADED_MODULES,
    join(folder, 'main.js'),
    ...args,
  ]);
  const loaded = stderr
    .split('\n')
    .filter((line) => line.startsWith('file:'))
    .map((url) => fileURLToPath(url));
  return new Set(loaded.filter((file) => !file.startsWith(folder) && !file.includes('node_modules')));
}

/**
 * The same program without characters beyond ASCII, which Node reads faster and holds in half the memory. There are no
 * comments in it, and raw templates are of ASCII alone (`house-rules.test.ts`), so an escape means the same.
 *
 * @param {string} code
 */
function asciiOnly(code) {
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The licences of the packages that are carried. */
async function licences() {
  const texts = CARRIED.map(async (name) => {
    const folder = new URL(`../node_modules/${name}/`, import.meta.url);
    const { version } = JSON.parse(await readFile(new URL('package.json', folder), 'utf8'));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} has no licence file`);
    return `${name} ${version}\n\n${await readFile(new URL(file, folder), 'utf8')}`;
  });
  return (await Promise.all(texts)).join(`\n${'-'.repeat(80)}\n\n`);
}
