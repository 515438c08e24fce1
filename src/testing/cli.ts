/**
 * The command line in this process, with its streams caught.
 *
 * Not part of the package.
 *
 * @module
 */
import { chmodSync, cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Readable, Writable } from 'node:stream';

import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, expect } from 'vitest';

import { runCli } from '../cli/run.js';
import { PROJECT } from './built.js';
import { modelFolder } from './fixtures.js';

/** What a run printed, and its exit code. */
export interface CliRun {
  /** Exit code. */
  readonly code: number;
  /** Standard output. */
  readonly stdout: string;
  /** Standard error. */
  readonly stderr: string;
}

/** A stream that keeps what it is given. */
export interface CaughtStream extends Writable {
  /** Whether it claims to be a terminal. */
  isTTY?: boolean;
  /** Width of the terminal. */
  columns?: number;
  /** Everything so far. */
  text(): string;
}

/** A stream that keeps what it is given and tells `onText` of each piece. */
export function caughtStream(onText: (text: string) => void = () => {}): CaughtStream {
  let all = '';
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk: string | Buffer, _encoding, done) => {
      const text = chunk.toString();
      all += text;
      onText(text);
      done();
    },
  });
  return Object.assign(stream, { text: () => all });
}

/** Runs the command line as if it were piped. */
export async function llamaInspect(...argv: string[]): Promise<CliRun> {
  const [stdout, stderr] = [caughtStream(), caughtStream()];
  const code = await runCli(argv, { stdout, stderr, signal: new AbortController().signal });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

/** Runs the command line with something on its standard input. */
export async function llamaInspectWith(stdin: Readable, ...argv: string[]): Promise<CliRun> {
  const [stdout, stderr] = [caughtStream(), caughtStream()];
  const code = await runCli(argv, { stdin: () => stdin, stdout, stderr, signal: new AbortController().signal });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

/** Runs the command line with `--json` and gives its one object, which must follow its published schema. */
export async function llamaInspectJson<T>(...argv: string[]): Promise<{ code: number; answer: T }> {
  const { code, stdout, stderr } = await llamaInspect(...argv, '--json');
  expect(stderr).toBe('');
  expect(stdout.endsWith('}\n')).toBe(true);
  const answer: unknown = JSON.parse(stdout);
  expectSchema(answer);
  return { code, answer: answer as T };
}

const temporary: string[] = [];

/** A folder that is removed after the test. */
export function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'llama-inspect-test-'));
  temporary.push(path);
  return path;
}

afterEach(() => {
  for (const path of temporary.splice(0)) rmSync(path, { recursive: true, force: true });
});

/** A copy of a model that a test may change, in a folder of its own. */
export function copyOfModel(name: string, as = name): string {
  const path = join(temporaryFolder(), as);
  cpSync(modelFolder(name), path, { recursive: true, filter: (source) => !source.includes('expected') });
  for (const file of readdirSync(path)) chmodSync(join(path, file), 0o644);
  return path;
}

const SCHEMAS = join(PROJECT, 'docs/schema');

/** Throws unless the answer follows the published schema of its kind, and that schema mentions each of its properties. */
function expectSchema(answer: unknown): void {
  const { kind } = answer as { kind: string };
  const ajv = new Ajv2020({ allowUnionTypes: true, schemas: readSchemas() });
  const validate = ajv.getSchema(`https://llama-inspect.dev/schema/${kind}.schema.json`);
  expect(validate, `a schema for the kind ${kind}`).toBeDefined();
  const valid: unknown = validate?.(answer);
  expect(validate?.errors ?? []).toEqual([]);
  expect(valid).toBe(true);
}

/** The published schemas, which allow properties to be added, made to allow none. */
function readSchemas(): object[] {
  return readdirSync(SCHEMAS)
    .filter((name) => name !== 'params.schema.json')
    .map((name) => JSON.parse(readFileSync(join(SCHEMAS, name), 'utf8'), closed) as object);
}

function closed(_key: string, value: unknown): unknown {
  const isSchema = typeof value === 'object' && value !== null && 'properties' in value && 'type' in value;
  return isSchema ? { ...value, additionalProperties: false } : value;
}
