// @ts-check
/**
 * Rows that are commands: each runs in a process of its own, and what it writes is removed again.
 *
 * @module
 */
import { mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { measure } from './measure.mjs';
import { missingPeers } from './peers.mjs';

/** @typedef {import('./turns.mjs').Row} Row */
/** @typedef {import('./materials.mjs').Context} Context */

/**
 * A command to be measured.
 *
 * @typedef {object} Case
 * @property {string} id
 * @property {string} label
 * @property {string[]} command - the program and its arguments
 * @property {string[]} [peers] - programs of others that it needs; none for ours
 * @property {boolean} [ours] - whether it is ours although it needs a program of others
 * @property {number} [rounds] - at most so many
 * @property {number} [bytes] - of the file that it works on, where sizes are compared
 * @property {boolean} [keepsOutput] - whether the next case needs what it writes
 */

const CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

/**
 * Our own command.
 *
 * @param {string[]} args
 */
export function cli(...args) {
  return [process.execPath, CLI, ...args];
}

/**
 * A program of this folder.
 *
 * @param {string} name
 */
export function beside(name) {
  return fileURLToPath(new URL(name, import.meta.url));
}

/**
 * @param {Context} context
 * @param {Case} each
 * @returns {Row}
 */
export function commandRow({ output, peers: found }, { command, peers = [], ...rest }) {
  const { id, label, ours = false, bytes, rounds, keepsOutput = false } = rest;
  const missing = missingPeers(found, peers);
  const [program = '', ...args] = command;
  return {
    ...{ id, label, peers: ours ? [] : peers },
    ...(missing === undefined ? {} : { missing }),
    ...(rounds === undefined ? {} : { rounds }),
    run: async () => {
      await mkdir(output, { recursive: true });
      try {
        const { wall, cpu, peakBytes } = await measure(program, args);
        return { wall, cpu, peakBytes, ...(bytes === undefined ? {} : { bytes }) };
      } finally {
        if (!keepsOutput) await rm(output, { recursive: true, force: true });
      }
    },
  };
}
