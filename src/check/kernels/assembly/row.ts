/**
 * A row of both sides in strips of 32 elements.
 *
 * Sums are made in float32, four lanes of at most 64 squares, and these are added up in float64: that is twice as fast as
 * float64 throughout. It needs magnitudes whose squares are neither infinite nor tiny; other rows are added one element
 * at a time. What fits is only decided here where it is beyond doubt, with room for what float32 rounds away.
 *
 * @module
 */
import { addElements, findLargest } from './elements';
import { blockElements, blockShare, elementShare, isWithin, rowShare } from './fit';
import { LARGEST, PLACE, addTo, hasNoLargest, largestSquare } from './gathered';
import { addQuantizedRow } from './quantized';
import { addRoundingStrip, addRoundings } from './rounding';

/** Elements of a strip, and bytes of one in float32. */
const STRIP: i32 = 32;
const STRIP_BYTES: usize = 128;

/** Strips whose squares are added in float32. */
const STRIPS_IN_FLOAT32: i32 = 8;

/** 2^-90 and 2^100: between them the squares of a strip lose nothing that counts. */
const SMALLEST_SQUARES: f64 = 8.077935669463161e-28;
const LARGEST_SQUARES: f64 = 1.2676506002282294e30;

/** More than float32 rounds away of such sums, or of a difference: in doubt, the TypeScript's steps decide. */
const ROOM: f64 = 1.00002;

/** Sums of the row at hand. */
let squaresA: f64 = 0;
let squaresB: f64 = 0;
let squaresD: f64 = 0;
let unequal: i32 = 0;

/** Adds a row of float32 values of both sides. */
export function gatherRow(
  x: usize,
  y: usize,
  length: i32,
  row: i32,
  isQuantized: bool,
  fit: usize,
  out: usize,
): void {
  const start = row * length;
  const strips = length / STRIP;
  const largest = load<f64>(out, LARGEST);
  const place = load<f64>(out, PLACE);
  let fits = false;
  if (isQuantized) fits = addBlocks(x, y, strips, start, fit, out);
  else addStrips(x, y, strips, start, row, fit, out);
  const whole = strips * STRIP;
  const areExact = hasExactSquares(squaresA) && hasExactSquares(squaresB) && hasExactDifferences(squaresD);
  if (areExact) {
    if (unequal > 0 && hasNoLargest(out)) findLargest(x, y, whole, start, out); // zeros of unlike signs
    addTo(out, 0, <f64>unequal);
    addTo(out, 5, squaresA);
    addTo(out, 6, squaresB);
    // half of a² + b² - (a - b)² is exact enough where the two are close, and costs nothing
    addTo(out, 7, squaresD * 8 < squaresA + squaresB ? (squaresA + squaresB - squaresD) * 0.5 : dotOf(x, y, whole));
    addTo(out, 8, squaresD);
  } else {
    // a NaN may have hidden a difference from the vectors, and of several the first counts
    store<f64>(out, largest, LARGEST);
    store<f64>(out, place, PLACE);
    addElements(x, y, whole, start, out);
  }
  if (isQuantized) {
    fits = fits && areExact && whole == length;
    if (fits && isWithin(fit, rowShare(fit), squaresA / ROOM, squaresD * ROOM, length)) {
      addTo(out, 9, squaresA);
      addTo(out, 10, squaresD);
    } else {
      addQuantizedRow(x, y, length, row, fit, out);
    }
  }
  if (whole == length) return;
  const rest = <usize>whole << 2;
  addElements(x + rest, y + rest, length - whole, start + whole, out);
  if (!isQuantized) addRoundings(x + rest, y + rest, length - whole, start + whole, row, fit, out);
}

// @ts-ignore: decorator
@inline
function hasExactSquares(squares: f64): bool {
  return squares > SMALLEST_SQUARES && squares < LARGEST_SQUARES;
}

/** Differences may be nothing, or smaller: what is lost of them is lost of numbers below 2^-70. */
// @ts-ignore: decorator
@inline
function hasExactDifferences(squares: f64): bool {
  return (squares > SMALLEST_SQUARES && squares < LARGEST_SQUARES) || (squares == 0 && unequal == 0);
}

/** Sums the strips of a row, and judges their elements by rounding. */
function addStrips(x: usize, y: usize, strips: i32, start: i32, row: i32, fit: usize, out: usize): void {
  let rowA = f64x2.splat(0);
  let rowB = rowA;
  let rowD = rowA;
  let sumA = f32x4.splat(0);
  let sumB = sumA;
  let sumD = sumA;
  let equalCounts = i32x4.splat(0);
  let largest = f32x4.splat(largestSquare(out));
  for (let strip = 1; strip <= strips; strip++, x += STRIP_BYTES, y += STRIP_BYTES) {
    let apart = f32x4.splat(0);
    let equal = i32x4.splat(0);
    for (let i: usize = 0; i < STRIP_BYTES; i += 32) {
      const a0 = v128.load(x + i);
      const b0 = v128.load(y + i);
      const a1 = v128.load(x + i, 16);
      const b1 = v128.load(y + i, 16);
      const d0 = f32x4.sub(a0, b0);
      const d1 = f32x4.sub(a1, b1);
      const dd0 = f32x4.mul(d0, d0);
      const dd1 = f32x4.mul(d1, d1);
      sumA = f32x4.add(sumA, f32x4.add(f32x4.mul(a0, a0), f32x4.mul(a1, a1)));
      sumB = f32x4.add(sumB, f32x4.add(f32x4.mul(b0, b0), f32x4.mul(b1, b1)));
      sumD = f32x4.add(sumD, f32x4.add(dd0, dd1));
      apart = f32x4.pmax(apart, f32x4.pmax(dd0, dd1));
      equal = i32x4.add(equal, i32x4.add(i32x4.eq(a0, b0), i32x4.eq(a1, b1)));
    }
    equalCounts = i32x4.add(equalCounts, equal);
    if (!i32x4.all_true(i32x4.eq(equal, i32x4.splat(-8)))) {
      const place = start + (strip - 1) * STRIP;
      if (v128.any_true(f32x4.ge(apart, largest))) largest = f32x4.splat(findLargest(x, y, STRIP, place, out));
      addRoundingStrip(x, y, place, row, fit, out);
    }
    if (strip % STRIPS_IN_FLOAT32 == 0 || strip == strips) {
      rowA = f64x2.add(rowA, widened(sumA));
      rowB = f64x2.add(rowB, widened(sumB));
      rowD = f64x2.add(rowD, widened(sumD));
      sumA = f32x4.splat(0);
      sumB = sumA;
      sumD = sumA;
    }
  }
  keepSums(rowA, rowB, rowD, strips * STRIP + sumOfCounts(equalCounts));
}

/** Sums the blocks of a row; whether each of them surely is what quantizing allows. */
function addBlocks(x: usize, y: usize, strips: i32, start: i32, fit: usize, out: usize): bool {
  const blockStrips = blockElements(fit) / STRIP;
  const blockLimit = f32x4.splat(<f32>(blockShare(fit) / ROOM));
  const elementLimit = f32x4.splat(<f32>(elementShare(fit) ** 2 / ROOM));
  let rowA = f64x2.splat(0);
  let rowB = rowA;
  let rowD = rowA;
  let sumA = f32x4.splat(0);
  let sumB = sumA;
  let sumD = sumA;
  let equalCounts = i32x4.splat(0);
  let largest = f32x4.splat(largestSquare(out));
  let room = f32x4.splat(Infinity); // of the block and the element that have least
  let blockA = sumA;
  let blockD = sumA;
  let largestA = sumA;
  let largestD = sumA;
  let inBlock = 0;
  for (let strip = 1; strip <= strips; strip++, x += STRIP_BYTES, y += STRIP_BYTES) {
    let apart = f32x4.splat(0);
    let stripA = apart;
    let stripD = apart;
    for (let i: usize = 0; i < STRIP_BYTES; i += 32) {
      const a0 = v128.load(x + i);
      const b0 = v128.load(y + i);
      const a1 = v128.load(x + i, 16);
      const b1 = v128.load(y + i, 16);
      const d0 = f32x4.sub(a0, b0);
      const d1 = f32x4.sub(a1, b1);
      const dd0 = f32x4.mul(d0, d0);
      const dd1 = f32x4.mul(d1, d1);
      const aa0 = f32x4.mul(a0, a0);
      const aa1 = f32x4.mul(a1, a1);
      stripA = f32x4.add(stripA, f32x4.add(aa0, aa1));
      sumB = f32x4.add(sumB, f32x4.add(f32x4.mul(b0, b0), f32x4.mul(b1, b1)));
      stripD = f32x4.add(stripD, f32x4.add(dd0, dd1));
      apart = f32x4.pmax(apart, f32x4.pmax(dd0, dd1));
      largestA = f32x4.pmax(largestA, f32x4.pmax(aa0, aa1));
      equalCounts = i32x4.add(equalCounts, i32x4.add(i32x4.eq(a0, b0), i32x4.eq(a1, b1)));
    }
    if (v128.any_true(f32x4.ge(apart, largest))) {
      largest = f32x4.splat(findLargest(x, y, STRIP, start + (strip - 1) * STRIP, out));
    }
    sumA = f32x4.add(sumA, stripA);
    sumD = f32x4.add(sumD, stripD);
    blockA = f32x4.add(blockA, stripA);
    blockD = f32x4.add(blockD, stripD);
    largestD = f32x4.pmax(largestD, apart);
    if (++inBlock == blockStrips) {
      room = f32x4.pmin(room, allLanes(f32x4.sub(f32x4.mul(blockA, blockLimit), blockD)));
      room = f32x4.pmin(room, f32x4.sub(f32x4.mul(largestLane(largestA), elementLimit), largestD));
      blockA = f32x4.splat(0);
      blockD = blockA;
      largestA = blockA;
      largestD = blockA;
      inBlock = 0;
    }
    if (strip % STRIPS_IN_FLOAT32 == 0 || strip == strips) {
      rowA = f64x2.add(rowA, widened(sumA));
      rowB = f64x2.add(rowB, widened(sumB));
      rowD = f64x2.add(rowD, widened(sumD));
      sumA = f32x4.splat(0);
      sumB = sumA;
      sumD = sumA;
    }
  }
  keepSums(rowA, rowB, rowD, strips * STRIP + sumOfCounts(equalCounts));
  // a block whose squares are lost to float32, zeros among them, has no room: it is in doubt
  return inBlock == 0 && i32x4.all_true(f32x4.gt(room, f32x4.splat(<f32>SMALLEST_SQUARES)));
}

function keepSums(rowA: v128, rowB: v128, rowD: v128, count: i32): void {
  squaresA = f64x2.extract_lane(rowA, 0) + f64x2.extract_lane(rowA, 1);
  squaresB = f64x2.extract_lane(rowB, 0) + f64x2.extract_lane(rowB, 1);
  squaresD = f64x2.extract_lane(rowD, 0) + f64x2.extract_lane(rowD, 1);
  unequal = count;
}

/** Two sums in float64 of four lanes. */
// @ts-ignore: decorator
@inline
function widened(lanes: v128): v128 {
  const high = f64x2.promote_low_f32x4(v128.shuffle<i32>(lanes, lanes, 2, 3, 2, 3));
  return f64x2.add(f64x2.promote_low_f32x4(lanes), high);
}

/** The sum of all lanes in every lane. */
// @ts-ignore: decorator
@inline
function allLanes(lanes: v128): v128 {
  const pairs = f32x4.add(lanes, v128.shuffle<i32>(lanes, lanes, 2, 3, 0, 1));
  return f32x4.add(pairs, v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2));
}

/** The largest lane in every lane. */
// @ts-ignore: decorator
@inline
function largestLane(lanes: v128): v128 {
  const pairs = f32x4.pmax(lanes, v128.shuffle<i32>(lanes, lanes, 2, 3, 0, 1));
  return f32x4.pmax(pairs, v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2));
}

// @ts-ignore: decorator
@inline
function sumOfCounts(lanes: v128): i32 {
  const pairs = i32x4.add(lanes, v128.shuffle<i32>(lanes, lanes, 2, 3, 0, 1));
  return i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1);
}

/** Sum of the products of `length` elements. */
function dotOf(x: usize, y: usize, length: i32): f64 {
  let sum: f64 = 0;
  for (const end = x + (<usize>length << 2); x < end; x += 4, y += 4) sum += <f64>load<f32>(x) * <f64>load<f32>(y);
  return sum;
}
