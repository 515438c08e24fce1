// @ts-check
/**
 * What it costs to open files that are large in one way: 65,606 members, 10,000 tensors, 280,147 merges.
 *
 * Each opening is timed twice over: in this process, where the code is warm, and in a process of its own, started for
 * it, whose memory is the memory of the opening.
 *
 * @module
 */
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

import { beside, cli, commandRow } from './commands.mjs';
import { NAMES } from './make-archives.mjs';
import { measure } from './measure.mjs';
import { OPENINGS } from './open-once.mjs';
import { PYTHON, missingPeers } from './peers.mjs';

/** @typedef {import('./turns.mjs').Row} Row */
/** @typedef {import('./materials.mjs').Context} Context */
/** @typedef {{ id: string, label: string, opening: string, file: string, peers?: string[] }} Case */

/** @type {Case[]} */
const CASES = [
  { id: 'members', label: '65,606 members listed', opening: 'list, llama-inspect', file: NAMES.members },
  { id: 'members/yauzl', label: 'the same by yauzl', opening: 'list, yauzl', file: NAMES.members, peers: ['yauzl'] },
  { id: 'tensors', label: '65,600 tensors opened', opening: 'tensors, llama-inspect', file: NAMES.members },
  { id: 'pickle', label: 'pickle of 10,000 tensors parsed', opening: 'pickle, llama-inspect', file: NAMES.tensors },
  {
    ...{ id: 'pickle/pickleparser', label: 'the same by pickleparser', opening: 'pickle, pickleparser' },
    ...{ file: NAMES.tensors, peers: ['pickleparser'] },
  },
  { id: 'tensors-10000', label: '10,000 tensors opened', opening: 'tensors, llama-inspect', file: NAMES.tensors },
  { id: 'gguf', label: 'GGUF opened, 280,147 merges', opening: 'header, llama-inspect', file: NAMES.vocabulary },
  {
    ...{ id: 'gguf-strings', label: 'and all strings read' },
    ...{ opening: 'header and all strings, llama-inspect', file: NAMES.vocabulary },
  },
  {
    ...{ id: 'gguf/huggingface', label: 'the same by @huggingface/gguf', peers: ['@huggingface/gguf'] },
    ...{ opening: 'header and all strings, @huggingface/gguf', file: NAMES.vocabulary },
  },
];

/**
 * @param {Context} context
 * @returns {Row[]}
 */
export function openingRows(context) {
  const { archives, peers: found } = context;
  return [
    ...CASES.map(({ id, label, opening, file, peers = [] }) =>
      openingRow(context, { id, label, opening, file, peers }),
    ),
    {
      ...{ id: 'opening/gguf/gguf-py', label: 'the same by gguf-py', peers: ['gguf-py'], rounds: 1 },
      ...missingIn(found, ['gguf-py']),
      run: async () => ({
        ...(await measure(PYTHON, [beside('gguf_py.py'), 'open', join(archives, NAMES.vocabulary)])),
      }),
    },
    commandRow(context, {
      ...{ id: 'opening/command', label: '`llama-inspect tensors`, 65,600 rows' },
      command: cli('tensors', join(archives, NAMES.members)),
    }),
  ];
}

/**
 * @param {Context} context
 * @param {Required<Case>} each
 * @returns {Row}
 */
function openingRow({ archives, peers: found }, { id, label, opening, file, peers }) {
  const path = join(archives, file);
  return {
    ...{ id: `opening/${id}`, label, peers, ...missingIn(found, peers) },
    warmUp: () => OPENINGS[opening]?.(path),
    run: async () => {
      const start = performance.now();
      await OPENINGS[opening]?.(path);
      const warmMs = performance.now() - start;
      return { warmMs, ...(await measure(process.execPath, [beside('open-once.mjs'), opening, path])) };
    },
  };
}

/**
 * @param {Context['peers']} found
 * @param {readonly string[]} peers
 */
function missingIn(found, peers) {
  const missing = missingPeers(found, peers);
  return missing === undefined ? {} : { missing };
}
