import { describe, expect, it } from 'vitest';

import { CheckpointError } from '../errors.js';
import type { DamagedMember, DeepFile, DeepReport, TensorNumbers } from '../integrity/deep-report.js';
import type { FilesReport, ListedFile } from '../integrity/files-report.js';
import type { FolderReport } from '../integrity/verify-folder.js';
import { NOT_SCANNED } from '../testing/scan-reports.js';
import { renderLines } from './lines.js';
import { verificationLines } from './verification.js';

function numbers(name: string, more: Partial<TensorNumbers> = {}): TensorNumbers {
  const counts = { unit: 'numbers', count: 65_536, nan: 0, infinite: 0, allZero: false, constant: false } as const;
  return { name, dtype: 'BF16', shape: [256, 256], ...counts, ...more };
}

function damage(name: string, ...tensors: readonly string[]): DamagedMember {
  return { name, fault: 'checksum', expected: '00000001', found: '00000002', error: undefined, tensors };
}

function file(name: string, more: Partial<DeepFile> = {}): DeepFile {
  const members = { count: 5, withoutChecksum: 0, damaged: [] };
  return { name, members, tensors: [numbers('w')], skipped: [], error: undefined, ...more };
}

const damaged = (count: number, ...members: readonly DamagedMember[]): Partial<DeepFile> => ({
  members: { count, withoutChecksum: 0, damaged: members },
});

/** The file of the list, its hash wrong unless said otherwise. */
function listed(more: Partial<ListedFile> = {}): ListedFile {
  const condition = { kind: 'damaged', message: '9 bytes: damaged, not truncated', hint: 'download again' } as const;
  const hashes = { algorithm: 'md5', expected: 'aaaaaaaaaa', found: 'bbbbbbbbbb', size: 9 } as const;
  return {
    place: 'folder',
    name: 'a.pth',
    list: 'checklist.chk',
    line: 1,
    ...hashes,
    status: 'mismatch',
    condition,
    ...more,
  };
}

function text(
  deep: DeepReport | undefined,
  files: Partial<FilesReport> = {},
  verdict: FolderReport['verdict'] = 'failed',
): string {
  const nothing = { verdict, listFound: true, known: null, lists: [], files: [], unlisted: [], notCovered: [] };
  const structure = {
    status: 'consistent',
    error: undefined,
    config: undefined,
    notes: ['all tensors are present'],
  } as const;
  return renderLines(
    verificationLines({
      path: 'Llama',
      verdict,
      files: { ...nothing, ...files },
      locks: [],
      extra: [],
      structure,
      scan: NOT_SCANNED,
      deep,
    }),
  );
}

const failed = (...files: readonly DeepFile[]): DeepReport => ({ verdict: 'failed', files });
const sound = (...files: readonly DeepFile[]): DeepReport => ({ verdict: 'sound', files });

describe('a verification that looked at every byte', () => {
  it('says what was looked at when nothing is wrong', () => {
    const intact = listed({ status: 'ok', found: 'aaaaaaaaaa', condition: null });
    expect(text(sound(file('a.pth'), file('b.pth')), { files: [intact] }, 'intact')).toBe(
      `INTACT   1 file as listed; tensors, shapes and tokenizer agree

  ✓ a.pth      md5 aaaaaaaa…  9 bytes
  ✓ structure  all tensors are present
  ✓ members    10 checksums right
  ✓ numbers    2 tensors without NaN or infinity
`,
    );
  });

  it('says below a file whose hash is wrong where the damage lies', () => {
    const deep = failed(file('a.pth', damaged(5, damage('a/data/37', 'layers.4.feed_forward.w2.weight'))));
    expect(text(deep, { files: [listed()] })).toBe(
      `FAILED   1 of 1 listed file differs

  ✗ a.pth      md5 aaaaaaaa… expected, bbbbbbbb… found
      9 bytes: damaged, not truncated
      damage lies in a/data/37: layers.4.feed_forward.w2.weight
      download again
  ✓ structure  all tensors are present
  ✗ members    1 of 5 damaged
  ✓ numbers    1 tensor without NaN or infinity
`,
    );
  });

  it('says how to find that out when it was not asked for', () => {
    expect(text(undefined, { files: [listed()] })).toContain(
      '      download again\n      to see in which tensors: llama-inspect verify --deep Llama\n',
    );
    for (const other of [{ place: 'parent' }, { condition: { kind: 'truncated', message: 'cut off' } }] as const) {
      expect(text(undefined, { files: [listed(other)] })).not.toContain('--deep');
    }
  });

  it('tells another version of a file from a damaged one', () => {
    expect(text(sound(file('a.pth')), { files: [listed()] })).toContain(
      '      the checksums of all its 5 members are right: it is another version of\n' +
        '      this file, or the damage lies outside of them\n      download again\n',
    );
    const unproven = file('a.pth', { members: { count: 5, withoutChecksum: 1, damaged: [] } });
    const shown = text(sound(unproven), { files: [listed()] });
    expect(shown).not.toContain('another version');
    expect(shown).toContain('  ✓ members    4 checksums right\n');
    expect(shown).toContain('1 of 5 have no checksum: damage in them would not be seen\n');
    expect(text(sound(file('a.pth', { members: undefined })), { files: [listed()] })).not.toContain('another version');
  });

  it('claims nothing for members without any checksum', () => {
    const none = file('a.pth', { members: { count: 5, withoutChecksum: 5, damaged: [] } });
    expect(text(sound(none), {}, 'unproven')).toContain('  – members    0 checksums right\n');
  });

  it('shows damage in a file that no list proves wrong', () => {
    const error = new CheckpointError('zip/bad-local-header', 'the header is not here');
    const unreadable = { ...damage('a/data/1'), fault: 'unreadable', found: null, error } as const;
    expect(text(failed(file('a.pth', damaged(5, damage('a/data/0', 'x', 'y'), unreadable))))).toBe(
      `FAILED   2 members damaged

  ✓ structure  all tensors are present
  ✗ members    2 of 5 damaged
      a.pth: damage in a/data/0: x, y
      a.pth: damage in a/data/1 (the header is not here) [zip/bad-local-header]
  ✓ numbers    1 tensor without NaN or infinity
`,
    );
  });

  it('names the first of many tensors and members', () => {
    const many = Array.from({ length: 20 }, (_, i) => damage(`a/data/${i}`, 'p', 'q', 'r', 's', 't', 'u'));
    const shown = text(failed(file('a.pth', damaged(30, ...many))));
    expect(shown).toContain('      a.pth: damage in a/data/7: p, q, r, s and 2 more\n');
    expect(shown).not.toContain('a/data/8');
    expect(shown).toContain('      and 12 more; --json has all of them\n');
  });

  it('counts what is no number, tensor by tensor', () => {
    const special = [
      numbers('a', { nan: 3 }),
      numbers('b', { infinite: 1, count: 1 }),
      numbers('c', { nan: 2, infinite: 5, unit: 'blocks', count: 1000 }),
      numbers('d'),
    ];
    expect(text(failed(file('x.gguf', { members: undefined, tensors: special })))).toBe(
      `FAILED   3 tensors with NaN or infinity

  ✓ structure  all tensors are present
  ✗ numbers    3 of 4 tensors hold NaN or infinity
      a: 3 NaN of 65,536 numbers
      b: 1 infinite of 1 number
      c: 2 NaN and 5 infinite of 1,000 blocks
`,
    );
    const two = text(failed(file('x.pth', { tensors: special.slice(0, 1) }), file('y.pth')));
    expect(two).toMatch(/^FAILED {3}1 tensor with NaN or infinity\n/);
    expect(two).toContain(
      '  ✗ numbers    1 of 2 tensors holds NaN or infinity\n      x.pth: a: 3 NaN of 65,536 numbers\n',
    );
  });

  it('notes zeros and constants, repeated layers as one', () => {
    const tensors = [
      ...[0, 1, 2, 5].map((layer) => numbers(`layers.${layer}.norm`, { constant: true })),
      numbers('zero', { allZero: true, constant: true }),
    ];
    const shown = text(sound(file('a.pth', { tensors })), {}, 'unproven');
    expect(shown).toContain('  ✓ numbers    5 tensors without NaN or infinity\n');
    expect(shown).toContain('               all zero: zero\n');
    expect(shown).toContain('               all the same number: layers.{0–2,5}.norm\n');
  });

  it('says what was not looked at', () => {
    const skipped = [
      { name: 's', reason: 'no-numbers' },
      { name: 'u\u001b', reason: 'unreadable' },
      { name: 'v', reason: 'too-many-views' },
      { name: 'w', reason: 'too-many-views' },
    ] as const;
    const shown = text(sound(file('a.pth', { skipped })), {}, 'unproven');
    expect(shown).toContain('               without numbers of their own: s\n               not readable: u\\u001b\n');
    expect(shown.replace(/\s+/g, ' ')).toContain('too many tensors are views of the same bytes: v, w');
  });

  it('says why a file could not be looked at, unless that was said before', () => {
    const error = new CheckpointError('zip/no-end-record', 'cut off: no ZIP end record');
    const deep = failed(file('a.pth', { members: undefined, tensors: [], error }));
    const shown = text(deep);
    expect(shown).toMatch(/^FAILED {3}1 file could not be looked at\n/);
    expect(shown).toContain('  – numbers    0 tensors without NaN or infinity\n');
    expect(shown).toContain('      a.pth could not be looked at: cut off: no ZIP end record\n        [zip/no-end-record]\n'); // prettier-ignore
    const said = text(deep, { files: [listed()] });
    expect(said).toMatch(/^FAILED {3}1 of 1 listed file differs\n/);
    expect(said).toContain('      a.pth could not be looked at\n');
  });
});
