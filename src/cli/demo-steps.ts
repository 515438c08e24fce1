/**
 * The steps of the demonstration.
 *
 * @module
 */
import { chmod, cp, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The miniature that comes with the package: a trained Llama 3.2 in two and a half megabytes. */
const MODEL = 'llama3.2-tiny';

/** A command of the demonstration. */
export interface DemoStep {
  /** What it shows, in half a sentence. */
  readonly purpose: string;
  /** Arguments as a person would type them. */
  readonly argv: readonly string[];
  /** Exit code it should have. */
  readonly expected: number;
}

const BEFORE: readonly DemoStep[] = [
  { purpose: 'what is it?', argv: ['inspect', MODEL], expected: 0 },
  { purpose: 'is it intact?', argv: ['verify', MODEL], expected: 0 },
  { purpose: 'to Hugging Face', argv: ['convert', MODEL, '--to', 'safetensors', '--output', 'hf'], expected: 0 },
  { purpose: 'to GGUF', argv: ['convert', MODEL, '--to', 'gguf', '--output', 'tiny.gguf'], expected: 0 },
  { purpose: 'is the Hugging Face folder the same model?', argv: ['check', MODEL, 'hf'], expected: 0 },
  { purpose: 'is the GGUF file the same model?', argv: ['check', MODEL, 'tiny.gguf'], expected: 0 },
];

const AFTER: readonly DemoStep[] = [
  { purpose: 'one bit of the weights was flipped: is it noticed?', argv: ['verify', '--deep', MODEL], expected: 1 },
];

/** Runs a step and gives its exit code. */
export type RunStep = (step: DemoStep) => Promise<number>;

/** A step that was run. */
export interface DoneStep extends DemoStep {
  /** Exit code it had. */
  readonly exitCode: number;
}

/**
 * Runs all steps in a temporary folder, which is the working folder meanwhile and is removed at the end.
 *
 * @throws whatever the system says about temporary files
 */
export async function runDemo(run: RunStep): Promise<DoneStep[]> {
  const home = process.cwd();
  const folder = await mkdtemp(join(tmpdir(), 'llama-inspect-demo-'));
  try {
    await cp(fileURLToPath(new URL(`../../fixtures/${MODEL}`, import.meta.url)), join(folder, MODEL), {
      recursive: true,
    });
    process.chdir(folder);
    const done: DoneStep[] = [];
    for (const step of BEFORE) done.push({ ...step, exitCode: await run(step) });
    await flipBit(join(folder, MODEL, 'consolidated.00.pth'));
    for (const step of AFTER) done.push({ ...step, exitCode: await run(step) });
    return done;
  } finally {
    process.chdir(home);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Flips the lowest bit of the byte in the middle. */
async function flipBit(path: string): Promise<void> {
  await chmod(path, 0o600);
  const file = await open(path, 'r+');
  try {
    const middle = Math.floor((await file.stat()).size / 2);
    const byte = new Uint8Array(1);
    await file.read(byte, 0, 1, middle);
    byte[0] = (byte[0] ?? 0) ^ 1;
    await file.write(byte, 0, 1, middle);
  } finally {
    await file.close();
  }
}
