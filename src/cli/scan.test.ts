/**
 * `scan` as people and programs call it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import type { ScanReport } from '../integrity/scan/scan-report.js';
import type { SarifLog } from '../report/sarif.js';
import { copyOfModel, llamaInspect, llamaInspectJson, temporaryFolder } from '../testing/cli.js';
import { FIXTURES, modelFolder } from '../testing/fixtures.js';
import { global, pickle } from '../testing/pickle-assembler.js';
import { torchBytes } from '../testing/torch-bytes.js';

const ZOO = join(FIXTURES, 'zoo');
const UNKNOWN = pickle(global('mylib.config', 'Config'), 'EMPTY_TUPLE', 'REDUCE');

function written(bytes: Uint8Array, name = 'x.pt'): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, bytes);
  return path;
}

describe('llama-inspect scan', () => {
  it.each([
    ['clean', join(ZOO, 'dtype_float32.pt'), 0, 'CLEAN   1 file, 1 pickle   nothing was executed'],
    ['danger', join(ZOO, 'danger_eval.pt'), 1, 'DANGEROUS   1 finding in 1 file   nothing was executed'],
    ['unknown', join(ZOO, 'tensor_subclass.pt'), 1, 'SUSPICIOUS   1 finding in 1 file   nothing was executed'],
    ['no checkpoint', join(ZOO, 'not_html.pth'), 2, 'UNREADABLE   1 file could not be looked into'],
  ])('answers by its exit code: %s', async (_, path, code, headline) => {
    const run = await llamaInspect('scan', path);
    expect([run.code, run.stderr]).toEqual([code, '']);
    expect(run.stdout).toContain(headline);
    for (const line of run.stdout.split('\n')) if (!line.includes(path)) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('answers in JSON by its schema, whatever it finds', async () => {
    for (const name of ['danger_beside_tensors.pt', 'whole_module.pt', 'not_html.pth', 'package.pt', 'dcp_sharded']) {
      const { code, answer } = await llamaInspectJson<ScanReport & { kind: string }>('scan', join(ZOO, name));
      expect(answer.kind).toBe('scan');
      expect(code).toBe({ clean: 0, findings: 1, unreadable: 2 }[answer.verdict]);
    }
    const { code, answer } = await llamaInspectJson<ScanReport>('scan', ZOO);
    expect([code, answer.verdict, answer.files.length]).toEqual([1, 'findings', 248]);
  });

  it('answers in SARIF, and not in JSON as well', async () => {
    const run = await llamaInspect('scan', join(ZOO, 'danger_eval.pt'), '--sarif');
    const log = JSON.parse(run.stdout) as SarifLog;
    expect([run.code, log.version, run.stderr]).toEqual([1, '2.1.0', '']);
    expect(await llamaInspect('scan', ZOO, '--sarif', '--json')).toMatchObject({ code: 2, stderr: '' });
    const missing = await llamaInspect('scan', join(ZOO, 'nothing here'), '--sarif');
    expect(missing).toMatchObject({ code: 2, stdout: '' });
  });

  it('allows what it is told to, by full names only', async () => {
    const path = written(await torchBytes(UNKNOWN, {}));
    expect((await llamaInspect('scan', path)).code).toBe(1);
    const allowed = await llamaInspect('scan', path, '--allow', 'a.b', '--allow', 'mylib.config.Config');
    expect(allowed.code).toBe(0);
    expect(allowed.stdout).toContain('  allowed by you: a.b, mylib.config.Config\n');
    for (const name of ['mylib.*', 'Config', '', 'a..b', '.a']) {
      const refused = await llamaInspect('scan', path, '--allow', name);
      expect([name, refused.code]).toEqual([name, 2]);
      expect(refused.stderr).toContain('cli/usage');
    }
  });
});

describe('llama-inspect verify', () => {
  it('scans the weights too', async () => {
    const sound = await llamaInspect('verify', modelFolder('llama3.2-tiny'));
    expect(sound.code).toBe(0);
    expect(sound.stdout).toContain('✓ scan                 nothing unsafe in 1 pickle\n');
    const folder = copyOfModel('llama3.2-tiny');
    writeFileSync(join(folder, 'extra.pt'), await torchBytes(UNKNOWN, {}));
    const found = await llamaInspect('verify', folder);
    expect(found.code).toBe(1);
    expect(found.stdout).toContain('1 file with findings of the scan');
    expect(found.stdout).toContain('extra.pt : archive/data.pkl at 0x16: mylib.config.Config is called');
    const { answer } = await llamaInspectJson<{ scan: ScanReport }>('verify', folder);
    expect(answer.scan.verdict).toBe('findings');
  });

  it('takes an allow-list', async () => {
    const folder = copyOfModel('llama3.2-tiny');
    writeFileSync(join(folder, 'extra.pt'), await torchBytes(UNKNOWN, {}));
    const { answer } = await llamaInspectJson<{ scan: ScanReport }>('verify', folder, '--allow', 'mylib.config.Config');
    expect(answer.scan).toMatchObject({ verdict: 'clean', allow: ['mylib.config.Config'] });
  });
});
