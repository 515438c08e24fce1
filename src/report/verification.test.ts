import { describe, expect, it } from 'vitest';

import { CheckpointError } from '../errors.js';
import type { FilesReport, ListedFile } from '../integrity/files-report.js';
import type { FolderReport, StructureReport } from '../integrity/verify-folder.js';
import { NOT_SCANNED } from '../testing/scan-reports.js';
import { renderLines } from './lines.js';
import { verificationLines } from './verification.js';

const CONSISTENT: StructureReport = {
  status: 'consistent',
  error: undefined,
  config: undefined,
  notes: ['all 147 tensors are present'],
};

function listed(name: string, more: Partial<ListedFile> = {}): ListedFile {
  const hashes = { expected: '5b635229aaaa', found: '5b635229aaaa', algorithm: 'md5' } as const;
  const where = { place: 'folder', list: 'checklist.chk', line: 1 } as const;
  return { name, ...where, ...hashes, size: 2471645608, status: 'ok', condition: null, ...more };
}

function report(verdict: FolderReport['verdict'], files: Partial<FilesReport>, structure = CONSISTENT): FolderReport {
  const nothing = { verdict, listFound: true, known: null, lists: [], files: [], unlisted: [], notCovered: [] };
  const held = { files: { ...nothing, ...files }, locks: [], extra: [], structure, scan: NOT_SCANNED };
  return { path: 'Llama', verdict, ...held, deep: undefined };
}

const text = (folder: FolderReport): string => renderLines(verificationLines(folder));

describe('verificationLines', () => {
  it('gives the verdict, then the evidence', () => {
    expect(
      text(report('intact', { files: [listed('consolidated.00.pth'), listed('params.json', { size: 220 })] })),
    ).toBe(
      `INTACT   2 files as listed; tensors, shapes and tokenizer agree

  ✓ consolidated.00.pth  md5 5b635229…  2,471,645,608 bytes
  ✓ params.json          md5 5b635229…  220 bytes
  ✓ structure            all 147 tensors are present
`,
    );
  });

  it('counts a file once that two lists name', () => {
    const lists = ['checklist.chk', 'llama-inspect.lock.json'];
    const named = (name: string, more: Partial<ListedFile> = {}) =>
      lists.map((list) => listed(name, { list, ...more }));
    const sound = [...named('a.pth'), ...named('params.json')];
    expect(text(report('intact', { files: sound }))).toContain('INTACT   2 files as listed;');
    const above = listed('params.json', { place: 'parent', list: 'tokenizer_checklist.chk' });
    expect(text(report('intact', { files: [...sound, above] }))).toContain('INTACT   3 files as listed;');
    const broken = [...sound, ...named('b.pth', { status: 'missing', found: null, size: null })];
    expect(text(report('failed', { files: broken }))).toContain('FAILED   1 of 3 listed files missing\n');
  });

  it('shows what is wrong with each file, and what to do', () => {
    const condition = {
      kind: 'damaged',
      message: '9 bytes, as expected: damaged, not truncated',
      hint: 'download again',
    } as const;
    const files = [
      listed('consolidated.00.pth', { status: 'mismatch', found: '91c0f2aabbbb', condition }),
      listed('tokenizer.model', { status: 'missing', place: 'parent', found: null, size: null }),
      listed('params.json', {
        status: 'unreadable',
        found: null,
        size: null,
        condition: { kind: 'source/permission', message: 'reading it is not permitted' },
      }),
    ];
    expect(text(report('failed', { files }))).toBe(
      `FAILED   1 of 3 listed files differs   1 of 3 listed files missing
  1 of 3 listed files cannot be read

  ✗ consolidated.00.pth  md5 5b635229… expected, 91c0f2aa… found
      9 bytes, as expected: damaged, not truncated
      download again
      to see in which tensors: llama-inspect verify --deep Llama
  ✗ ../tokenizer.model   missing; its md5 should be 5b635229…
  ✗ params.json          cannot be read
      reading it is not permitted
  ✓ structure            all 147 tensors are present
`,
    );
    const two = [files[0]!, { ...files[0]!, name: 'consolidated.01.pth' }];
    expect(text(report('failed', { files: two }))).toContain('FAILED   2 of 2 listed files differ\n');
  });

  it('points at files in no list that are visibly wrong', () => {
    const condition = { kind: 'source/html-page', message: 'an HTML page', hint: 'a new link' } as const;
    const page = { name: 'consolidated.01.pth', size: 5, role: 'checkpoint', condition } as const;
    expect(text(report('failed', { unlisted: [page] }))).toMatch(
      /^FAILED {3}1 file in no list is visibly wrong\n\n {2}✗ consolidated\.01\.pth {2}in no list, and wrong to look at\n {6}an HTML page\n {6}a new link\n/,
    );
    expect(text(report('failed', { unlisted: [page, page] }))).toContain('2 files in no list are visibly wrong');
  });

  it('shows why the structure does not hold together', () => {
    const error = new CheckpointError('llama/wrong-shape', 'wq has shape (1, 2)', { path: 'a/b.pth', hint: 'do this' });
    const structure = { status: 'failed', error, config: undefined, notes: [] } as const;
    expect(text(report('failed', { files: [listed('b.pth')] }, structure))).toBe(
      `FAILED   the structure does not hold together

  ✓ b.pth      md5 5b635229…  2,471,645,608 bytes
  ✗ structure  does not hold together
      a/b.pth: wq has shape (1, 2) [llama/wrong-shape]
      do this
`,
    );
    const bare = { ...structure, error: new CheckpointError('llama/no-model', 'no Llama') };
    expect(text(report('failed', {}, bare))).toContain('      no Llama [llama/no-model]\n');
    expect(text(report('failed', {}, { ...structure, error: undefined }))).toContain('does not hold together\n');
  });

  it('does not say twice what is wrong with a file', () => {
    const error = new CheckpointError('source/html-page', 'an HTML page', { path: 'a/params.json' });
    const condition = { kind: 'source/html-page', message: 'an HTML page' } as const;
    const files = [listed('params.json', { status: 'mismatch', condition })];
    const shown = text(report('failed', { files }, { status: 'failed', error, config: undefined, notes: [] }));
    expect(shown).toContain('  ✗ structure    cannot be read, because params.json is wrong\n');
    expect(shown.match(/an HTML page/g)).toHaveLength(1);
  });

  it('says why nothing is proven', () => {
    const parts = [
      { place: 'folder', name: 'consolidated.00.pth', reason: 'no-list' },
      { place: 'parent', name: 'tokenizer.model', reason: 'no-list' },
    ] as const;
    const shown = text(report('unproven', { listFound: false, notCovered: parts }));
    expect(shown).toMatch(/^UNPROVEN {3}nothing is wrong, but there is no checklist\.chk to prove it\n/);
    expect(shown).toContain(
      '\n  not proven, because there is no list of hashes: consolidated.00.pth,\n    ../tokenizer.model\n',
    );
  });

  it('shows what is wrong with the lists', () => {
    const place = { place: 'folder', name: 'checklist.chk', entryCount: 0 } as const;
    const problem = { line: 3, fault: 'outside-folder', message: 'the name "../x" leads out' } as const;
    const broken = { ...place, status: 'read', problems: [problem], condition: null } as const;
    const empty = { ...place, status: 'empty', problems: [], condition: null } as const;
    const condition = { kind: 'source/html-page', message: 'an HTML page' } as const;
    const unusable = { ...place, status: 'unusable', problems: [], condition } as const;
    const reason = { place: 'folder', name: 'a.pth', reason: 'bad-line' } as const;

    const outside = text(report('failed', { lists: [broken], notCovered: [reason] }));
    expect(outside).toMatch(/^FAILED {3}a list names a path outside of the folder\n/);
    expect(outside).toContain('  – checklist.chk, line 3: the name "../x" leads out\n');
    expect(outside).toContain('  not proven, because the line that names them is broken: a.pth\n');
    expect(text(report('unproven', { listFound: false, lists: [empty] }))).toMatch(
      /^UNPROVEN {3}nothing is wrong, but the list proves nothing\n[\s\S]*– checklist\.chk lists nothing\n/,
    );
    expect(text(report('unproven', { listFound: true, lists: [unusable] }))).toMatch(
      /^UNPROVEN {3}checklist\.chk cannot be used, so nothing is proven by it\n[\s\S]*– checklist\.chk is no list\n {6}an HTML page\n/,
    );
  });

  it('mentions files that have nothing to do with the checkpoint', () => {
    const notes = { name: 'notes\u001b.txt', size: 5, role: 'other', condition: null } as const;
    expect(text(report('intact', { unlisted: [notes] }))).toContain('\n  in no list: notes\\u001b.txt\n');
  });
});
