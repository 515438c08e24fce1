#!/usr/bin/env node
// @ts-check
/**
 * Writes files that are large in one way each: many members, many tensors, a long vocabulary, a long storage.
 *
 *     npm run build
 *     node bench/make-archives.mjs /tmp/archives             (45 MB)
 *     node bench/make-archives.mjs /tmp/archives --large     (4.3 GB more; prints the SHA-256 of the storage)
 *
 * No PyTorch is needed: the writer gives the bytes that torch.save gives.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { gaussianTensor } from './synthetic-weights.mjs';

/** @typedef {import('../src/formats/torch/write.js').TorchEntryWithData} Entry */

// not a part of the package's interface, so it is taken from the build
const TORCH = new URL('../dist/formats/torch/write.js', import.meta.url);
const GGUF = new URL('../dist/formats/gguf/plan.js', import.meta.url);
/** @type {typeof import('../src/formats/torch/write.js')} */
const { torchEntry, writeTorchFile } = await import(TORCH.href);
/** @type {typeof import('../src/formats/gguf/plan.js')} */
const { planGguf } = await import(GGUF.href);

/** With the six records that are no storages, 65,606 members: more than the classic end record can count. */
export const MANY_TENSORS = 65_600;
export const SOME_TENSORS = 10_000;
export const TOKENS = 128_256;
export const MERGES = 280_147;

/** 1,048,577 rows of 4 KiB are one row more than 4 GiB. */
const LARGE_SHAPE = [2 ** 20 + 1, 2048];

/** What the files are called. */
export const NAMES = {
  members: 'members-65606.pth',
  tensors: 'tensors-10000.pth',
  vocabulary: 'vocabulary.gguf',
  large: 'storage-4gib.pth',
};

/**
 * Writes the small ones.
 *
 * @param {string} folder
 */
export async function makeArchives(folder) {
  await mkdir(folder, { recursive: true });
  await writeTorch(join(folder, NAMES.members), numbers(MANY_TENSORS));
  await writeTorch(join(folder, NAMES.tensors), numbers(SOME_TENSORS));
  const tokens = Array.from({ length: TOKENS }, (_, id) => `Ġ${id.toString(36)}`);
  const { header } = planGguf({
    metadata: [
      { key: 'general.architecture', type: 'str', value: 'llama' },
      { key: 'tokenizer.ggml.model', type: 'str', value: 'gpt2' },
      { key: 'tokenizer.ggml.tokens', type: 'arr[str]', value: tokens },
      { key: 'tokenizer.ggml.token_type', type: 'arr[i32]', value: new Int32Array(TOKENS).fill(1) },
      {
        key: 'tokenizer.ggml.merges',
        type: 'arr[str]',
        value: Array.from({ length: MERGES }, (_, id) => `Ġ${id.toString(36)} ${(id * 7).toString(36)}`),
      },
    ],
    tensors: [{ name: 'output_norm.weight', dtype: 'float32', shape: [8] }],
  });
  const sink = await fileSink(join(folder, NAMES.vocabulary));
  await sink.write(header);
  await sink.write(new Uint8Array(32));
  await sink.close();
}

/**
 * Writes a storage of more than 4 GiB between two small ones, and gives the hash of its bytes.
 *
 * @param {string} path
 */
async function makeLarge(path) {
  const [before, after] = numbers(2);
  const large = torchEntry(gaussianTensor('large', LARGE_SHAPE, 1));
  const sha256 = createHash('sha256');
  async function* hashed() {
    for await (const bytes of large.produce()) {
      sha256.update(bytes);
      yield bytes;
    }
  }
  await writeTorch(
    path,
    [before, { ...large, produce: hashed }, after].filter((entry) => entry !== undefined),
  );
  return sha256.digest('hex');
}

/**
 * Tensors `p0`, `p1`, … of one int32 each, which is the number in the name.
 *
 * @param {number} count
 * @returns {Entry[]}
 */
function numbers(count) {
  return Array.from({ length: count }, (_, index) => ({
    ...{ name: `p${index}`, dtype: 'int32', shape: [1] },
    produce: () => [new Uint8Array(Int32Array.of(index).buffer)],
  }));
}

/**
 * @param {string} path
 * @param {readonly Entry[]} entries
 */
async function writeTorch(path, entries) {
  const sink = await fileSink(path);
  await writeTorchFile(sink, entries);
  await sink.close();
}

/** Bytes that are gathered before they are written. */
const BLOCK = 1 << 20;

/**
 * A file, written in blocks: a member of a few bytes is no reason to call the system.
 *
 * @param {string} path
 */
async function fileSink(path) {
  const handle = await open(path, 'w');
  const block = Buffer.alloc(BLOCK);
  let position = 0;
  let used = 0;
  const flush = async () => {
    await handle.appendFile(block.subarray(0, used));
    used = 0;
  };
  return {
    get position() {
      return position;
    },
    /** @param {Uint8Array} bytes */
    write: async (bytes) => {
      position += bytes.byteLength;
      if (used + bytes.byteLength > BLOCK) await flush();
      if (bytes.byteLength > BLOCK) return handle.appendFile(bytes);
      block.set(bytes, used);
      used += bytes.byteLength;
    },
    close: async () => {
      await flush();
      await handle.close();
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { large: { type: 'boolean', default: false } },
  });
  const [folder] = positionals;
  if (folder === undefined) throw new Error('which folder? usage: make-archives.mjs FOLDER [--large]');
  await makeArchives(folder);
  if (values.large) console.log(`${NAMES.large}, tensor large: sha256 ${await makeLarge(join(folder, NAMES.large))}`);
}
