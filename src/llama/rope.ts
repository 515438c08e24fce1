/**
 * Rotary frequencies and the scaling that Llama 3.1 brought.
 *
 * Everything is rounded to float32 after each operation, because that is what Meta's code and
 * llama.cpp's converter do, and at position 100,000 the last bit of a frequency is visible.
 * GGUF stores divisors (`rope_freqs.weight`), Hugging Face the scaling's parameters, Meta only a flag.
 *
 * @see https://arxiv.org/abs/2104.09864
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama3/model.py (apply_scaling)
 * @module
 */
import { LlamaError, type RopeScaling } from './model.js';

const f32 = Math.fround;

/** Frequencies of the `headDim / 2` pairs of a head, unscaled: `theta ** (-2i / headDim)`; radians per position. */
export function ropeFrequencies(headDim: number, theta: number): Float32Array {
  return Float32Array.from({ length: headDim / 2 }, (_, i) => 1 / f32(theta ** f32((2 * i) / headDim)));
}

/** Frequencies as Meta's code scales them: long waves divided by the factor, short ones kept, a ramp between. */
export function scaleRopeFrequencies(frequencies: Float32Array, scaling: RopeScaling): Float32Array {
  return frequencies.map((frequency) => {
    const smooth = smoothness(frequency, scaling);
    if (smooth === 'short') return frequency;
    if (smooth === 'long') return frequency / scaling.factor;
    const slow = f32(f32(f32(1 - smooth) * frequency) / scaling.factor);
    return slow + f32(smooth * frequency);
  });
}

/**
 * Divisors of the frequencies, as llama.cpp's converter stores them in `rope_freqs.weight`:
 * 1 for short waves, the factor for long ones, a ramp between. Shape (headDim / 2,).
 */
export function ropeDivisors(headDim: number, theta: number, scaling: RopeScaling): Float32Array {
  return ropeFrequencies(headDim, theta).map((frequency) => {
    const smooth = smoothness(frequency, scaling);
    if (smooth === 'short') return 1;
    if (smooth === 'long') return scaling.factor;
    return 1 / f32(f32(f32(1 - smooth) / scaling.factor) + smooth);
  });
}

/** Where a wave stands between long (0) and short (1), or that it lies outside the ramp. */
function smoothness(frequency: number, scaling: RopeScaling): 'short' | 'long' | number {
  const { lowFreqFactor, highFreqFactor, originalContextLength } = scaling;
  const wavelength = f32(f32(2 * Math.PI) / frequency);
  if (wavelength < originalContextLength / highFreqFactor) return 'short';
  if (wavelength > originalContextLength / lowFreqFactor) return 'long';
  const waves = f32(originalContextLength / wavelength);
  return f32(f32(waves - lowFreqFactor) / (highFreqFactor - lowFreqFactor));
}

/**
 * The scaling whose divisors a GGUF file stores, found among the factors that releases use.
 *
 * @returns undefined when no known factor gives these divisors within one unit in the last place
 */
export function scalingOfDivisors(divisors: Float32Array, headDim: number, theta: number): RopeScaling | undefined {
  const factor = divisors.reduce((largest, divisor) => Math.max(largest, divisor), 1);
  const scaling = llama3Scaling(factor);
  const expected = ropeDivisors(headDim, theta, scaling);
  const same = divisors.length === expected.length && divisors.every((value, i) => isClose(value, expected[i]!));
  return same ? scaling : undefined;
}

/** Relative difference of two float32 values that separate libraries may show in the ramp. */
const RAMP_TOLERANCE = 4e-6;

function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= RAMP_TOLERANCE * Math.abs(b);
}

/** The scaling of Llama 3.1 and later, which differ only in the factor. */
export function llama3Scaling(factor: number): RopeScaling {
  return { factor, lowFreqFactor: 1, highFreqFactor: 4, originalContextLength: 8192 };
}

/**
 * Refuses a factor that a person gave for frequencies that the model's files do not scale: it would decide nothing.
 *
 * @throws LlamaError `llama/contradiction`
 */
export function expectScaled(isScaled: boolean, given: number | undefined, path: string, statedIn: string): void {
  if (given === undefined || isScaled) return;
  const message = `a rope factor was given, but ${statedIn} does not scale the frequencies`;
  throw new LlamaError('llama/contradiction', message, { path });
}
