/**
 * docs/performance.md is what the committed results give, and says what they say.
 */
import { readFile } from 'node:fs/promises';

import { beforeAll, describe, expect, it } from 'vitest';

import { builtFile } from '../src/testing/built.js';
import type { Context } from './materials.mjs';
import { PERFORMANCE_PAGE, RESULTS, type Results, performancePage } from './page.mjs';
import { findPeers } from './peers.mjs';
import { REQUIREMENTS, judge } from './requirements.mjs';
import type { Section } from './sections.mjs';
import type { Row, RowResult } from './turns.mjs';

const committed = async (): Promise<Results> => JSON.parse(await readFile(RESULTS, 'utf8')) as Results;

describe('docs/performance.md', () => {
  it('is current: run `npm run bench:docs` when this fails', async () => {
    expect(await readFile(PERFORMANCE_PAGE, 'utf8')).toBe(await performancePage(await committed()));
  });

  it('is made of a whole run of whole models', async () => {
    const { options, rows } = await committed();
    expect(options.layers).toBeNull();
    const wanted = REQUIREMENTS.flatMap(({ measures }) => measures.flatMap(({ rows: ids }) => ids));
    const found = new Set(rows.map(({ id }) => id));
    expect(wanted.filter((id) => !found.has(id))).toEqual([]);
  });

  it('names what is missing, in the table and below it', async () => {
    const results = await committed();
    const rows = results.rows.map((row) =>
      row.id === 'converting/pytorch' ? { ...row, missing: 'not installed: PyTorch', samples: {} } : row,
    );
    const peers = results.peers.map((peer) => (peer.name === 'PyTorch' ? { ...peer, version: null } : peer));
    const page = await performancePage({ ...results, rows, peers });
    expect(page).toContain('| PyTorch mmap and safetensors (not installed: PyTorch)');
    expect(page).toContain('PyTorch not measured: not installed: PyTorch');
    expect(page).toContain('Not installed: PyTorch (pip install torch');
  });

  it('says when the machine was busy, and when layers were left out', async () => {
    const results = await committed();
    const { machine, options } = results;
    const busy = await performancePage({ ...results, machine: { ...machine, busyThreads: 1.9 } });
    expect(busy).toContain('**It was busy**: other programs took 1.9');
    const quiet = await performancePage({ ...results, machine: { ...machine, busyThreads: 0.1 } });
    expect(quiet).toContain('Nothing else ran on it.');
    const trial = await performancePage({ ...results, options: { ...options, layers: 1 } });
    expect(trial).toContain('**With 1 layers a model');
  });
});

describe('a requirement', () => {
  const result = (id: string, samples: Record<string, number[]>, missing: string | null = null): RowResult => ({
    ...{ id, label: id, peers: [], missing, samples },
  });
  const verify = (rows: RowResult[]): unknown => judge(rows).find(({ what }) => what === '`verify`');
  const four = [result('hashing/four/md5sum', { wall: [4, 4.1] }), result('hashing/four/verify', { wall: [1.6, 1.5] })];

  it('is reached when every figure is within its limit', () => {
    const rows = [result('hashing/verify', { wall: [1] }), result('hashing/md5sum', { wall: [1, 9, 1] }), ...four];
    expect(verify(rows)).toMatchObject({ measured: 'one file 1.00 x; four files 2.61 x', verdict: 'reached' });
  });

  it('is not when one is beyond, which is named with its reason', () => {
    const rows = [result('hashing/verify', { wall: [1.1] }), result('hashing/md5sum', { wall: [1] }), ...four];
    expect(verify(rows)).toMatchObject({
      measured: 'one file **1.10 x**; four files 2.61 x',
      verdict: expect.stringMatching(/^not reached \(one file\): one file is one chain/) as string,
    });
  });

  it('tells which figure was not measured, and why', () => {
    const rows = [result('hashing/verify', { wall: [1] }), result('hashing/md5sum', {}, 'not installed: md5sum')];
    expect(verify([...rows, ...four])).toMatchObject({
      measured: 'four files 2.61 x',
      verdict: 'reached; one file not measured: not installed: md5sum',
    });
    expect(verify(rows)).toMatchObject({
      measured: '',
      verdict:
        'one file not measured: not installed: md5sum; four files not measured: hashing/four/md5sum was left out',
    });
  });
});

describe('the rows of the benchmark', () => {
  let rows: Row[] = [];
  beforeAll(async () => {
    builtFile('node.js'); // throws where the build is older than the sources
    const { contextOf } = await import('./materials.mjs');
    const { SECTIONS, SIZE_SECTION } = await import('./sections.mjs');
    const context: Context = contextOf({ folder: '/nowhere', layers: undefined, full: false, peers: [] });
    const rowsOf = async ({ rows: make }: Section): Promise<Row[]> => await make(context, () => undefined);
    rows = (await Promise.all([...SECTIONS, SIZE_SECTION].map(rowsOf))).flat();
  }, 60_000);

  it('have names of their own', () => {
    const ids = rows.map(({ id }) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });

  it('are all that the requirements are judged by', () => {
    const ids = new Set(rows.map(({ id }) => id));
    const wanted = REQUIREMENTS.flatMap(({ measures }) => measures.flatMap(({ rows: needed }) => needed));
    expect(wanted.filter((id) => !ids.has(id))).toEqual([]);
  });

  it('need only programs that are looked for, and say so of each that is not there', () => {
    const known = findPeers().map(({ name }) => name);
    const needy = rows.filter(({ peers = [] }) => peers.length > 0);
    expect(needy.flatMap(({ peers = [] }) => peers).filter((name) => !known.includes(name))).toEqual([]);
    expect(needy.filter(({ missing }) => missing?.startsWith('not installed: ') !== true)).toEqual([]);
  });
});
