/**
 * How many bits the weights take, for a person: one line where all matrices have one type, two tables where not.
 *
 * Vectors do not count for that: nearly every quantized file keeps its norms in float32, and they weigh nothing.
 *
 * @module
 */
import { fileTypeOfId } from '../convert/file-types.js';
import type { Inspection } from '../llama/inspect.js';
import type { TypeTally } from '../llama/weight-tallies.js';
import { type Line, flow, shown } from './lines.js';
import { alignedBits, bits, parameters, sized } from './numbers.js';
import { table } from './table.js';

/** The type of the weights, where there is one, their bits, and what a GGUF file calls its type. */
export function weightLine({
  types,
  bitsPerWeight,
  fileType,
}: Pick<Inspection, 'types' | 'bitsPerWeight' | 'fileType'>): Line[] {
  if (bitsPerWeight === undefined) return [];
  const [first, ...others] = typesOfWeights(types);
  const only = first === undefined || others.length > 0 ? [] : [shown(first.dtype)];
  const stated = fileType === undefined ? [] : [`file type ${fileTypeOfId(fileType) ?? fileType}`];
  return flow([[...only, `${bits(bitsPerWeight)} bits per weight`].join(', '), ...stated], {
    separator: ' · ',
    indent: 2,
  });
}

/** The weights by type and by part of the model; nothing where all have one type. */
export function weightTables({ types, groups }: Pick<Inspection, 'types' | 'groups'>): Line[] {
  if (typesOfWeights(types).length < 2) return [];
  const byType = types.map((type) => [
    ...[type.dtype, String(type.tensorCount), parameters(type.parameterCount)],
    ...[sized(type.byteLength), alignedBits(type.bitsPerWeight)],
  ]);
  const byGroup = groups.map((group) => [
    ...[group.group, group.dtypes.join(', '), parameters(group.parameterCount)],
    ...[sized(group.byteLength), alignedBits(group.bitsPerWeight)],
  ]);
  const head = ['parameters', 'bytes', 'bits per weight'];
  return [
    ...table(byType, { head: ['type', 'tensors', ...head], numbers: [1, 2, 3, 4] }),
    ...(groups.length < 2 ? [] : ['', ...table(byGroup, { head: ['part', 'types', ...head], numbers: [2, 3, 4] })]),
  ];
}

/** The types that matrices have, or where there are none, all types. */
function typesOfWeights(types: readonly TypeTally[]): readonly TypeTally[] {
  const ofMatrices = types.filter(({ matrixCount }) => matrixCount > 0);
  return ofMatrices.length > 0 ? ofMatrices : types;
}
