/**
 * MD5 of eight files at once: two groups of four, a file in each lane of a vector.
 *
 * Two groups, because a step waits for the one before, and the other group's step runs meanwhile: with one, half the speed
 * is lost. The steps of a round are a loop over four at a time, as many as come back with the same rotations; the loop also
 * keeps the two groups together, where V8 would otherwise compute one group's 64 steps before the other's.
 *
 * @module
 */
import { turnedLane0, turnedLane1, turnedLane2, turnedLane3 } from '../../../quant/kernels/assembly/turn';

/** For each step its constant, one less in the last round, and how far into a group's words its own lies. */
const STEPS: usize = memory.data<u32>([
  0xd76aa478, 0, 0xe8c7b756, 16, 0x242070db, 32, 0xc1bdceee, 48,
  0xf57c0faf, 64, 0x4787c62a, 80, 0xa8304613, 96, 0xfd469501, 112,
  0x698098d8, 128, 0x8b44f7af, 144, 0xffff5bb1, 160, 0x895cd7be, 176,
  0x6b901122, 192, 0xfd987193, 208, 0xa679438e, 224, 0x49b40821, 240,
  0xf61e2562, 16, 0xc040b340, 96, 0x265e5a51, 176, 0xe9b6c7aa, 0,
  0xd62f105d, 80, 0x02441453, 160, 0xd8a1e681, 240, 0xe7d3fbc8, 64,
  0x21e1cde6, 144, 0xc33707d6, 224, 0xf4d50d87, 48, 0x455a14ed, 128,
  0xa9e3e905, 208, 0xfcefa3f8, 32, 0x676f02d9, 112, 0x8d2a4c8a, 192,
  0xfffa3942, 80, 0x8771f681, 128, 0x6d9d6122, 176, 0xfde5380c, 224,
  0xa4beea44, 16, 0x4bdecfa9, 64, 0xf6bb4b60, 112, 0xbebfbc70, 160,
  0x289b7ec6, 208, 0xeaa127fa, 0, 0xd4ef3085, 48, 0x04881d05, 96,
  0xd9d4d039, 144, 0xe6db99e5, 192, 0x1fa27cf8, 240, 0xc4ac5665, 32,
  0xf4292243, 0, 0x432aff96, 112, 0xab9423a6, 224, 0xfc93a038, 80,
  0x655b59c2, 192, 0x8f0ccc91, 48, 0xffeff47c, 160, 0x85845dd0, 16,
  0x6fa87e4e, 128, 0xfe2ce6df, 240, 0xa3014313, 96, 0x4e0811a0, 208,
  0xf7537e81, 64, 0xbd3af234, 176, 0x2ad7d2ba, 32, 0xeb86d390, 144,
], 16);

/** Bytes of the steps of a round. */
const ROUND: usize = 128;

/** Bytes of the steps that are written out. */
const FOUR: usize = 32;

/** Bytes of a group's words: sixteen, for four files. */
const GROUP: usize = 256;

/** The words of a block, those of four files in each vector, for both groups. */
const WORDS: usize = memory.data(512, 16);

/** Goes on with eight hashes: `table` has the address of the state and of the next block of each. */
export function eightLanes(table: usize, blocks: i32): void {
  let a0 = stateLane0(table);
  let b0 = stateLane1(table);
  let c0 = stateLane2(table);
  let d0 = stateLane3(table);
  let a1 = stateLane0(table + FOUR);
  let b1 = stateLane1(table + FOUR);
  let c1 = stateLane2(table + FOUR);
  let d1 = stateLane3(table + FOUR);
  for (let offset: usize = 0; blocks > 0; blocks--, offset += 64) {
    spread(table, offset, WORDS);
    spread(table + FOUR, offset, WORDS + GROUP);
    const a0Before = a0;
    const b0Before = b0;
    const c0Before = c0;
    const d0Before = d0;
    const a1Before = a1;
    const b1Before = b1;
    const c1Before = c1;
    const d1Before = d1;
    let step = STEPS;
    for (const end = step + ROUND; step < end; step += FOUR) {
      let constant = v128.load32_splat(step);
      let word = WORDS + load<u32>(step, 4);
      a0 = turned(b0, first(sum(a0, constant, v128.load(word)), b0, c0, d0), 7);
      a1 = turned(b1, first(sum(a1, constant, v128.load(word, GROUP)), b1, c1, d1), 7);
      constant = v128.load32_splat(step, 8);
      word = WORDS + load<u32>(step, 12);
      d0 = turned(a0, first(sum(d0, constant, v128.load(word)), a0, b0, c0), 12);
      d1 = turned(a1, first(sum(d1, constant, v128.load(word, GROUP)), a1, b1, c1), 12);
      constant = v128.load32_splat(step, 16);
      word = WORDS + load<u32>(step, 20);
      c0 = turned(d0, first(sum(c0, constant, v128.load(word)), d0, a0, b0), 17);
      c1 = turned(d1, first(sum(c1, constant, v128.load(word, GROUP)), d1, a1, b1), 17);
      constant = v128.load32_splat(step, 24);
      word = WORDS + load<u32>(step, 28);
      b0 = turned(c0, first(sum(b0, constant, v128.load(word)), c0, d0, a0), 22);
      b1 = turned(c1, first(sum(b1, constant, v128.load(word, GROUP)), c1, d1, a1), 22);
    }
    for (const end = step + ROUND; step < end; step += FOUR) {
      let constant = v128.load32_splat(step);
      let word = WORDS + load<u32>(step, 4);
      a0 = turned(b0, second(sum(a0, constant, v128.load(word)), b0, c0, d0), 5);
      a1 = turned(b1, second(sum(a1, constant, v128.load(word, GROUP)), b1, c1, d1), 5);
      constant = v128.load32_splat(step, 8);
      word = WORDS + load<u32>(step, 12);
      d0 = turned(a0, second(sum(d0, constant, v128.load(word)), a0, b0, c0), 9);
      d1 = turned(a1, second(sum(d1, constant, v128.load(word, GROUP)), a1, b1, c1), 9);
      constant = v128.load32_splat(step, 16);
      word = WORDS + load<u32>(step, 20);
      c0 = turned(d0, second(sum(c0, constant, v128.load(word)), d0, a0, b0), 14);
      c1 = turned(d1, second(sum(c1, constant, v128.load(word, GROUP)), d1, a1, b1), 14);
      constant = v128.load32_splat(step, 24);
      word = WORDS + load<u32>(step, 28);
      b0 = turned(c0, second(sum(b0, constant, v128.load(word)), c0, d0, a0), 20);
      b1 = turned(c1, second(sum(b1, constant, v128.load(word, GROUP)), c1, d1, a1), 20);
    }
    for (const end = step + ROUND; step < end; step += FOUR) {
      let constant = v128.load32_splat(step);
      let word = WORDS + load<u32>(step, 4);
      a0 = turned(b0, third(sum(a0, constant, v128.load(word)), b0, c0, d0), 4);
      a1 = turned(b1, third(sum(a1, constant, v128.load(word, GROUP)), b1, c1, d1), 4);
      constant = v128.load32_splat(step, 8);
      word = WORDS + load<u32>(step, 12);
      d0 = turned(a0, third(sum(d0, constant, v128.load(word)), a0, b0, c0), 11);
      d1 = turned(a1, third(sum(d1, constant, v128.load(word, GROUP)), a1, b1, c1), 11);
      constant = v128.load32_splat(step, 16);
      word = WORDS + load<u32>(step, 20);
      c0 = turned(d0, third(sum(c0, constant, v128.load(word)), d0, a0, b0), 16);
      c1 = turned(d1, third(sum(c1, constant, v128.load(word, GROUP)), d1, a1, b1), 16);
      constant = v128.load32_splat(step, 24);
      word = WORDS + load<u32>(step, 28);
      b0 = turned(c0, third(sum(b0, constant, v128.load(word)), c0, d0, a0), 23);
      b1 = turned(c1, third(sum(b1, constant, v128.load(word, GROUP)), c1, d1, a1), 23);
    }
    for (const end = step + ROUND; step < end; step += FOUR) {
      let constant = v128.load32_splat(step);
      let word = WORDS + load<u32>(step, 4);
      a0 = turned(b0, fourth(sum(a0, constant, v128.load(word)), b0, c0, d0), 6);
      a1 = turned(b1, fourth(sum(a1, constant, v128.load(word, GROUP)), b1, c1, d1), 6);
      constant = v128.load32_splat(step, 8);
      word = WORDS + load<u32>(step, 12);
      d0 = turned(a0, fourth(sum(d0, constant, v128.load(word)), a0, b0, c0), 10);
      d1 = turned(a1, fourth(sum(d1, constant, v128.load(word, GROUP)), a1, b1, c1), 10);
      constant = v128.load32_splat(step, 16);
      word = WORDS + load<u32>(step, 20);
      c0 = turned(d0, fourth(sum(c0, constant, v128.load(word)), d0, a0, b0), 15);
      c1 = turned(d1, fourth(sum(c1, constant, v128.load(word, GROUP)), d1, a1, b1), 15);
      constant = v128.load32_splat(step, 24);
      word = WORDS + load<u32>(step, 28);
      b0 = turned(c0, fourth(sum(b0, constant, v128.load(word)), c0, d0, a0), 21);
      b1 = turned(c1, fourth(sum(b1, constant, v128.load(word, GROUP)), c1, d1, a1), 21);
    }
    a0 = i32x4.add(a0, a0Before);
    b0 = i32x4.add(b0, b0Before);
    c0 = i32x4.add(c0, c0Before);
    d0 = i32x4.add(d0, d0Before);
    a1 = i32x4.add(a1, a1Before);
    b1 = i32x4.add(b1, b1Before);
    c1 = i32x4.add(c1, c1Before);
    d1 = i32x4.add(d1, d1Before);
  }
  keepStates(table, a0, b0, c0, d0);
  keepStates(table + FOUR, a1, b1, c1, d1);
}

/** The sum of what a step adds that does not depend on the step before. */
// @ts-ignore: decorator
@inline
function sum(a: v128, constant: v128, word: v128): v128 {
  return i32x4.add(i32x4.add(a, constant), word);
}

// @ts-ignore: decorator
@inline
function turned(b: v128, x: v128, count: i32): v128 {
  return i32x4.add(b, v128.or(i32x4.shl(x, count), i32x4.shr_u(x, 32 - count)));
}

/** F of the first round: bits of c where b has ones, of d elsewhere. */
// @ts-ignore: decorator
@inline
function first(sum: v128, b: v128, c: v128, d: v128): v128 {
  return i32x4.add(sum, v128.xor(d, v128.and(b, v128.xor(c, d))));
}

/** G: the two halves have no bit in common, so they may be added one by one, that without b before b is known. */
// @ts-ignore: decorator
@inline
function second(sum: v128, b: v128, c: v128, d: v128): v128 {
  return i32x4.add(i32x4.add(sum, v128.andnot(c, d)), v128.and(b, d));
}

/** H. */
// @ts-ignore: decorator
@inline
function third(sum: v128, b: v128, c: v128, d: v128): v128 {
  return i32x4.add(sum, v128.xor(b, v128.xor(c, d)));
}

/** I, which is -1 - (c ^ (d & ~b)): the 1 is in the constant. */
// @ts-ignore: decorator
@inline
function fourth(sum: v128, b: v128, c: v128, d: v128): v128 {
  return i32x4.sub(sum, v128.xor(c, v128.andnot(d, b)));
}

/** Lays the words of four blocks out with those of one place in a vector. */
// @ts-ignore: decorator
@inline
function spread(table: usize, offset: usize, words: usize): void {
  const block0 = load<u32>(table, 4) + offset;
  const block1 = load<u32>(table, 12) + offset;
  const block2 = load<u32>(table, 20) + offset;
  const block3 = load<u32>(table, 28) + offset;
  for (let at: usize = 0; at < 64; at += 16) {
    const a = v128.load(block0 + at);
    const b = v128.load(block1 + at);
    const c = v128.load(block2 + at);
    const d = v128.load(block3 + at);
    v128.store(words + 4 * at, turnedLane0(a, b, c, d));
    v128.store(words + 4 * at, turnedLane1(a, b, c, d), 16);
    v128.store(words + 4 * at, turnedLane2(a, b, c, d), 32);
    v128.store(words + 4 * at, turnedLane3(a, b, c, d), 48);
  }
}

// @ts-ignore: decorator
@inline
function stateLane0(table: usize): v128 {
  return turnedLane0(state(table, 0), state(table, 1), state(table, 2), state(table, 3));
}

// @ts-ignore: decorator
@inline
function stateLane1(table: usize): v128 {
  return turnedLane1(state(table, 0), state(table, 1), state(table, 2), state(table, 3));
}

// @ts-ignore: decorator
@inline
function stateLane2(table: usize): v128 {
  return turnedLane2(state(table, 0), state(table, 1), state(table, 2), state(table, 3));
}

// @ts-ignore: decorator
@inline
function stateLane3(table: usize): v128 {
  return turnedLane3(state(table, 0), state(table, 1), state(table, 2), state(table, 3));
}

/** State of the hash at that place of the table. */
// @ts-ignore: decorator
@inline
function state(table: usize, place: usize): v128 {
  return v128.load(<usize>load<u32>(table + 8 * place));
}

// @ts-ignore: decorator
@inline
function keepStates(table: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(<usize>load<u32>(table), turnedLane0(a, b, c, d));
  v128.store(<usize>load<u32>(table, 8), turnedLane1(a, b, c, d));
  v128.store(<usize>load<u32>(table, 16), turnedLane2(a, b, c, d));
  v128.store(<usize>load<u32>(table, 24), turnedLane3(a, b, c, d));
}
