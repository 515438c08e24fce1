/**
 * The scale of sixteen scales with weights, one value after the other: `quant/blocks/scale-search.ts`.
 *
 * @module
 */
import { nearestInt } from './turned-groups';

/** A largest magnitude below this counts as zero. */
const SMALLEST: f32 = 1e-15;

let valueLevel: f32 = 0;
let levelLevel: f32 = 0;

/** Fits levels from `-top` to `top - 1`, stored with `top` added, a byte each; returns the scale. */
export function fitSixteenScales(values: usize, weights: usize, top: i32, levels: usize): f32 {
  let extreme: f32 = 0;
  for (let i = 0; i < 16; i++) {
    const value = load<f32>(values + (i << 2));
    if (abs(value) > abs(extreme)) extreme = value;
  }
  if (abs(extreme) < SMALLEST) {
    memory.fill(levels, 0, 16);
    return 0;
  }
  let bestInverse: f32 = <f32>-top / extreme;
  addUp(values, weights, top, bestInverse);
  let scale: f32 = levelLevel != 0 ? valueLevel / levelLevel : 0;
  let best: f32 = scale * valueLevel;
  for (let attempt = -9; attempt <= 9; attempt++) {
    if (attempt == 0) continue;
    const inverse: f32 = -(<f32>top + <f32>0.1 * <f32>attempt) / extreme;
    addUp(values, weights, top, inverse);
    if (levelLevel > 0 && valueLevel * valueLevel > best * levelLevel) {
      bestInverse = inverse;
      scale = valueLevel / levelLevel;
      best = scale * valueLevel;
    }
  }
  for (let i = 0; i < 16; i++) {
    store<u8>(levels + i, <u8>(top + levelOf(bestInverse * load<f32>(values + (i << 2)), top)));
  }
  return scale;
}

// @ts-ignore: decorator
@inline
function levelOf(scaled: f32, top: i32): i32 {
  return max(-top, min(top - 1, nearestInt(scaled)));
}

function addUp(values: usize, weights: usize, top: i32, inverse: f32): void {
  valueLevel = 0;
  levelLevel = 0;
  for (let i = 0; i < 16; i++) {
    const value = load<f32>(values + (i << 2));
    const weight = load<f32>(weights + (i << 2));
    const level = <f32>levelOf(inverse * value, top);
    valueLevel += weight * value * level;
    levelLevel += weight * level * level;
  }
}
