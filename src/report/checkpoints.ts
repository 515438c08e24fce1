/**
 * Several checkpoints in one folder, for a person: one line each.
 *
 * @module
 */
import type { FoundCheckpoint } from '../llama/find-checkpoints-node.js';
import type { Inspection } from '../llama/inspect.js';
import { lastPathPart } from '../llama/model-name.js';
import { identityTitle } from './identity.js';
import { type Line, flow, marked, shown, wrap } from './lines.js';
import { counted, parameters, sized } from './numbers.js';
import { table } from './table.js';

/** What is in a folder of checkpoints. */
export function checkpointsLines(path: string, checkpoints: readonly FoundCheckpoint[]): Line[] {
  const size = checkpoints.reduce((sum, { inspection }) => sum + (inspection?.byteLength ?? 0), 0);
  return [
    ...flow([marked('strong', counted(checkpoints.length, 'checkpoint')), `in ${shown(path)}`, sized(size)], {
      hanging: 2,
    }),
    '',
    ...table(checkpoints.map(checkpointRow), { numbers: [2, 3] }),
    '',
    ...wrap('to see one of them: llama-inspect inspect PATH', 2),
  ];
}

function checkpointRow({ path, inspection, error }: FoundCheckpoint): string[] {
  const name = lastPathPart(path);
  if (inspection === undefined) return [name, `cannot be read   [${error?.code ?? ''}]`, '', ''];
  const { identity, parameterCount, byteLength } = inspection;
  const what = identity === undefined ? shapeOf(inspection) : identityTitle(identity);
  return [name, what, parameters(parameterCount), sized(byteLength), shortLayoutOf(inspection)];
}

/** The shape of a model that is no known release. */
function shapeOf({ config, kind }: Inspection): string {
  if (config !== undefined) return `dim ${config.dim}, ${counted(config.nLayers, 'layer')}`;
  return kind ?? '';
}

const LAYOUTS: Readonly<Record<Inspection['layout'], string>> = {
  meta: 'Meta',
  hf: 'Hugging Face',
  gguf: 'GGUF',
  file: 'tensors',
};

function shortLayoutOf({ layout, shardCount }: Inspection): string {
  return shardCount === 1 ? LAYOUTS[layout] : `${LAYOUTS[layout]}, ${shardCount} files`;
}

/** Files of tensors that are no checkpoint. */
export function looseFilesLines(path: string, files: readonly Inspection[]): Line[] {
  const size = files.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const rows = files.map((file) => [file.name, counted(file.tensors.length, 'tensor'), sized(file.byteLength)]);
  const what = `no checkpoint, but ${counted(files.length, 'file')} of tensors`;
  return [
    ...flow([marked('strong', what), `in ${shown(path)}`, sized(size)], { hanging: 2 }),
    '',
    ...table(rows, { numbers: [2] }),
    '',
    ...wrap('to see their tensors: llama-inspect tensors PATH', 2),
  ];
}
