/**
 * Which kernels a command computes with: the variable `LLAMA_INSPECT_KERNELS`.
 *
 * @module
 */
import type { Comparer } from '../check/comparer.js';
import type { RunOptions } from '../convert/convert.js';
import type { Kernels } from '../forward/kernels.js';
import { usageError } from './errors.js';

/** The variable; `off` leaves out WebAssembly and threads, for tests and for those in doubt. */
const VARIABLE = 'LLAMA_INSPECT_KERNELS';

/**
 * Kernels of the forward pass, to be closed: in threads, or plain TypeScript where they are turned off.
 *
 * @throws CliError `cli/usage`
 */
export async function openKernels(): Promise<Kernels> {
  if (areOff()) return (await import('../forward/plain-kernels.js')).plainKernels;
  return (await import('../forward/kernel-pool-node.js')).createNodeKernels();
}

/**
 * What compares tensors, to be closed: in threads, or plain TypeScript where kernels are turned off.
 *
 * @throws CliError `cli/usage`
 */
export async function openComparer(): Promise<Comparer> {
  if (areOff()) return (await import('../check/comparer.js')).plainComparer;
  return (await import('../check/comparer-pool-node.js')).createNodeComparer();
}

/**
 * How a conversion encodes: as it likes, or in plain TypeScript where kernels are turned off.
 *
 * @throws CliError `cli/usage`
 */
export async function encoding(): Promise<Pick<RunOptions, 'createEncoder'>> {
  return areOff() ? { createEncoder: (await import('../convert/local-encoder.js')).createPlainEncoder } : {};
}

function areOff(): boolean {
  const value = process.env[VARIABLE] ?? 'on';
  if (value === 'on' || value === 'off') return value === 'off';
  throw usageError(`the variable ${VARIABLE} is ${JSON.stringify(value)}, but it is either on or off`);
}
