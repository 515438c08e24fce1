#!/usr/bin/env node
// @ts-check
/**
 * Writes a checkpoint folder of a release's true layout and size, with weights from a seed.
 *
 *     npm run build
 *     node bench/make-checkpoint.mjs /tmp/Llama3.2-1B                      (2.5 GB)
 *     node bench/make-checkpoint.mjs /tmp/Llama3.1-8B --like llama-3.1-8b --sparse --shards 2
 *
 * `--layers N` leaves layers out. `--sparse` writes zeros that take no room on disk, which makes every output look tied.
 * `--shards N` cuts the model as Meta does for N cards. Streams: a few megabytes of memory whatever the size.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile, readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { syntheticTokenizer } from './synthetic-tokenizer.mjs';
import { gaussianTensor, mixed, zeroTensor } from './synthetic-weights.mjs';

// not a part of the package's interface, so it is taken from the build
const WRITER = new URL('../dist/formats/torch/write.js', import.meta.url);
/** @type {typeof import('../src/formats/torch/write.js')} */
const { torchEntry, writeTorchFile } = await import(WRITER.href);

const PUBLISHED = fileURLToPath(new URL('../fixtures/published', import.meta.url));

/** Which dimension Meta cuts for several cards, by the last part of a matrix's name. */
const CUT = { tok_embeddings: 0, output: 0, wq: 0, wk: 0, wv: 0, wo: 1, w1: 0, w3: 0, w2: 1 };

const ZEROS = new Uint8Array(1 << 16);

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    like: { type: 'string', default: 'llama-3.2-1b' },
    shards: { type: 'string', default: '1' },
    layers: { type: 'string' },
    seed: { type: 'string', default: '1' },
    sparse: { type: 'boolean', default: false },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('which folder? usage: make-checkpoint.mjs FOLDER [--like llama-3.2-1b] …');
await makeCheckpoint(folder);

/** @param {string} path */
async function makeCheckpoint(path) {
  await mkdir(path, { recursive: true });
  const shardCount = Number(options.shards);
  const paramsText = await publishedParams(options.like);
  const params = JSON.parse(paramsText);
  /** @type {string[]} */
  const list = [];
  for (let shard = 0; shard < shardCount; shard++) {
    const name = `consolidated.${String(shard).padStart(2, '0')}.pth`;
    const md5 = await writeShard(join(path, name), tensorsOf(params), shard, shardCount);
    list.push(`${md5}  ./${name}\n`);
  }
  const texts = { 'params.json': paramsText, 'tokenizer.model': syntheticTokenizer(Number(options.seed)) };
  for (const [name, text] of Object.entries(texts)) {
    await writeFile(join(path, name), text);
    list.push(`${createHash('md5').update(text).digest('hex')}  ./${name}\n`);
  }
  // last, so that a folder with a list is a complete one
  await writeFile(join(path, 'checklist.chk'), list.join(''));
}

/**
 * The text of `params.json` of the release whose name begins so, with fewer layers where wanted.
 *
 * @param {string} like
 */
async function publishedParams(like) {
  const wanted = like.toLowerCase();
  const names = (await readdir(PUBLISHED)).filter((name) => name.endsWith('.params.json'));
  const name = names.find((candidate) => candidate.toLowerCase().startsWith(wanted));
  if (name === undefined) throw new Error(`no release is called ${like}: there are ${names.join(', ')}`);
  const text = await readFile(join(PUBLISHED, name), 'utf8');
  return options.layers === undefined ? text : text.replace(/("n_layers": )\d+/, `$1${Number(options.layers)}`);
}

/**
 * Names and shapes in the order of Meta's state dict.
 *
 * @param {Record<string, number>} params
 * @returns {[name: string, shape: number[]][]}
 */
function tensorsOf({ dim = 0, n_layers = 0, n_heads = 1, n_kv_heads = n_heads, vocab_size = 0, ...rest }) {
  const { multiple_of = 256, ffn_dim_multiplier = 1 } = rest;
  const scaled = Math.trunc(ffn_dim_multiplier * Math.trunc((2 * 4 * dim) / 3));
  const ffn = multiple_of * Math.ceil(scaled / multiple_of);
  const kv = (dim / n_heads) * n_kv_heads;
  const layers = Array.from({ length: n_layers }, (_, layer) =>
    /** @type {[string, number[]][]} */ ([
      ['attention.wq', [dim, dim]],
      ['attention.wk', [kv, dim]],
      ['attention.wv', [kv, dim]],
      ['attention.wo', [dim, dim]],
      ['feed_forward.w1', [ffn, dim]],
      ['feed_forward.w2', [dim, ffn]],
      ['feed_forward.w3', [ffn, dim]],
      ['attention_norm', [dim]],
      ['ffn_norm', [dim]],
    ]).map(([name, shape]) => /** @type {[string, number[]]} */ ([`layers.${layer}.${name}.weight`, shape])),
  );
  return [
    ['tok_embeddings.weight', [vocab_size, dim]],
    ...layers.flat(),
    ['norm.weight', [dim]],
    ['output.weight', [vocab_size, dim]],
  ];
}

/**
 * Writes one shard and gives its MD5.
 *
 * @param {string} path
 * @param {[name: string, shape: number[]][]} tensors
 * @param {number} shard
 * @param {number} shardCount
 */
async function writeShard(path, tensors, shard, shardCount) {
  // the small models of 3.2 have one storage for embedding and output
  const tied = options.like.toLowerCase().startsWith('llama-3.2') ? ['tok_embeddings.weight', 'output.weight'] : [];
  const entries = tensors.map(([name, whole], index) => {
    const dimension = shardCount === 1 ? undefined : cutDimension(name);
    const shape = whole.map((extent, i) => (i === dimension ? extent / shardCount : extent));
    const seed = mixed(Number(options.seed), dimension === undefined ? index : index + shard * tensors.length);
    const tensor = options.sparse ? zeroTensor(name, shape) : gaussianTensor(name, shape, seed);
    return torchEntry(tensor, tied.includes(name) ? 'tied' : undefined);
  });
  const sink = await hashingSink(path);
  await writeTorchFile(sink, entries, { archiveName: basename(path, '.pth') });
  return sink.finish();
}

/**
 * @param {string} name
 * @returns {number | undefined}
 */
function cutDimension(name) {
  const part = name.split('.').at(-2) ?? '';
  return Object.entries(CUT).find(([key]) => key === part)?.[1];
}

/**
 * A file that is hashed while it is written; in a sparse one, blocks of zeros are left out.
 *
 * @param {string} path
 */
async function hashingSink(path) {
  const handle = await open(path, 'w');
  const md5 = createHash('md5');
  let position = 0;
  return {
    get position() {
      return position;
    },
    /** @param {Uint8Array} bytes */
    write: async (bytes) => {
      md5.update(bytes);
      if (!options.sparse || !isZero(bytes)) await writeAll(handle, bytes, position);
      position += bytes.byteLength;
    },
    finish: async () => {
      await handle.truncate(position);
      await handle.close();
      return md5.digest('hex');
    },
  };
}

/**
 * @param {import('node:fs/promises').FileHandle} handle
 * @param {Uint8Array} bytes
 * @param {number} position
 */
async function writeAll(handle, bytes, position) {
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, position + done);
    done += bytesWritten;
  }
}

/** @param {Uint8Array} bytes */
function isZero(bytes) {
  for (let at = 0; at < bytes.byteLength; at += ZEROS.byteLength) {
    const part = bytes.subarray(at, at + ZEROS.byteLength);
    if (Buffer.compare(part, ZEROS.subarray(0, part.byteLength)) !== 0) return false;
  }
  return true;
}
