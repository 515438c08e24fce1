/**
 * Reading elements that do not lie in order.
 *
 * A transposed, expanded or sliced tensor is a set of strides over a storage. What is asked for is cut
 * into boxes (ranges of indices), and a box into smaller ones until the stretch of storage under it is
 * short; each is then read at once and its elements are put in their places. Peak memory is the result
 * and one stretch of at most 4 MiB. Reading a block of rows of a transposed matrix passes over the whole
 * storage once, so larger blocks cost less in all.
 *
 * @module
 */
import type { ByteSource, ReadOptions } from '../../source/byte-source.js';

/** Longest stretch of storage that is read at once. */
const WINDOW_BYTES = 1 << 22;

/** Gaps longer than this are skipped by reading what lies on either side separately. */
const GAP_BYTES = 1 << 16;

/** Elements at strides. Lengths of `shape` and `stride` are equal. */
export interface StridedElements {
  /** The storage. */
  readonly source: ByteSource;
  /** First element in it. */
  readonly storageOffset: number;
  /** Bytes of an element. */
  readonly itemBytes: number;
  /** Extents, slowest first. */
  readonly shape: readonly number[];
  /** Elements from one index to the next, by dimension. */
  readonly stride: readonly number[];
}

/** Dimensions reduced to the fewest that mean the same. */
interface Dimensions {
  readonly shape: readonly number[];
  readonly stride: readonly number[];
}

/** The least dimensions that describe the same elements: those of one index dropped, neighbours in one line joined. */
export function simplifyStrides({ shape, stride }: Dimensions): Dimensions {
  const simple: { extent: number; step: number }[] = [];
  for (const [index, extent] of shape.entries()) {
    const step = stride[index]!;
    const outer = simple.at(-1);
    if (extent === 1) continue;
    if (outer?.step === extent * step) simple.splice(-1, 1, { extent: outer.extent * extent, step });
    else simple.push({ extent, step });
  }
  return { shape: simple.map(({ extent }) => extent), stride: simple.map(({ step }) => step) };
}

/** Whether elements in row-major order lie one after another. */
export function isContiguous(dimensions: Dimensions): boolean {
  const { stride } = simplifyStrides(dimensions);
  return stride.length === 0 || (stride.length === 1 && stride[0] === 1);
}

/**
 * `count` elements from element `first` of the row-major order, in a new buffer. The range must lie inside
 * the tensor, and the tensor inside the source.
 */
export async function gather(
  elements: StridedElements,
  first: number,
  count: number,
  options?: ReadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const target = new Uint8Array(count * elements.itemBytes);
  let done = 0;
  for (const range of rangesOf(simplifyStrides(elements), elements.storageOffset, first, first + count)) {
    const box: Box = { ...range, outputStride: rowMajorStrides(range.shape), target: done };
    for (const part of partsOf(box, elements.itemBytes)) {
      options?.signal?.throwIfAborted();
      await copyPart(elements, part, target, options);
    }
    done += range.shape.reduce((product, extent) => product * extent, 1);
  }
  return target;
}

/** A range of indices of every dimension. */
interface Range extends Dimensions {
  /** First element, in the storage. */
  readonly start: number;
}

/** A range and its place in the result. */
interface Box extends Range {
  /** Elements of the result from one index to the next, by dimension. */
  readonly outputStride: readonly number[];
  /** First element, in the result. */
  readonly target: number;
}

function rowMajorStrides(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let step = 1;
  for (const extent of shape.toReversed()) {
    strides.unshift(step);
    step *= extent;
  }
  return strides;
}

/** Cuts the elements `from..to` of the row-major order into ranges: an incomplete row, whole rows, an incomplete row. */
function* rangesOf({ shape, stride }: Dimensions, start: number, from: number, to: number): Generator<Range> {
  if (from === to) return;
  const [extent, ...inner] = shape;
  const [step = 0, ...innerStride] = stride;
  if (extent === undefined) {
    yield { start, shape: [], stride: [] };
    return;
  }
  const row = inner.reduce((product, length) => product * length, 1);
  const within = (index: number, first: number, last: number): Generator<Range> =>
    rangesOf({ shape: inner, stride: innerStride }, start + index * step, first - index * row, last - index * row);
  const firstWhole = Math.ceil(from / row);
  const lastWhole = Math.floor(to / row);
  if (firstWhole > lastWhole) {
    yield* within(lastWhole, from, to);
    return;
  }
  yield* within(firstWhole - 1, from, firstWhole * row);
  if (firstWhole < lastWhole) {
    yield { start: start + firstWhole * step, shape: [lastWhole - firstWhole, ...inner], stride };
  }
  yield* within(lastWhole, lastWhole * row, to);
}

/** Cuts a box across its widest dimension until what lies under it is short and without long gaps. */
function* partsOf(untrimmed: Box, itemBytes: number): Generator<Box> {
  const box = withoutSingles(untrimmed);
  const widest = box.stride.indexOf(Math.max(...box.stride));
  const [extent = 1, step = 0] = [box.shape[widest], box.stride[widest]];
  const inner = lengthUnder(box) - (extent - 1) * step;
  const isFar = (step - inner) * itemBytes > GAP_BYTES;
  const fitting = Math.floor((WINDOW_BYTES / itemBytes - inner) / Math.max(step, 1)) + 1;
  const most = isFar ? 1 : Math.max(1, fitting);
  if (extent <= most) {
    yield box;
    return;
  }
  for (let index = 0; index < extent; index += most) {
    const shape = box.shape.with(widest, Math.min(most, extent - index));
    const start = box.start + index * step;
    const target = box.target + index * box.outputStride[widest]!;
    const part = { ...box, shape, start, target };
    if (most === 1) yield* partsOf(part, itemBytes);
    else yield part;
  }
}

/** Elements of storage from the first to the last under a box. */
function lengthUnder({ shape, stride }: Dimensions): number {
  return shape.reduce((sum, extent, index) => sum + (extent - 1) * stride[index]!, 1);
}

function withoutSingles(box: Box): Box {
  const isWide = (_: number, index: number): boolean => box.shape[index] !== 1;
  return {
    ...box,
    shape: box.shape.filter(isWide),
    stride: box.stride.filter(isWide),
    outputStride: box.outputStride.filter(isWide),
  };
}

async function copyPart(
  { source, itemBytes }: StridedElements,
  part: Box,
  target: Uint8Array,
  options?: ReadOptions,
): Promise<void> {
  const window = new Uint8Array(lengthUnder(part) * itemBytes);
  await source.readInto(part.start * itemBytes, window, options);
  // Elements are copied in units of at most four bytes, which the widest (16 bytes) are multiples of.
  const unitBytes = Math.min(itemBytes, 4);
  const units = itemBytes / unitBytes;
  const [from, to] = [unitsOf(window, unitBytes), unitsOf(target, unitBytes)];
  const copyLine = (start: number, place: number, extent: number, step: number, outputStep: number): void => {
    for (let index = 0; index < extent; index += 1) {
      const read = (start + index * step) * units;
      const write = (place + index * outputStep) * units;
      for (let unit = 0; unit < units; unit += 1) to[write + unit] = from[read + unit]!;
    }
  };
  const copy = (dimension: number, start: number, place: number): void => {
    const extent = part.shape[dimension] ?? 1;
    const step = part.stride[dimension] ?? 0;
    const outputStep = part.outputStride[dimension] ?? 0;
    if (dimension >= part.shape.length - 1) {
      if (step === 1 && outputStep === 1) to.set(from.subarray(start * units, (start + extent) * units), place * units);
      else copyLine(start, place, extent, step, outputStep);
      return;
    }
    for (let index = 0; index < extent; index += 1) {
      copy(dimension + 1, start + index * step, place + index * outputStep);
    }
  };
  copy(0, 0, part.target);
}

function unitsOf(bytes: Uint8Array, unitBytes: number): Uint8Array | Uint16Array | Uint32Array {
  const { buffer, byteOffset, byteLength } = bytes;
  if (unitBytes === 4) return new Uint32Array(buffer, byteOffset, byteLength / 4);
  return unitBytes === 2 ? new Uint16Array(buffer, byteOffset, byteLength / 2) : bytes;
}
