/**
 * A conversion in parts, each written by another process or machine, and which part writes what.
 *
 * Whole output files with weights are dealt out, the largest first, each to the part that has the fewest bytes so far. It
 * depends on nothing but the plan and the number of parts, so every machine deals alike. Files without weights belong to
 * no part: they are written when all parts are there.
 *
 * @module
 */
import { type Tensor, tensorByteLength } from '../formats/tensor.js';
import type { LlamaModel } from '../llama/model.js';
import { isWholeTensor } from './lock-record.js';
import {
  type ConversionPart,
  type ConversionPlan,
  ConvertError,
  type PartFile,
  type PlannedFile,
  plannedTensors,
} from './plan.js';

/** Most parts: more than any model has files of the usual size. */
const MAX_PARTS = 9999;

/** Whether there can be a part of that number among so many. */
export function isPossiblePart({ number, count }: ConversionPart): boolean {
  const isCount = Number.isInteger(count) && count >= 1 && count <= MAX_PARTS;
  return isCount && Number.isInteger(number) && number >= 1 && number <= count;
}

/** Refuses a part that there cannot be. @throws ConvertError `convert/bad-option` */
export function expectPart(part: ConversionPart): void {
  if (isPossiblePart(part)) return;
  const { number, count } = part;
  throw new ConvertError('convert/bad-option', `there is no part ${number} of ${count}`, {
    hint: `parts are counted from 1, and there are at most ${MAX_PARTS}: 1/4, 2/4, 3/4, 4/4`,
  });
}

/** How a part is called in messages: `part 3/8`. */
export function partName({ number, count }: ConversionPart): string {
  return `part ${number}/${count}`;
}

/** Whether a file has weights, so that it belongs to a part. */
export function hasWeights({ pieces }: Pick<PlannedFile, 'pieces'>): boolean {
  return pieces.some(({ kind }) => kind === 'tensor');
}

/** The files with weights and the part, of so many, that writes each, in writing order. */
export function partFiles({ files }: Pick<ConversionPlan, 'files'>, count: number): (PlannedFile & PartFile)[] {
  const weights = files.filter(hasWeights);
  const dealt = dealOut(weights, count);
  return weights.map((file, index) => ({ ...file, part: { number: dealt[index]!, count } }));
}

/** The tensors that no file holds whole, in canonical order: those that shards of Meta's cut. */
function cutTensors(plan: Pick<ConversionPlan, 'files'>, model: Pick<LlamaModel, 'tensors'>): [string, Tensor][] {
  const whole = new Set(plannedTensors(plan).flatMap((piece) => (isWholeTensor(piece, model) ? [piece.from] : [])));
  return [...model.tensors].filter(([name]) => !whole.has(name));
}

/** The cut tensors, and the number of the part, of so many, that reads each for its fingerprint. */
export function dealtCutTensors(
  plan: Pick<ConversionPlan, 'files'>,
  model: Pick<LlamaModel, 'tensors'>,
  count: number,
): ReadonlyMap<string, number> {
  const tensors = cutTensors(plan, model);
  const dealt = dealOut(
    tensors.map(([, tensor]) => ({ byteLength: tensorByteLength(tensor) })),
    count,
  );
  return new Map(tensors.map(([name], index) => [name, dealt[index]!]));
}

/** The part of each item, counted from 1: the largest items first, each to the part with the fewest bytes so far. */
function dealOut(items: readonly { readonly byteLength: number }[], count: number): number[] {
  const loads = new Float64Array(count);
  const dealt: number[] = Array.from({ length: items.length }, () => 0);
  // sorting is stable, so that equal items keep their order
  const order = items
    .map(({ byteLength }, index) => ({ index, byteLength }))
    .sort((a, b) => b.byteLength - a.byteLength);
  for (const { index, byteLength } of order) {
    let least = 0;
    for (let part = 1; part < count; part++) if (loads[part]! < loads[least]!) least = part;
    loads[least]! += byteLength;
    dealt[index] = least + 1;
  }
  return dealt;
}
