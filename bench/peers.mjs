// @ts-check
/**
 * The programs of others that ours are measured beside: which are here, in which version, and how to get the rest.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Peer
 * @property {string} name
 * @property {string | null} version - null where it is not here
 * @property {string} install - how to get it
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The Python that runs the peers in Python: that of LLAMA_PYTHON, else `python3`. */
export const PYTHON = process.env['LLAMA_PYTHON'] ?? 'python3';

/** Folder of the shared libraries of ggml. */
export const GGML_LIBS =
  process.env['LLAMA_CPP_LIBS'] ??
  join(ROOT, 'examples/llama-cpp/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64');

const PROGRAMS = { cp: ['--version'], sync: ['--version'], md5sum: ['--version'], openssl: ['version'], taskset: ['--version'] }; // prettier-ignore
const PYTHON_PACKAGES = { PyTorch: 'torch', safetensors: 'safetensors', 'gguf-py': 'gguf' };
const NODE_PACKAGES = ['js-tiktoken', 'yauzl', 'pickleparser', '@huggingface/gguf'];

/**
 * All of them, found or not.
 *
 * @returns {Peer[]}
 */
export function findPeers() {
  const versions = pythonVersions();
  return [
    ...Object.entries(PROGRAMS).map(([name, args]) => ({
      ...{ name, version: programVersion(name, args), install: 'a program of the system' },
    })),
    ...Object.entries(PYTHON_PACKAGES).map(([name, distribution]) => ({
      ...{ name, version: versions[distribution] ?? null },
      install: `pip install ${distribution}, for the Python that LLAMA_PYTHON names`,
    })),
    {
      ...{ name: 'ggml', version: ggmlVersion() },
      install: 'npm install in examples/llama-cpp, or LLAMA_CPP_LIBS names a folder with libggml-base',
    },
    ...NODE_PACKAGES.map((name) => ({ name, version: nodePackageVersion(join(ROOT, 'node_modules', name)), install: 'npm ci' })), // prettier-ignore
  ];
}

/**
 * Why what needs these peers cannot be measured; undefined where it can.
 *
 * @param {readonly Peer[]} peers
 * @param {readonly string[]} needed
 */
export function missingPeers(peers, needed) {
  const absent = needed.filter((name) => peers.find((peer) => peer.name === name)?.version == null);
  if (absent.length === 0) return undefined;
  return `not installed: ${absent.join(', ')}`;
}

/**
 * The first number of what a program says of itself; `found` where it says none.
 *
 * @param {string} name
 * @param {string[]} args
 */
function programVersion(name, args) {
  try {
    const text = execFileSync(name, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return /\d+(?:\.\d+)+\w*/.exec(text)?.[0] ?? 'found';
  } catch (error) {
    // a program of BSD refuses `--version`, but it is there
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? null : 'found';
  }
}

/** @returns {Record<string, string>} */
function pythonVersions() {
  const program = `
import importlib.metadata as metadata, json, sys
found = {}
for name in sys.argv[1:]:
    try: found[name] = metadata.version(name)
    except metadata.PackageNotFoundError: pass
print(json.dumps(found))`;
  try {
    const names = Object.values(PYTHON_PACKAGES);
    return JSON.parse(execFileSync(PYTHON, ['-c', program, ...names], { encoding: 'utf8' }));
  } catch {
    return {};
  }
}

function ggmlVersion() {
  if (!existsSync(GGML_LIBS) || !readdirSync(GGML_LIBS).some((name) => name.startsWith('libggml-base'))) return null;
  const version = nodePackageVersion(join(GGML_LIBS, '../..'));
  return version === null ? 'found' : `of node-llama-cpp ${version}`;
}

/** @param {string} folder */
function nodePackageVersion(folder) {
  const file = join(folder, 'package.json');
  return existsSync(file) ? String(JSON.parse(readFileSync(file, 'utf8')).version) : null;
}
