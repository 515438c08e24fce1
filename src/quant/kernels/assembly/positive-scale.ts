/**
 * The scale of the scales of groups, with importances: `quant/blocks/positive-scale.ts`.
 *
 * @module
 */
import { nearestInt } from './turned-groups';

/** A largest value below this counts as zero. */
const SMALLEST: f32 = 1e-15;

let valueLevel: f32 = 0;
let levelLevel: f32 = 0;

/**
 * Fits a scale to `count` float32 numbers at `values` with as many weights, by levels from 0 to `top`, which are
 * stored at `levels`, a byte each. Returns the scale.
 */
export function fitPositiveScale(values: usize, weights: usize, count: i32, top: i32, levels: usize): f32 {
  let largest: f32 = 0;
  for (let i = 0; i < count; i++) {
    const value = load<f32>(values + (i << 2));
    largest = largest > value ? largest : value;
  }
  if (largest < SMALLEST) {
    memory.fill(levels, 0, count);
    return 0;
  }
  const inverse = bestInverse(values, weights, count, top, largest);
  valueLevel = 0;
  levelLevel = 0;
  for (let i = 0; i < count; i++) {
    const level = min(top, nearestInt(inverse * load<f32>(values + (i << 2))));
    store<u8>(levels + i, <u8>level);
    addTo(load<f32>(weights + (i << 2)), load<f32>(values + (i << 2)), <f32>level);
  }
  for (let round = 0; round < 5; round++) if (!moveLevels(values, weights, count, top, levels)) break;
  return levelLevel > 0 ? valueLevel / levelLevel : 0;
}

// @ts-ignore: decorator
@inline
function addTo(weight: f32, value: f32, level: f32): void {
  valueLevel += weight * value * level;
  levelLevel += weight * level * level;
}

function bestInverse(values: usize, weights: usize, count: i32, top: i32, largest: f32): f32 {
  let best = <f32>top / largest;
  let least = errorOf(values, weights, count, best, 255);
  for (let attempt = -4; attempt <= 4; attempt++) {
    if (attempt == 0) continue;
    const inverse = (<f32>0.1 * <f32>attempt + <f32>top) / largest;
    const error = errorOf(values, weights, count, inverse, top);
    if (error < least) {
      least = error;
      best = inverse;
    }
  }
  return best;
}

/** The levels of the first guess are bytes in ggml, and not cut off at the top. */
function errorOf(values: usize, weights: usize, count: i32, inverse: f32, top: i32): f32 {
  const scale: f32 = <f32>1 / inverse;
  let error: f32 = 0;
  for (let i = 0; i < count; i++) {
    const value = load<f32>(values + (i << 2));
    const nearest = nearestInt(inverse * value);
    const level = top == 255 ? nearest & 255 : min(top, nearest);
    const difference = value - scale * <f32>level;
    error += load<f32>(weights + (i << 2)) * difference * difference;
  }
  return error;
}

function moveLevels(values: usize, weights: usize, count: i32, top: i32, levels: usize): bool {
  let moved = false;
  for (let i = 0; i < count; i++) {
    const value = load<f32>(values + (i << 2));
    const weight = load<f32>(weights + (i << 2));
    const level = <f32>load<u8>(levels + i);
    let products = valueLevel - weight * value * level;
    let squares = levelLevel - weight * level * level;
    if (!(products > 0 && squares > 0)) continue;
    const better = min(top, nearestInt((value * squares) / products));
    if (better == <i32>load<u8>(levels + i)) continue;
    products += weight * value * <f32>better;
    squares += weight * <f32>better * <f32>better;
    if (products * products * levelLevel > valueLevel * valueLevel * squares) {
      store<u8>(levels + i, <u8>better);
      valueLevel = products;
      levelLevel = squares;
      moved = true;
    }
  }
  return moved;
}
