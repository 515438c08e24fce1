/**
 * Tensors of repeated layers as one row: `layers.{0–15}.attention.wq.weight ×16`.
 *
 * Only tensors that agree in everything but the layer's number are put together, so a layer that is odd
 * stands in a row of its own.
 *
 * @module
 */

/** What rows are told apart by. */
export interface CollapsibleTensor {
  /** Name; the first number between two dots in it is the layer. */
  readonly name: string;
  /** Element type. */
  readonly dtype: string;
  /** Extents. */
  readonly shape: readonly number[];
}

/** One row: a tensor, or all that differ from it only in their layer. */
export interface TensorGroup<T extends CollapsibleTensor> {
  /** The name, with the layers in braces when there are several. */
  readonly name: string;
  /** The tensors, in their order; at least one. */
  readonly tensors: readonly [T, ...T[]];
}

const LAYER = /(?<=\.)\d+(?=\.)/;

/** The tensors in rows, in the order in which each name first comes; layers of other types or shapes stand below. */
export function collapseLayers<T extends CollapsibleTensor>(tensors: readonly T[]): TensorGroup<T>[] {
  const names = new Map<string, Map<string, [T, ...T[]]>>();
  for (const tensor of tensors) {
    const name = tensor.name.replace(LAYER, '*');
    const groups = names.get(name) ?? new Map<string, [T, ...T[]]>();
    names.set(name, groups);
    const kind = [tensor.dtype, ...tensor.shape].join('\n');
    const group = groups.get(kind);
    if (group === undefined) groups.set(kind, [tensor]);
    else group.push(tensor);
  }
  return [...names.values()].flatMap((groups) =>
    [...groups.values()].map((group) => ({ name: groupName(group), tensors: group })),
  );
}

/** Each tensor in a row of its own. */
export function expandLayers<T extends CollapsibleTensor>(tensors: readonly T[]): TensorGroup<T>[] {
  return tensors.map((tensor) => ({ name: tensor.name, tensors: [tensor] }));
}

function groupName(tensors: readonly [CollapsibleTensor, ...CollapsibleTensor[]]): string {
  const [{ name }] = tensors;
  if (tensors.length === 1) return name;
  const layers = tensors.map((tensor) => Number(LAYER.exec(tensor.name)?.[0]));
  return name.replace(LAYER, `{${ranges(layers).join(',')}}`);
}

/** Numbers as ranges: `0–3`, `5`. */
function ranges(numbers: readonly number[]): string[] {
  const found: [number, number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last !== undefined && number <= last[1] + 1) last[1] = number;
    else found.push([number, number]);
  }
  return found.map(([from, to]) => (from === to ? String(from) : `${from}–${to}`));
}
