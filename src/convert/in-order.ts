/**
 * Work that is begun ahead and handed on in its order.
 *
 * @module
 */

/**
 * What `start` makes of each item, in the order of the items, with up to `ahead` of them under way at a time. When the
 * caller stops, or one fails, those under way are waited for, so that nothing goes on behind its back.
 */
export async function* inOrder<Item, Result>(
  items: Iterable<Item>,
  start: (item: Item) => Promise<Result>,
  ahead: number,
): AsyncGenerator<Result> {
  const underWay: Promise<Result>[] = [];
  try {
    for (const item of items) {
      const result = start(item);
      result.catch(() => {}); // a failure is reported when its turn comes
      underWay.push(result);
      if (underWay.length >= ahead) yield* oldest(underWay);
    }
    while (underWay.length > 0) yield* oldest(underWay);
  } finally {
    await Promise.allSettled(underWay);
  }
}

async function* oldest<Result>(underWay: Promise<Result>[]): AsyncGenerator<Result> {
  const result = underWay.shift();
  if (result !== undefined) yield await result;
}
