// @ts-check
/**
 * Runs a command and says what it took: seconds on the clock and of the processor, and the most memory it ever held.
 *
 * Node cannot ask the kernel about a child that has ended, Python can (`wait4`), so a few lines of it stand
 * between. They are a small process on purpose: the kernel counts the memory of whoever starts a program as the
 * program's own until it has begun.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { PYTHON } from './peers.mjs';

/**
 * @typedef {object} Usage
 * @property {number} wall Seconds on the clock.
 * @property {number} cpu Seconds of the processor, in the program and in the kernel on its behalf.
 * @property {number} peakBytes Most memory resident at one time.
 */

const WRAPPER = `
import json, os, sys, time
started = time.monotonic()
nowhere = os.open(os.devnull, os.O_RDWR)
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, nowhere, 1)])
_, status, usage = os.wait4(child, 0)
wall = time.monotonic() - started
code = os.waitstatus_to_exitcode(status)
print(json.dumps(dict(code=code, wall=wall, cpu=usage.ru_utime + usage.ru_stime, peakBytes=usage.ru_maxrss * 1024)))
`;

/**
 * Runs a command to its end. What it prints is lost, and any exit code but 0 is an error that has its last lines.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [environment]
 * @returns {Promise<Usage>}
 */
export async function measure(command, args, environment = process.env) {
  const options = { env: environment, maxBuffer: 1 << 26 };
  const { stdout, stderr } = await promisify(execFile)(PYTHON, ['-c', WRAPPER, command, ...args], options);
  const { code, ...usage } = JSON.parse(stdout);
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${stderr.trim().split('\n').slice(-3).join(' ')}`);
  return usage;
}
