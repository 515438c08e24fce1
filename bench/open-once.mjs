#!/usr/bin/env node
// @ts-check
/**
 * One way of opening one file, so that a process can do nothing else.
 *
 *     node bench/open-once.mjs 'list, llama-inspect' members-65606.pth
 *
 * Prints how many things were found. `bench/zip.mjs` runs these in turns, here and in processes of their own.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';

/** @typedef {(path: string) => Promise<number>} Opening */

const DIST = new URL('../dist/', import.meta.url);

/**
 * Ways of opening a file; each loads what it needs, and gives the number of things found.
 *
 * @type {Record<string, Opening>}
 */
export const OPENINGS = {
  'list, llama-inspect': async (path) => {
    /** @type {typeof import('../src/source/file.js')} */
    const { openFileSource } = await import(new URL('source/file.js', DIST).href);
    /** @type {typeof import('../src/zip/archive.js')} */
    const { openZip } = await import(new URL('zip/archive.js', DIST).href);
    const source = await openFileSource(path);
    const { entries } = await openZip(source);
    await source.close();
    return entries.length;
  },
  'list, yauzl': async (path) => {
    const { default: yauzl } = await import('yauzl');
    const { promise, resolve, reject } = deferred();
    yauzl.open(path, { lazyEntries: true }, (error, archive) => {
      if (error) return reject(error);
      let count = 0;
      archive.on('error', reject);
      archive.on('end', () => resolve(count));
      archive.on('entry', () => {
        count++;
        archive.readEntry();
      });
      archive.readEntry();
    });
    return promise;
  },
  'tensors, llama-inspect': openTensors,
  'pickle, llama-inspect': async (path) => {
    /** @type {typeof import('../src/pickle/machine.js')} */
    const { parsePickle } = await import(new URL('pickle/machine.js', DIST).href);
    return parsePickle(await pickleOf(path)).globals.length;
  },
  'pickle, pickleparser': async (path) => {
    const { Parser } = (await import('pickleparser')).default;
    const parser = new Parser({
      nameResolver: { resolve: () => () => new Map() },
      persistentResolver: { resolve: (/** @type {unknown} */ id) => id },
      unpicklingTypeOfDictionary: 'Map',
    });
    parser.parse(await pickleOf(path));
    return 1;
  },
  'header, llama-inspect': openTensors,
  'header and all strings, llama-inspect': async (path) => {
    /** @type {typeof import('../src/source/file.js')} */
    const { openFileSource } = await import(new URL('source/file.js', DIST).href);
    /** @type {typeof import('../src/formats/gguf/read.js')} */
    const { openGgufFile } = await import(new URL('formats/gguf/read.js', DIST).href);
    const file = await openGgufFile(await openFileSource(path));
    let count = 0;
    for (const { value } of file.metadata.values()) {
      if (typeof value !== 'object') continue;
      count += (await (value.elementType === 'str' ? value.readStrings() : value.readNumbers())).length;
    }
    await file.close();
    return count;
  },
  'header and all strings, @huggingface/gguf': async (path) => {
    const { gguf } = await import('@huggingface/gguf');
    const { metadata } = await gguf(path, { allowLocalFile: true });
    return Object.values(metadata).reduce((sum, value) => sum + (Array.isArray(value) ? value.length : 0), 0);
  },
};

/**
 * The bytes of `data.pkl`.
 *
 * @param {string} path
 */
async function pickleOf(path) {
  /** @type {typeof import('../src/source/file.js')} */
  const { openFileSource } = await import(new URL('source/file.js', DIST).href);
  /** @type {typeof import('../src/zip/archive.js')} */
  const { openZip } = await import(new URL('zip/archive.js', DIST).href);
  const source = await openFileSource(path);
  const archive = await openZip(source);
  const entry = archive.entries.find(({ name }) => name.endsWith('/data.pkl'));
  if (entry === undefined) throw new Error(`${path} has no pickle`);
  const bytes = await archive.openMember(entry).read(0, entry.size);
  await source.close();
  return bytes;
}

/** @type {Opening} */
async function openTensors(path) {
  const { openTensorFile } = await import(new URL('node.js', DIST).href);
  const file = await openTensorFile(path);
  await file.close();
  return file.tensors.length;
}

/** @returns {{ promise: Promise<number>, resolve: (value: number) => void, reject: (cause: Error) => void }} */
function deferred() {
  /** @type {(value: number) => void} */
  let resolve = () => {};
  /** @type {(cause: Error) => void} */
  let reject = () => {};
  /** @type {Promise<number>} */
  const promise = new Promise((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , name = '', path = ''] = process.argv;
  const opening = OPENINGS[name];
  if (opening === undefined) throw new Error(`there are: ${Object.keys(OPENINGS).join('; ')}`);
  console.log(await opening(path));
}
