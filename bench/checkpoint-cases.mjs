// @ts-check
/**
 * Commands over whole checkpoints, ours and those of others: a list, not a program.
 *
 * @module
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';

import { beside, cli, commandRow } from './commands.mjs';
import { PYTHON } from './peers.mjs';

/** @typedef {import('./materials.mjs').Context} Context */
/** @typedef {import('./commands.mjs').Case} Case */
/** @typedef {import('./turns.mjs').Row} Row */

/** Eight ids: with the eight that `check` brings, near and far, 32 tokens are run. */
export const CHECKED_TOKENS = '128000,9906,11,1917,0,358,1097,264';

/** @param {Context} context */
export function headerRows({ checkpoint, ...context }) {
  /** @type {Case[]} */
  const cases = [
    { id: 'headers/node', label: '`node -e 0`', command: [process.execPath, '-e', '0'] },
    { id: 'headers/inspect', label: '`inspect`', command: cli('inspect', checkpoint) },
    { id: 'headers/inspect-json', label: '`inspect --json`', command: cli('inspect', '--json', checkpoint) },
    { id: 'headers/tensors', label: '`tensors`', command: cli('tensors', checkpoint) },
  ];
  return rowsOf({ checkpoint, ...context }, cases);
}

/** @param {Context} context */
export function hashRows(context) {
  const { checkpoint, weights, sharded } = context;
  const files = [0, 1, 2, 3].map((shard) => join(sharded, `consolidated.0${shard}.pth`));
  const oneCore = ['taskset', '-c', '0'];
  /** @type {Case[]} */
  const cases = [
    { id: 'hashing/verify', label: '`verify`', command: cli('verify', checkpoint) },
    { id: 'hashing/md5sum', label: '`md5sum`', peers: ['md5sum'], command: ['md5sum', weights] },
    { id: 'hashing/openssl', label: '`openssl md5`', peers: ['openssl'], command: ['openssl', 'md5', weights] },
    {
      ...{ id: 'hashing/four/verify', label: 'four files on one core: `verify`', ours: true },
      ...{ peers: ['taskset'], command: [...oneCore, ...cli('verify', sharded)] },
    },
    {
      ...{ id: 'hashing/four/md5sum', label: 'one after the other: `md5sum`' },
      ...{ peers: ['taskset', 'md5sum'], command: [...oneCore, 'md5sum', ...files] },
    },
    {
      ...{ id: 'hashing/four/node', label: 'one after the other: `node:crypto`', ours: true },
      ...{ peers: ['taskset'], command: [...oneCore, process.execPath, beside('md5-once.mjs'), ...files] },
    },
  ];
  return rowsOf(context, cases);
}

/** @param {Context} context */
export function convertRows(context) {
  const { checkpoint, weights, output } = context;
  const copy = join(output, 'copy.pth');
  const safetensors = ['convert', checkpoint, '--to', 'safetensors', '--output', join(output, 'hf')];
  /** @param {string} type */
  const gguf = (type) => ['convert', checkpoint, '--to', 'gguf', '--type', type, '-o', join(output, 'model.gguf')];
  const script = beside('torch_to_safetensors.py');
  /** @type {Case[]} */
  const cases = [
    { id: 'converting/cp', label: '`cp`', peers: ['cp'], command: ['cp', weights, copy] },
    {
      ...{ id: 'converting/safetensors', label: '`convert --to safetensors --no-lock`' },
      command: cli(...safetensors, '--no-lock'),
    },
    {
      ...{ id: 'converting/cp-sync', label: '`cp`, then `sync`', peers: ['cp', 'sync'] },
      command: ['sh', '-c', 'cp "$0" "$1" && sync "$1"', weights, copy],
    },
    { id: 'converting/bf16', label: '`convert --to gguf --type bf16 --no-lock`', command: cli(...gguf('bf16'), '--no-lock') }, // prettier-ignore
    { id: 'converting/f16', label: '`convert --to gguf --type f16 --no-lock`', command: cli(...gguf('f16'), '--no-lock') }, // prettier-ignore
    {
      ...{ id: 'converting/pytorch', label: 'PyTorch mmap and safetensors', peers: ['PyTorch', 'safetensors'] },
      command: [PYTHON, script, weights, join(output, 'model.safetensors')],
    },
    { id: 'converting/safetensors-lock', label: '`convert --to safetensors`', command: cli(...safetensors) },
    { id: 'converting/bf16-lock', label: '`convert --to gguf --type bf16`', command: cli(...gguf('bf16')) },
    { id: 'converting/f16-lock', label: '`convert --to gguf --type f16`', command: cli(...gguf('f16')) },
  ];
  return rowsOf(context, cases);
}

/** @param {Context} context */
export function quantizedFileRows(context) {
  const { checkpoint, weights, output } = context;
  const file = join(output, 'model.gguf');
  /** @param {string} type */
  const quantizing = (type) =>
    cli('convert', checkpoint, '--to', 'gguf', '--type', type, '--output', file, '--no-lock');
  /** @type {Case[]} */
  const cases = [
    { id: 'quantized-files/q8_0', label: '`convert --type q8_0`', command: quantizing('q8_0') },
    { id: 'quantized-files/q4_k_m', label: '`convert --type q4_k_m`', command: quantizing('q4_k_m'), rounds: 2 },
    {
      ...{ id: 'quantized-files/gguf-py', label: 'gguf-py and PyTorch to Q8_0', peers: ['gguf-py', 'PyTorch'] },
      ...{ command: [PYTHON, beside('gguf_py.py'), 'q8_0', weights, file], rounds: 1 },
    },
  ];
  return rowsOf(context, cases);
}

/**
 * The same work at two sizes; only with `--full`.
 *
 * @param {Context} context
 * @returns {Row[]}
 */
export function sizeRows(context) {
  const models = { '1b': context.checkpoint, '8b': context.large };
  return Object.entries(models).flatMap(([size, checkpoint]) => {
    const weights = join(checkpoint, 'consolidated.00.pth');
    const bytes = context.full ? statSync(weights).size : 0;
    const quantized = join(context.output, 'model.gguf');
    const hf = ['--to', 'safetensors', '--output', join(context.output, 'hf'), '--no-lock'];
    const gguf = ['--to', 'gguf', '--type', 'q8_0', '--output', quantized, '--no-lock'];
    /** @type {Case[]} */
    const cases = [
      { id: `size/${size}/convert`, label: `${size.toUpperCase()}: \`convert\``, command: cli('convert', checkpoint, ...hf), bytes }, // prettier-ignore
      { id: `size/${size}/verify`, label: `${size.toUpperCase()}: \`verify\``, command: cli('verify', checkpoint), bytes }, // prettier-ignore
      {
        ...{ id: `size/${size}/quantize`, label: `${size.toUpperCase()}: \`convert --type q8_0\``, bytes },
        ...{ command: cli('convert', checkpoint, ...gguf), keepsOutput: true },
      },
      {
        ...{ id: `size/${size}/check`, label: `${size.toUpperCase()}: \`check\` against that`, bytes },
        command: cli('check', checkpoint, quantized),
      },
    ];
    const rows = rowsOf(context, cases);
    return context.full ? rows : rows.map((row) => ({ ...row, missing: 'measured with --full only' }));
  });
}

/**
 * @param {Context} context
 * @param {readonly Case[]} cases
 */
function rowsOf(context, cases) {
  return cases.map((each) => commandRow(context, each));
}
