// @ts-check
/**
 * Writes one shard of a synthetic checkpoint and computes its MD5; also a worker, so that several are written at once.
 *
 * In a sparse shard the matrices are holes. Its checksums are those of the zeros that a reader finds there: the CRC-32 of
 * the archive is calculated, the MD5 is computed over as many zeros, which are not read from the disk.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { crc32 } from 'node:zlib';

import { tensorShapes } from './release-shapes.mjs';
import { gaussianTensor, mixed } from './synthetic-weights.mjs';
import { crc32OfZeros } from './zero-crc32.mjs';

/**
 * What a shard is made of.
 *
 * @typedef {object} ShardOrder
 * @property {string} path
 * @property {Record<string, number>} params - `params.json`
 * @property {boolean} tied - whether embedding and output are one storage
 * @property {number} seed
 * @property {number} shard - from 0
 * @property {number} shardCount
 * @property {boolean} sparse
 * @property {boolean} hashed - whether its MD5 is wanted
 */

/** @typedef {import('../src/formats/tensor.js').Tensor & { hole: boolean }} ShardTensor */

// not a part of the package's interface, so it is taken from the build
const TORCH = new URL('../dist/formats/torch/', import.meta.url);
/** @type {typeof import('../src/formats/torch/write.js')} */
const { planTorchFile, torchEntry, writeTorchFile } = await import(new URL('write.js', TORCH).href);
/** @type {typeof import('../src/formats/torch/file-parts.js')} */
const { torchFileParts } = await import(new URL('file-parts.js', TORCH).href);

const ZEROS = new Uint8Array(1 << 20);

if (workerData?.isShardOrder === true) parentPort?.postMessage(await writeShard(workerData.order));

/**
 * Writes the shard and gives its MD5, or an empty text where it is not wanted. Holds a few megabytes.
 *
 * @param {ShardOrder} order
 */
export async function writeShard(order) {
  const sink = await hashingSink(order);
  try {
    await (order.sparse ? writeSparse(order, sink) : writeDense(order, sink));
    return await sink.finish();
  } finally {
    await sink.close();
  }
}

/**
 * @param {ShardOrder} order
 * @param {Sink} sink
 */
async function writeDense(order, sink) {
  const entries = shardTensors(order).map((tensor) => torchEntry(tensor, storageOf(order, tensor)));
  await writeTorchFile(sink, entries, { archiveName: basename(order.path, '.pth') });
}

/**
 * @param {ShardOrder} order
 * @param {Sink} sink
 */
async function writeSparse(order, sink) {
  const tensors = shardTensors(order);
  const entries = tensors.map((tensor) => ({ ...tensor, storage: storageOf(order, tensor) }));
  const plan = planTorchFile(entries, { archiveName: basename(order.path, '.pth') });
  /** @type {Map<number, number>} */
  const sums = new Map();
  for (const part of torchFileParts(plan)) {
    if (part.kind === 'bytes') await sink.write(part.bytes);
    else if (part.kind === 'late') await sink.write(part.make((entry) => sums.get(entry) ?? 0));
    else sums.set(part.entry, await writeStorage(sink, tensors[part.entry]));
  }
}

/**
 * Writes the weights of a vector, leaves those of a matrix out, and gives their CRC-32.
 *
 * @param {Sink} sink
 * @param {ShardTensor | undefined} tensor
 */
async function writeStorage(sink, tensor) {
  if (tensor === undefined) throw new Error('a storage of no tensor');
  const [rows = 1, width = 1] = tensor.shape.length === 1 ? [1, ...tensor.shape] : tensor.shape;
  const written = tensor.hole ? new Uint8Array(0) : await tensor.readRows(0, 1);
  await sink.write(written);
  const zeros = rows * width * 2 - written.byteLength;
  sink.skip(zeros);
  return crc32OfZeros(crc32(written), zeros);
}

/**
 * The tensors of one shard: the values that the uncut model has at their place, whatever the number of shards.
 *
 * @param {ShardOrder} order
 * @returns {ShardTensor[]}
 */
function shardTensors({ params, seed, shard, shardCount }) {
  return tensorShapes(params).map(({ name, shape: whole, cut }, index) => {
    const shape = whole.map((extent, dimension) => (dimension === cut ? part(name, extent, shardCount) : extent));
    const [rows = 0, columns = 0] = shape;
    const place = {
      firstRow: cut === 0 ? shard * rows : 0,
      firstColumn: cut === 1 ? shard * columns : 0,
      rowLength: whole.at(-1) ?? 1,
    };
    // of holes alone, an output would have the same bytes as the embedding, as if it were tied to it
    const hole = whole.length > 1 && name !== 'output.weight';
    return { ...gaussianTensor(name, shape, mixed(seed, index), place), hole };
  });
}

/**
 * @param {string} name
 * @param {number} extent
 * @param {number} shardCount
 */
function part(name, extent, shardCount) {
  if (Number.isInteger(extent / shardCount)) return extent / shardCount;
  throw new Error(`${name} has ${extent} rows or columns to cut, which ${shardCount} shards cannot share equally`);
}

/**
 * @param {ShardOrder} order
 * @param {ShardTensor} tensor
 */
function storageOf({ tied }, { name }) {
  return tied && ['tok_embeddings.weight', 'output.weight'].includes(name) ? 'tied' : undefined;
}

/**
 * A file that is hashed while it is written.
 *
 * @typedef {object} Sink
 * @property {number} position
 * @property {(bytes: Uint8Array) => Promise<void>} write
 * @property {(count: number) => void} skip - leaves a hole of so many bytes
 * @property {() => Promise<string>} finish - gives the file its length, and the MD5
 * @property {() => Promise<void>} close
 */

/**
 * @param {Pick<ShardOrder, 'path' | 'hashed'>} order
 * @returns {Promise<Sink>}
 */
async function hashingSink({ path, hashed }) {
  const handle = await open(path, 'w');
  const md5 = hashed ? createHash('md5') : undefined;
  let position = 0;
  return {
    get position() {
      return position;
    },
    write: async (bytes) => {
      md5?.update(bytes);
      for (let done = 0; done < bytes.byteLength;) {
        done += (await handle.write(bytes, done, bytes.byteLength - done, position + done)).bytesWritten;
      }
      position += bytes.byteLength;
    },
    skip: (count) => {
      for (let done = 0; done < count; done += ZEROS.byteLength) md5?.update(ZEROS.subarray(0, count - done));
      position += count;
    },
    finish: async () => {
      await handle.truncate(position);
      return md5?.digest('hex') ?? '';
    },
    close: () => handle.close(),
  };
}
