/**
 * What lies at a path, for a person: one checkpoint, several, or files of tensors.
 *
 * @module
 */
import type { PathInspection } from '../llama/inspect-path-node.js';
import { checkpointsLines, looseFilesLines } from './checkpoints.js';
import { type InspectionOptions, insideLines, inspectionLines } from './inspection.js';
import type { Line } from './lines.js';

/** An inspection of a path as lines. */
export function pathInspectionLines(found: PathInspection, options: InspectionOptions = {}): Line[] {
  switch (found.kind) {
    case 'one':
      return [...inspectionLines(found.inspection, options), ...insideLines(found.inside)];
    case 'several':
      return checkpointsLines(found.path, found.checkpoints);
    case 'loose':
      return looseFilesLines(found.path, found.files);
  }
}
