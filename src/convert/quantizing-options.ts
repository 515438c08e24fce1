/**
 * The options that mean something for quantized types alone.
 *
 * @module
 */
import { type FileTypeName, isPlainFileType } from './file-types.js';

/** The options that say how to quantize. */
const QUANTIZING = ['pure', 'tensorTypes', 'outputType', 'embeddingType', 'importance', 'allowRequantize'] as const;

/** An option that says how to quantize. */
export type QuantizingOption = (typeof QUANTIZING)[number];

/** The first option that says how to quantize although the type is plain; undefined where there is none. */
export function idleQuantizingOption(
  options: { readonly type?: FileTypeName | undefined } & Partial<Record<QuantizingOption, unknown>>,
): QuantizingOption | undefined {
  if (options.type !== undefined && !isPlainFileType(options.type)) return undefined;
  return QUANTIZING.find((name) => options[name] !== undefined && options[name] !== false);
}
