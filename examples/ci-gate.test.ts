/**
 * The gate of `examples/ci-gate`, on a sound model and on one that was tampered with.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { PROJECT, builtFile } from '../src/testing/built.js';
import { temporaryFolder } from '../src/testing/cli.js';
import { FIXTURES, modelFolder } from '../src/testing/fixtures.js';

interface GateRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly results: string;
}

function gate(place: string): GateRun {
  const main = builtFile('cli/main.js');
  const { status, stdout, stderr } = spawnSync('bash', [join(PROJECT, 'examples/ci-gate/gate.sh'), 'models'], {
    cwd: place,
    encoding: 'utf8',
    env: { ...process.env, LLAMA_INSPECT: `${process.execPath} ${main}` },
  });
  expect(stderr).toBe('');
  return { status, stdout, results: join(place, 'gate-results') };
}

function placeWith(...names: readonly string[]): string {
  const place = temporaryFolder();
  mkdirSync(join(place, 'models'));
  for (const name of names) cpSync(modelFolder('llama3.2-tiny'), join(place, 'models', name), { recursive: true });
  return place;
}

describe('the gate', () => {
  it('is closed to a model that would run something, as its page shows', () => {
    const place = placeWith('sound', 'tampered');
    cpSync(join(FIXTURES, 'zoo/danger_beside_tensors.pt'), join(place, 'models/tampered/model.pt'));
    const { status, stdout, results } = gate(place);
    const page = readFileSync(join(PROJECT, 'examples/ci-gate/README.md'), 'utf8');
    const shown = /^\$ LLAMA_INSPECT.*\n([\s\S]*?)^```$/m.exec(page)?.[1];
    expect(stdout).toBe(shown);
    expect(status).toBe(1);
    expect(readdirSync(results).sort()).toEqual(['scan.sarif', 'verify-sound.json', 'verify-tampered.json']);
    const sarif = JSON.parse(readFileSync(join(results, 'scan.sarif'), 'utf8')) as { runs: [{ results: unknown[] }] };
    expect(sarif.runs[0].results).toMatchObject([{ ruleId: 'dangerous-global', level: 'error' }]);
  });

  it('is open to a sound one', () => {
    const { status, stdout } = gate(placeWith('sound'));
    expect(stdout).toContain('sound: intact\ngate: passed\n');
    expect(status).toBe(0);
  });
});
