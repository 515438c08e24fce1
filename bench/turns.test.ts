/**
 * Taking turns: every row is met by the same moments, and one that fails or is missing hides no other.
 */
import { performance } from 'node:perf_hooks';

import { describe, expect, it, vi } from 'vitest';

import { type Row, inTurns, medianOf, roundsOf } from './turns.mjs';

const LATER = { deadline: Infinity, end: Infinity, tell: (): void => undefined };

function row(id: string, order: string[], more: Partial<Row> = {}): Row {
  return {
    ...{ id, label: id },
    run: async () => {
      order.push(id);
      return { wall: order.length };
    },
    ...more,
  };
}

describe('rows in turns', () => {
  it('are each measured once a round, and keep every sample', async () => {
    const order: string[] = [];
    const [a, b] = await inTurns([row('a', order), row('b', order)], { ...LATER, rounds: 3 });
    expect(order).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
    expect(a?.samples).toEqual({ wall: [1, 3, 5] });
    expect(b).toEqual({ id: 'b', label: 'b', peers: [], missing: null, samples: { wall: [2, 4, 6] } });
    expect([medianOf(a, 'wall'), medianOf(a, 'cpu'), medianOf(undefined, 'wall')]).toEqual([3, undefined, undefined]);
  });

  it('are made warm before the first round, which does not count', async () => {
    const order: string[] = [];
    const warm = row('warm', order, { warmUp: () => order.push('warming') });
    const [result] = await inTurns([warm, row('cold', order)], { ...LATER, rounds: 1 });
    expect(order).toEqual(['warming', 'warm', 'cold']);
    expect(result?.samples).toEqual({ wall: [2] });
  });

  it('stop where they were told to, each for itself', async () => {
    const order: string[] = [];
    const [long, short] = await inTurns([row('long', order, { rounds: 1 }), row('short', order)], {
      ...{ ...LATER, rounds: 3 },
    });
    expect([long, short].map((result) => result && roundsOf(result))).toEqual([1, 3]);
  });

  it('go on where one fails or is missing, and say why', async () => {
    const order: string[] = [];
    const fails = row('fails', order, {
      run: async () => {
        order.push('fails');
        throw new Error('no such file');
      },
    });
    const told: (string | undefined)[] = [];
    const results = await inTurns(
      [fails, row('absent', order, { missing: 'not installed: yauzl', peers: ['yauzl'] }), row('fine', order)],
      { ...LATER, rounds: 2, tell: (_row, _round, problem) => told.push(problem) },
    );
    expect(order).toEqual(['fails', 'fine', 'fine']);
    expect(results.map(({ missing }) => missing)).toEqual(['failed: no such file', 'not installed: yauzl', null]);
    expect(told).toContain('failed: no such file');
    expect(results[2]?.samples['wall']).toHaveLength(2);
  });

  it('run one round whatever it takes, and no second that would end too late', async () => {
    const order: string[] = [];
    await inTurns([row('a', order)], { ...LATER, rounds: 3, deadline: performance.now() - 1 });
    expect(order).toEqual(['a']);
  });

  it('do not expect of the next round what only the first has to do', async () => {
    const order: string[] = [];
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
    const taking = (id: string, time: number): Row => ({
      ...row(id, order),
      run: async () => {
        order.push(id);
        now += time;
        return { wall: time };
      },
    });
    await inTurns([{ ...taking('slow', 300), rounds: 1 }, taking('quick', 10)], { ...LATER, rounds: 4, deadline: 325 });
    clock.mockRestore();
    expect(order).toEqual(['slow', 'quick', 'quick']); // a third would end at 330
  });

  it('begin nothing when all time is used', async () => {
    const order: string[] = [];
    const [result] = await inTurns([row('a', order)], { ...LATER, rounds: 3, end: performance.now() - 1 });
    expect(order).toEqual([]);
    expect(result?.missing).toBe('no time was left');
  });

  it('have the mean of the two in the middle as median of an even number', () => {
    const result = { id: 'a', label: 'a', peers: [], missing: null, samples: { wall: [9, 1, 4, 2] } };
    expect(medianOf(result, 'wall')).toBe(3);
  });
});
