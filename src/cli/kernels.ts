/**
 * Which kernels a command computes with: the variable `LLAMA_INSPECT_KERNELS`.
 *
 * @module
 */
import type { Comparer } from '../check/comparer.js';
import type { RunOptions } from '../convert/convert.js';
import type { ThreadOptions } from '../options.js';
import type { HashFiles } from '../integrity/hash-files.js';
import type { Kernels } from '../forward/kernels.js';
import { usageError } from './errors.js';
import type { JobsOption } from './jobs.js';

/** The variable; `off` leaves out WebAssembly and threads, for tests and for those in doubt. */
const VARIABLE = 'LLAMA_INSPECT_KERNELS';

/**
 * Kernels of the forward pass, to be closed: in so many threads, or plain TypeScript where they are turned off.
 *
 * @throws CliError `cli/usage`
 */
export async function openKernels({ jobs }: JobsOption): Promise<Kernels> {
  if (areOff()) return (await import('../forward/plain-kernels.js')).plainKernels;
  return (await import('../forward/kernel-pool-node.js')).createNodeKernels({ threads: jobs });
}

/**
 * What compares tensors, to be closed: in so many threads, or plain TypeScript where kernels are turned off.
 *
 * @throws CliError `cli/usage`
 */
export async function openComparer({ jobs }: JobsOption): Promise<Comparer> {
  if (areOff()) return (await import('../check/comparer.js')).plainComparer;
  return (await import('../check/comparer-pool-node.js')).createNodeComparer({ threads: jobs });
}

/**
 * How a conversion encodes: in so many threads, or in plain TypeScript where kernels are turned off.
 *
 * @throws CliError `cli/usage`
 */
export async function encoding({ jobs }: JobsOption): Promise<Pick<RunOptions, 'createEncoder'> & ThreadOptions> {
  if (!areOff()) return { threads: jobs };
  return { createEncoder: (await import('../convert/local-encoder.js')).createPlainEncoder };
}

/**
 * How files are hashed: in so many threads, or one after the other in this one where kernels are turned off.
 *
 * @throws CliError `cli/usage`
 */
export async function hashing({ jobs }: JobsOption): Promise<{ readonly hashFiles?: HashFiles } & ThreadOptions> {
  if (!areOff()) return { threads: jobs };
  const { hashFilesInTurn } = await import('../integrity/hash-files.js');
  const { createNodeHasher } = await import('../integrity/hash-node.js');
  return { hashFiles: hashFilesInTurn(createNodeHasher) };
}

function areOff(): boolean {
  const value = process.env[VARIABLE] ?? 'on';
  if (value === 'on' || value === 'off') return value === 'off';
  throw usageError(`the variable ${VARIABLE} is ${JSON.stringify(value)}, but it is either on or off`);
}
