/**
 * Vectors turned: the same lane of four vectors as one.
 *
 * Written as one function a lane, as a function cannot return four vectors; the compiler shares what they have in common.
 *
 * @module
 */

// @ts-ignore: decorator
@inline
function lowPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 0, 4, 1, 5);
}

// @ts-ignore: decorator
@inline
function highPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 2, 6, 3, 7);
}

/** Lane 0 of each vector. */
// @ts-ignore: decorator
@inline
export function turnedLane0(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.shuffle<i64>(lowPairs(a, b), lowPairs(c, d), 0, 2);
}

/** Lane 1 of each vector. */
// @ts-ignore: decorator
@inline
export function turnedLane1(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.shuffle<i64>(lowPairs(a, b), lowPairs(c, d), 1, 3);
}

/** Lane 2 of each vector. */
// @ts-ignore: decorator
@inline
export function turnedLane2(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.shuffle<i64>(highPairs(a, b), highPairs(c, d), 0, 2);
}

/** Lane 3 of each vector. */
// @ts-ignore: decorator
@inline
export function turnedLane3(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.shuffle<i64>(highPairs(a, b), highPairs(c, d), 1, 3);
}
