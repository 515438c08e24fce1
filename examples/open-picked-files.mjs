// @ts-check
/**
 * Opens a checkpoint as a web page would: from the files of `<input type="file" webkitdirectory>`.
 *
 * Nothing here but the first lines, which stand for the person who picks the files, knows of Node. The files stay where
 * they are and are read in pieces.
 *
 * Prints: norm.weight bfloat16
 */
import { readFile, readdir } from 'node:fs/promises';

import { createSHA256 } from 'hash-wasm';
import { listTensors, memoryFolder, openModel, openTensorFile, verifyFolder } from 'llama-inspect';

const path = 'fixtures/llama3.2-tiny';
const names = await readdir(path);
const picked = await Promise.all(names.map(async (name) => new File([await readFile(`${path}/${name}`)], name)));

const folder = memoryFolder(Object.fromEntries(picked.map((file) => [file.name, file])), 'llama3.2-tiny');
const { verdict } = await verifyFolder(folder);
const model = await openModel(folder);
console.log(`${model.name} is ${verdict}: ${model.config.nLayers} layers, ${model.vocabulary?.size} tokens`);
await model.close();

// The hash of a tensor is over its plain bytes, so it is the same before and after a lossless conversion.
const weights = picked.filter(({ name }) => name.endsWith('.pth'));
const files = await Promise.all(weights.map((file) => openTensorFile(file)));
for (const { name, dtype, sha256 } of await listTensors(files, { createHasher })) {
  console.log(`${name} ${dtype} ${sha256}`);
}
for (const file of files) await file.close();

/** Any implementation of SHA-256 that takes its input in pieces will do; browsers have only one that does not. */
async function createHasher() {
  const hasher = await createSHA256();
  return { update: hasher.update.bind(hasher), digestHex: () => hasher.digest('hex') };
}
