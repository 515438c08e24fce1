import { describe, expect, it } from 'vitest';

import { inOrder } from './in-order.js';

/** Results after times that get shorter, with a count of how many are under way. */
function workshop() {
  const state = { underWay: 0, most: 0, begun: 0 };
  const start = async (item: number): Promise<number> => {
    state.begun++;
    state.most = Math.max(state.most, ++state.underWay);
    await new Promise((resolve) => setTimeout(resolve, 20 - 2 * item));
    state.underWay--;
    if (item === 7) throw new Error('seven');
    return item;
  };
  return { state, start };
}

async function collect(items: Iterable<number>, ahead: number) {
  const { state, start } = workshop();
  const results: number[] = [];
  const failure = await (async () => {
    for await (const result of inOrder(items, start, ahead)) results.push(result);
  })().catch((cause: unknown) => cause);
  return { results, failure, state };
}

describe('inOrder', () => {
  it('keeps the order of the items, whichever is ready first', async () => {
    for (const ahead of [1, 2, 3, 10]) {
      const { results, state } = await collect([0, 1, 2, 3, 4, 5], ahead);
      expect(results).toEqual([0, 1, 2, 3, 4, 5]);
      expect(state.most).toBe(Math.min(ahead, 6));
    }
  });

  it('reports a failure in its turn, and begins nothing after it', async () => {
    const { results, failure, state } = await collect([5, 6, 7, 8, 9, 1, 2], 3);
    expect(results).toEqual([5, 6]);
    expect(failure).toEqual(new Error('seven'));
    expect(state.underWay).toBe(0);
    expect(state.begun).toBe(5);
  });

  it('waits for what is under way when its caller stops', async () => {
    const { state, start } = workshop();
    for await (const result of inOrder([0, 1, 2, 3, 4], start, 3)) if (result === 1) break;
    expect(state.underWay).toBe(0);
    expect(state.begun).toBe(4);
  });

  it('ends at once without items', async () => {
    expect((await collect([], 3)).results).toEqual([]);
  });
});
