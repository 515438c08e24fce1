/**
 * What a conversion will write, for a person.
 *
 * @module
 */
import { hexOffset } from '../errors.js';
import { type ConversionPlan, plannedTensors } from '../convert/plan.js';
import { collapseLayers } from './collapse-layers.js';
import { decisionLines } from './decisions.js';
import { type Line, flow, marked, wrap } from './lines.js';
import { counted, extents, sized } from './numbers.js';
import { fileCounts, writtenThing } from './parts.js';
import { table } from './table.js';
import { tensorTable } from './tensor-table.js';

/** How much of a plan is shown. */
export interface PlanOptions {
  /** Each tensor with its offset instead of repeated layers in one row. */
  readonly all?: boolean | undefined;
}

/** What is about to be written, in a few lines: how many tensors of which type, and what was decided. */
export function intentLines(plan: ConversionPlan): Line[] {
  const tensors = plannedTensors(plan);
  const types = tensors.length > 0 || plan.share === undefined ? [tensorTypes(tensors)] : [];
  const parts = [...types, fileCounts(plan), sized(plan.byteLength)];
  return [...flow(parts, { indent: 2 }), ...decisionLines(plan.decisions)];
}

function tensorTypes(tensors: readonly { readonly dtype: string }[]): string {
  const counts = new Map<string, number>();
  for (const { dtype } of tensors) counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  const types = [...counts].sort(([, a], [, b]) => b - a);
  const count = counted(tensors.length, 'tensor');
  const [first] = types;
  if (types.length === 1 && first !== undefined) return `${count}, all ${first[0]}`;
  return [count, types.map(([dtype, times]) => `${times} ${dtype}`).join(', ')].join(': ');
}

/** A plan that is not carried out: everything it would write to `output`. */
export function planLines(plan: ConversionPlan, output: string, { all }: PlanOptions = {}): Line[] {
  const files = plan.files.map(({ name, byteLength, pieces }) => {
    const count = pieces.filter(({ kind }) => kind === 'tensor').length;
    return [name, sized(byteLength), count === 0 ? '' : counted(count, 'tensor')];
  });
  return [
    ...flow([marked('strong', 'would write'), writtenThing(plan, output), sized(plan.byteLength)], {
      separator: ' ',
      hanging: 2,
    }),
    ...wrap('nothing was written, because --dry-run was given', 2),
    '',
    ...intentLines(plan),
    '',
    ...table(files, { numbers: [1] }),
    ...tensorLines(plan, all === true),
  ];
}

function tensorLines(plan: ConversionPlan, all: boolean): Line[] {
  const tensors = plannedTensors(plan);
  if (tensors.length === 0) return [];
  return ['', ...(all ? everyTensor(plan) : tensorTable(collapseLayers(tensors)))];
}

function everyTensor({ files }: ConversionPlan): string[] {
  const several = files.filter(({ pieces }) => pieces.some(({ kind }) => kind === 'tensor')).length > 1;
  const rows = files.flatMap((file) =>
    plannedTensors({ files: [file] }).map(({ name, shape, dtype, fileOffset }) => {
      const row = [name, extents(shape), dtype, hexOffset(fileOffset)];
      return several ? [...row, file.name] : row;
    }),
  );
  return table(rows, { head: ['tensor', 'shape', 'dtype', 'offset', ...(several ? ['file'] : [])], numbers: [3] });
}
