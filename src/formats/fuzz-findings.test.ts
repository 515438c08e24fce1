/**
 * What fuzzing has found, met again: see `fixtures/fuzz/README.md`.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { FIXTURES } from '../testing/fixtures.js';
import { FUZZ_TARGETS, attempt } from '../testing/fuzz-targets.js';

/** A line of `findings.jsonl`; the other fields tell how the bytes came about. */
interface Finding {
  readonly bytes: string;
  readonly target: string;
  readonly error: string;
}

const FOLDER = join(FIXTURES, 'fuzz');
const FINDINGS = readFileSync(join(FOLDER, 'findings.jsonl'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Finding);

describe('what fuzzing has found', () => {
  it('is listed, and all that is listed is there', () => {
    const files = readdirSync(FOLDER).filter((name) => name.endsWith('.bin'));
    expect(FINDINGS.map(({ bytes }) => bytes).sort()).toEqual(files.sort());
  });

  it.each(FINDINGS)('$bytes is met with a value or a CheckpointError', async ({ bytes, target: name }) => {
    const target = FUZZ_TARGETS.find((candidate) => candidate.name === name);
    expect(target, `a target called ${name}`).toBeDefined();
    const found = new Uint8Array(readFileSync(join(FOLDER, bytes)));
    expect(await attempt(target!, found)).toMatch(/^read$|^[a-z]+\/[a-z0-9-]+$/);
  });
});
