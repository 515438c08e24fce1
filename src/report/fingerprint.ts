/**
 * Fingerprints of a model: for a person, and as JSON.
 *
 * @module
 */
import type { TensorFingerprint } from '../integrity/fingerprint-tensor.js';
import type { PathFingerprint } from '../integrity/fingerprint-path-node.js';
import type { LlamaModel } from '../llama/model.js';
import { type JsonReport, jsonReport } from './json.js';
import { type Line, flow, marked, shown } from './lines.js';
import { counted, extents } from './numbers.js';
import { table } from './table.js';

/** How much is shown. */
export interface FingerprintLinesOptions {
  /** Each tensor with its fingerprint. */
  readonly all?: boolean | undefined;
}

/** What the layouts are called. */
const LAYOUT_NAMES: Readonly<Record<LlamaModel['layout'], string>> = {
  meta: 'Meta checkpoint',
  hf: 'Hugging Face folder',
  gguf: 'GGUF file',
};

/** A fingerprint as lines; a hash fills a line. */
export function fingerprintLines(found: PathFingerprint, { all }: FingerprintLinesOptions = {}): Line[] {
  const { path, layout, sha256, parts, tensors } = found;
  const rows = [
    ['model', sha256],
    ['tensors', parts.tensors],
    ['config', parts.hyperparameters],
    ['vocabulary', parts.vocabulary ?? 'there is none'],
  ];
  return [
    ...flow([marked('strong', shown(path)), LAYOUT_NAMES[layout], tensorTypes(tensors)]),
    '',
    ...table(rows),
    ...(all === true ? tensorLines(tensors) : []),
  ];
}

/** How many tensors there are, and in which types they were hashed. */
function tensorTypes(tensors: readonly TensorFingerprint[]): string {
  const counts = new Map<string, number>();
  for (const { dtype } of tensors) counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  const types = [...counts].sort(([, a], [, b]) => b - a);
  const count = counted(tensors.length, 'tensor');
  if (types.length === 1) return `${count}, all ${types[0]?.[0] ?? ''}`;
  return `${count}: ${types.map(([dtype, times]) => `${times} ${dtype}`).join(', ')}`;
}

function tensorLines(tensors: readonly TensorFingerprint[]): Line[] {
  const rows = tensors.map(({ name, shape, dtype }) => [name, extents(shape), dtype]);
  const [head = '', ...body] = table(rows, { head: ["tensor, by Meta's name", 'shape', 'hashed as'] });
  const lines = body.flatMap((line, index): Line[] => [
    line,
    [marked('faint', `    sha256 ${tensors[index]?.sha256 ?? ''}`)],
  ]);
  return ['', head, ...lines];
}

/** Fingerprints of a model, kind `fingerprint`. */
export function fingerprintJson({ path, layout, vocabulary, parts, ...found }: PathFingerprint): JsonReport {
  return jsonReport('fingerprint', {
    ...{ path, layout, sha256: found.sha256 },
    parts: { ...parts, vocabulary: parts.vocabulary ?? null },
    ...{ hyperparameters: found.hyperparameters, vocabulary: vocabulary ?? null, tensors: found.tensors },
  });
}
