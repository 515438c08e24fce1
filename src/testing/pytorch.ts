/**
 * PyTorch, for the tests that have it read our files: in the Python that the variable LLAMA_PYTHON names, else `python3`.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';

/** The Python that is asked. */
export const PYTHON = process.env['LLAMA_PYTHON'] ?? 'python3';

/** Whether it has PyTorch. */
export const hasPyTorch = canImportTorch();

/** What a test's title says where it is left out. */
export const PYTORCH_SKIPPED = hasPyTorch
  ? ''
  : ` (skipped: ${PYTHON} has no PyTorch; name one that has in LLAMA_PYTHON)`;

function canImportTorch(): boolean {
  try {
    execFileSync(PYTHON, ['-c', 'import torch'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
