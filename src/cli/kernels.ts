/**
 * Which kernels a command computes with: the variable `LLAMA_INSPECT_KERNELS`.
 *
 * @module
 */
import type { Kernels } from '../forward/kernels.js';
import { usageError } from './errors.js';

/** The variable; `off` leaves out WebAssembly and threads, which nothing needs but tests and doubts. */
const VARIABLE = 'LLAMA_INSPECT_KERNELS';

/**
 * Kernels of the forward pass, to be closed: in threads, or plain TypeScript where they are turned off.
 *
 * @throws CliError `cli/usage`
 */
export async function openKernels(): Promise<Kernels> {
  const value = process.env[VARIABLE] ?? 'on';
  if (value === 'off') return (await import('../forward/plain-kernels.js')).plainKernels;
  if (value !== 'on') throw usageError(`${VARIABLE} is ${JSON.stringify(value)}, but it is on or off`);
  return (await import('../forward/kernel-pool-node.js')).createNodeKernels();
}
