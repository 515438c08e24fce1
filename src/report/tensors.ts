/**
 * The tensors of files, for a person.
 *
 * @module
 */
import type { ListedTensor } from '../integrity/list-tensors.js';
import { lastPathPart } from '../llama/model-name.js';
import { type TensorGroup, collapseLayers, expandLayers } from './collapse-layers.js';
import { type Line, flow, marked, shown } from './lines.js';
import { counted, sized } from './numbers.js';
import { tensorTable } from './tensor-table.js';

/** How much is shown. */
export interface TensorsOptions {
  /** Each tensor in a row of its own instead of repeated layers in one; always so when there are hashes. */
  readonly all?: boolean | undefined;
}

/** The tensors file by file; hashes stand below each tensor, because they fill a line. */
export function tensorsLines(tensors: readonly ListedTensor[], options: TensorsOptions = {}): Line[] {
  const files = [...new Set(tensors.map(({ file }) => file))];
  const size = tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const count = marked('strong', counted(tensors.length, 'tensor'));
  return [
    ...flow([count, `in ${counted(files.length, 'file')}`, sized(size)]),
    ...files.flatMap((file) =>
      fileLines(
        file,
        tensors.filter((tensor) => tensor.file === file),
        options,
      ),
    ),
  ];
}

function fileLines(file: string, tensors: readonly ListedTensor[], { all }: TensorsOptions): Line[] {
  const hashed = tensors.some(({ sha256 }) => sha256 !== undefined);
  const groups = all === true || hashed ? expandLayers(tensors) : collapseLayers(tensors);
  const [head = '', ...body] = tensorTable(groups);
  const shared = tensors.filter(({ sharedWith }) => sharedWith !== undefined);
  return [
    '',
    [marked('strong', shown(lastPathPart(file)))],
    head,
    ...body.flatMap((line, index) => [line, ...hashLines(groups[index])]),
    ...shared.map(({ name, sharedWith = '' }) => `  ${shown(name)} and ${shown(sharedWith)} are one storage`),
  ];
}

function hashLines(group: TensorGroup<ListedTensor> | undefined): Line[] {
  const sha256 = group?.tensors[0].sha256;
  return sha256 === undefined ? [] : [[marked('faint', `    sha256 ${sha256}`)]];
}
