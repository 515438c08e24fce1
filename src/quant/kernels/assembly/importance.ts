/**
 * Weights of values under importances: `quant/blocks/group-weights.ts`.
 *
 * @module
 */

/** The sum of the squares of `length` values, from the first to the last. */
export function sumOfSquares(at: usize, length: i32): f32 {
  let sum: f32 = 0;
  for (const end = at + (<usize>length << 2); at < end; at += 4) {
    const value = load<f32>(at);
    sum += value * value;
  }
  return sum;
}

/** Stores for 32 values at `src` their importance times the root of `meanSquare` plus their square. */
// @ts-ignore: decorator
@inline
export function weighByImportance(src: usize, importance: usize, meanSquare: f32, weights: usize): void {
  const mean = f32x4.splat(meanSquare);
  for (let at: usize = 0; at < 128; at += 16) {
    const values = v128.load(src + at);
    const root = f32x4.sqrt(f32x4.add(mean, f32x4.mul(values, values)));
    v128.store(weights + at, f32x4.mul(v128.load(importance + at), root));
  }
}

/** Stores the squares of 32 values at `src`. */
// @ts-ignore: decorator
@inline
export function weighBySquare(src: usize, weights: usize): void {
  for (let at: usize = 0; at < 128; at += 16) {
    const values = v128.load(src + at);
    v128.store(weights + at, f32x4.mul(values, values));
  }
}
