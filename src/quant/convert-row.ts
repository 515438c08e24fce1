/**
 * Rows of one element type as rows of another.
 *
 * Between the two 16-bit formats the way goes through a table of all 65,536 patterns, which also knows
 * what each of them loses; everything else goes through float32, a few thousand elements at a time so
 * that the numbers in between stay in cache.
 *
 * @module
 */
import { type DType, blockLayout, byteLengthOf } from '../dtype.js';
import { type CastLoss, countLoss, lossOf } from './cast-loss.js';
import { decodeToFloat32, encodeFromFloat32, expectLength, isDecodable, isEncodable } from './codec.js';
import { QuantError } from './quant-error.js';
import { isWideType, numbersOf } from './wide.js';
import { fillWords, wordsOf } from './words.js';

/** Elements converted at a time: 32 KiB of float32, and a multiple of every block size. */
const CHUNK_ELEMENTS = 8192;

/** Number of different 16-bit patterns. */
const PATTERNS = 1 << 16;

/** How a loss is noted in the upper half of a table's entry. */
const LOSS_KINDS = ['overflowed', 'flushedToZero', 'rounded'] as const satisfies readonly (keyof CastLoss)[];

type SixteenBitType = 'float16' | 'bfloat16';

const castTables = new Map<SixteenBitType, Uint32Array>();

/** Whether {@link convertRow} can turn rows of `from` into rows of `to`. */
export function canConvert(from: DType, to: DType): boolean {
  return from === to || (isDecodable(from) && isEncodable(to));
}

/**
 * Converts whole rows: `bytes` of type `from` into `out` of type `to`. Either may start anywhere.
 * Equal types are copied. What the conversion loses is added to `loss` when that is given; conversions
 * into quantized types lose something everywhere, and nothing is counted for them.
 *
 * @throws QuantError `quant/no-decoder`, `quant/no-encoder`, `quant/wrong-length`
 */
export function convertRow(from: DType, to: DType, bytes: Uint8Array, out: Uint8Array, loss?: CastLoss): void {
  const elements = elementsOf(from, bytes.byteLength);
  expectLength(to, elements, out.byteLength);
  if (from === to) {
    out.set(bytes);
  } else if (isSixteenBit(from) && isSixteenBit(to)) {
    castThroughTable(from, to, bytes, out, loss);
  } else {
    convertThroughFloat32(from, to, bytes, out, loss);
  }
}

function elementsOf(dtype: DType, byteLength: number): number {
  const { blockElements, blockBytes } = blockLayout(dtype);
  if (byteLength % blockBytes === 0) return (byteLength / blockBytes) * blockElements;
  throw new QuantError(
    'quant/wrong-length',
    `elements of type ${dtype} come in blocks of ${blockBytes} bytes, but the buffer has ${byteLength}`,
  );
}

function isSixteenBit(dtype: DType): dtype is SixteenBitType {
  return dtype === 'float16' || dtype === 'bfloat16';
}

function castThroughTable(
  from: SixteenBitType,
  to: SixteenBitType,
  bytes: Uint8Array,
  out: Uint8Array,
  loss: CastLoss | undefined,
): void {
  const table = castTables.get(from) ?? buildCastTable(from, to);
  castTables.set(from, table);
  const source = wordsOf(Uint16Array, bytes);
  const counts = [0, 0, 0, 0]; // by the note on the loss; the first stays unused
  fillWords(Uint16Array, out, (target) => {
    for (let i = 0; i < target.length; i++) {
      const entry = table[source[i]!]!;
      target[i] = entry; // 16 bits: the note falls off
      if (entry >= PATTERNS) counts[entry >>> 16] = counts[entry >>> 16]! + 1;
    }
  });
  if (loss === undefined) return;
  LOSS_KINDS.forEach((kind, index) => (loss[kind] += counts[index + 1]!));
}

/** For each pattern the pattern it becomes, and in the upper 16 bits which counter it belongs to, from 1. */
function buildCastTable(from: SixteenBitType, to: SixteenBitType): Uint32Array {
  const patterns = Uint16Array.from({ length: PATTERNS }, (_, pattern) => pattern);
  const before = new Float32Array(PATTERNS);
  decodeToFloat32(from, new Uint8Array(patterns.buffer), before);
  const results = new Uint16Array(PATTERNS);
  encodeFromFloat32(to, before, new Uint8Array(results.buffer));
  const after = new Float32Array(PATTERNS);
  decodeToFloat32(to, new Uint8Array(results.buffer), after);
  return Uint32Array.from(results, (result, pattern) => {
    const kind = lossOf(before[pattern]!, after[pattern]!);
    return result | ((kind === undefined ? 0 : LOSS_KINDS.indexOf(kind) + 1) << 16);
  });
}

function convertThroughFloat32(
  from: DType,
  to: DType,
  bytes: Uint8Array,
  out: Uint8Array,
  loss: CastLoss | undefined,
): void {
  const elements = elementsOf(from, bytes.byteLength);
  const scratch = new Float32Array(Math.min(elements, CHUNK_ELEMENTS));
  const counted = loss !== undefined && canLose(from, to);
  const back = new Float32Array(counted ? scratch.length : 0);
  for (let first = 0; first < elements; first += CHUNK_ELEMENTS) {
    const end = Math.min(elements, first + CHUNK_ELEMENTS);
    const source = bytes.subarray(byteLengthOf(from, first), byteLengthOf(from, end));
    const target = out.subarray(byteLengthOf(to, first), byteLengthOf(to, end));
    const values = scratch.subarray(0, end - first);
    decodeToFloat32(from, source, values);
    encodeFromFloat32(to, values, target);
    if (!counted) continue;
    const after = back.subarray(0, end - first);
    decodeToFloat32(to, target, after);
    countLoss(isWideType(from) ? numbersOf(from, source) : values, after, loss);
  }
}

/** Whether counting is worth while: float32 holds every narrower type, quantized types lose everywhere. */
function canLose(from: DType, to: DType): boolean {
  return blockLayout(to).blockElements === 1 && (to !== 'float32' || isWideType(from));
}
