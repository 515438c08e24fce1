#!/usr/bin/env node
// @ts-check
/**
 * Writes a checkpoint folder of a release's true layout and size, with weights from a seed.
 *
 *     npm run build
 *     node bench/make-checkpoint.mjs /tmp/Llama3.2-1B                                              (2.5 GB)
 *     node bench/make-checkpoint.mjs /tmp/Llama3.1-70B --like llama-3.1-70b --sparse --no-checklist  (some 30 MB)
 *
 * `--like` is llama-3.2-1b, llama-3.2-3b, llama-3.1-8b or llama-3.1-70b. `--shards N` cuts the model for N cards as Meta
 * does, if not as often as the release is; the weights are the same whatever the number. `--seed N` gives other weights,
 * `--layers N` leaves layers out. `--sparse` makes holes of the matrices, so that they take no room on disk and read as
 * zeros. The list of checksums is right for them too, but MD5 takes 1.5 s of a processor for each GB: `--no-checklist` leaves
 * it out, and then a folder of any size is made in a second.
 *
 * @module
 */
import { parseArgs } from 'node:util';

import { releaseShape } from './release-shapes.mjs';
import { makeCheckpoint } from './synthetic-checkpoint.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    like: { type: 'string', default: 'llama-3.2-1b' },
    shards: { type: 'string' },
    layers: { type: 'string' },
    seed: { type: 'string', default: '1' },
    sparse: { type: 'boolean', default: false },
    'no-checklist': { type: 'boolean', default: false },
  },
});
const [folder, ...others] = positionals;
if (folder === undefined || others.length > 0) {
  throw new Error('which folder? usage: make-checkpoint.mjs FOLDER [--like llama-3.2-1b] …');
}
const release = releaseShape(options.like);
const layers = options.layers === undefined ? undefined : expectCount('--layers', options.layers);
await makeCheckpoint(folder, {
  ...release,
  paramsText:
    layers === undefined ? release.paramsText : release.paramsText.replace(/("n_layers": )\d+/, `$1${layers}`),
  shardCount: options.shards === undefined ? release.shardCount : expectCount('--shards', options.shards),
  seed: expectCount('--seed', options.seed),
  sparse: options.sparse,
  checklist: !options['no-checklist'],
  onFile: (name) => console.error(`${name} is written`),
});
if (options['no-checklist']) console.error('checklist.chk is left out, as --no-checklist says: no file was hashed');

/**
 * @param {string} option
 * @param {string} text
 */
function expectCount(option, text) {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Error(`${option} takes a whole number from 1 on, not ${text}`);
}
