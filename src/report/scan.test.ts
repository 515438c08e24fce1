import { describe, expect, it } from 'vitest';

import type { ScanFinding, ScanReport, ScannedFile, ScannedGlobal } from '../integrity/scan/scan-report.js';
import { renderLines } from './lines.js';
import { scanLines, scanSummary } from './scan.js';

const finding = (more: Partial<ScanFinding> = {}): ScanFinding => ({
  ...{ rule: 'dangerous-global', message: 'posix.system is called: runs a shell command', member: 'a/data.pkl' },
  ...{ offset: 0x1f3, fileOffset: 0x233, opcode: 'REDUCE', name: 'posix.system', code: null },
  ...more,
});

const named = (name: string, more: Partial<ScannedGlobal> = {}): ScannedGlobal => ({
  ...{ name, class: 'tensor-machinery', reason: 'makes tensors', weightsOnly: true, allowed: false },
  ...{ opcode: 'GLOBAL', offset: 0, count: 1, calls: 0, firstCall: null },
  ...more,
});

const file = (path: string, more: Partial<ScannedFile> = {}): ScannedFile => ({
  ...{ path, size: 2000, format: 'torch', verdict: 'clean', error: null, findings: [], findingsLeftOut: 0 },
  ...{ pickles: [{ member: 'a/data.pkl', offset: 0, byteLength: 9, protocol: 2, globals: [] }], notes: [] },
  ...more,
});

const report = (files: readonly ScannedFile[], more: Partial<ScanReport> = {}): ScanReport => ({
  ...{ path: 'it', verdict: 'clean', allow: [], files, others: [], notes: [] },
  ...more,
});

const text = (from: ScanReport): string => renderLines(scanLines(from));

const pickle = (...globals: readonly ScannedGlobal[]): Pick<ScannedFile, 'pickles'> => ({
  pickles: [{ member: null, offset: 0, byteLength: 9, protocol: 2, globals }],
});

describe('scanLines', () => {
  it('says what was found, where, and what else there is', () => {
    const bad = file('x.pth', {
      verdict: 'findings',
      findings: [finding(), finding({ member: null, opcode: null, name: null, offset: null, message: 'something' })],
      ...pickle(named('posix.system', { class: 'dangerous' }), named('a.b'), named('c.d'), named('e.f')),
    });
    expect(text(report([bad], { verdict: 'findings' }))).toBe(
      `DANGEROUS   2 findings in 1 file   nothing was executed

  x.pth : a/data.pkl
    at 0x1f3   REDUCE   posix.system is called: runs a shell command
  x.pth
    at 0x0   something
    3 other globals, all tensor machinery

`,
    );
  });

  it('tells suspicion from danger, and leaves out what is too much', () => {
    const findings = Array.from({ length: 25 }, (_, at) => finding({ rule: 'unknown-global', offset: at }));
    const shown = text(
      report([file('x.pth', { verdict: 'findings', findings, findingsLeftOut: 3 })], { verdict: 'findings' }),
    );
    expect(shown).toContain('SUSPICIOUS   28 findings in 1 file');
    expect(shown).toContain('    and 8 more; --json has all of them\n');
    expect(shown).toContain('    no other globals in 1 pickle\n');
  });

  it('lists clean files, some of them', () => {
    const globals = [
      named('a.b'),
      named('c.d', { class: 'harmless' }),
      named('e.f', { class: 'unknown', allowed: true }),
    ];
    const files = [
      file('long-name.safetensors', { format: 'safetensors', pickles: [] }),
      file('x.pth', pickle(...globals)),
      ...Array.from({ length: 12 }, (_, at) => file(`y${at}.pt`)),
    ];
    const shown = text(
      report(files, { allow: ['e.f'], others: [{ path: 'params.json', what: 'JSON' }], notes: ['so'] }),
    );
    expect(shown).toContain('CLEAN   14 files, 13 pickles   nothing was executed\n');
    expect(shown).toContain('  ✓ long-name.safetensors   safetensors   2 kB   no pickle\n');
    expect(shown).toContain(
      '  ✓ x.pth                   PyTorch   2 kB   1 pickle\n      3 globals, 1 tensor machinery, 1 harmless data, 1 allowed by you\n',
    );
    expect(shown).toContain('    and 2 more files without findings\n');
    expect(shown).toContain('  allowed by you: e.f\n');
    expect(shown).toContain('  so\n');
    expect(shown).toContain('  neither tensors nor pickles: params.json\n');
  });

  it('names many other files in part', () => {
    const others = Array.from({ length: 15 }, (_, at) => ({ path: `f${at}`, what: 'text' }));
    expect(text(report([file('x')], { others }))).toMatch(/f11\s+and 3 more\n/);
  });

  it('says why a file could not be looked into', () => {
    const error = { code: 'zip/no-end-record', message: 'cut off', offset: 3, hint: 'download this file again' };
    const cut = file('x.pth', { verdict: 'unreadable', error, pickles: [] });
    expect(text(report([cut], { verdict: 'unreadable' }))).toBe(
      `UNREADABLE   1 file could not be looked into   nothing was executed

  ✗ x.pth
    cut off [zip/no-end-record]
      download this file again

`,
    );
    const both = file('x.pth', { verdict: 'findings', error: { ...error, hint: null }, findings: [finding()] });
    expect(text(report([both], { verdict: 'findings' }))).toContain('    cut off [zip/no-end-record]\n');
  });

  it('shows no control characters of names', () => {
    const bad = file('x\u001b[2J', {
      verdict: 'findings',
      findings: [finding({ member: 'a\u0007', message: 'b\u202e' })],
    });
    expect(text(report([bad], { verdict: 'findings' }))).not.toMatch(/[\u001b\u0007\u202e]/);
  });
});

describe('scanSummary', () => {
  const summary = (from: ScanReport, explained = false): string => renderLines(scanSummary(from, 9, () => explained));

  it('is one line where nothing was found', () => {
    expect(summary(report([file('x')]))).toBe('  ✓ scan       nothing unsafe in 1 pickle\n');
    expect(summary(report([file('x', { pickles: [] })]))).toBe('  ✓ scan       no pickle, so nothing that could run\n');
    expect(summary(report([]))).toBe('');
  });

  it('tells findings, and files that could not be looked into unless that was said', () => {
    const error = { code: 'zip/no-end-record', message: 'cut off', offset: 3, hint: null };
    const files = [
      file('x', { verdict: 'findings', findings: [finding(), finding({ member: null, offset: null })] }),
      file('y', { verdict: 'unreadable', error }),
    ];
    expect(summary(report(files, { verdict: 'findings' }))).toBe(
      `  ✗ scan       2 findings
      x : a/data.pkl at 0x1f3: posix.system is called: runs a shell command
      x at 0x0: posix.system is called: runs a shell command
      y: cut off [zip/no-end-record]
`,
    );
    expect(summary(report(files.slice(1), { verdict: 'unreadable' }), true)).toBe(
      '  – scan       could not look into everything\n',
    );
  });
});
