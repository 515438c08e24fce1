/**
 * What an earlier conversion left in a folder, and what would now speak of other weights. One of the few modules that know
 * Node.
 *
 * A folder is read by the names in it: an old index hides new weights, an old tokenizer does not fit them, and an old
 * checklist says that they are damaged. So every name by which a layout is read is either written anew or removed.
 *
 * @module
 */
import { readdir } from 'node:fs/promises';

import { CARRIED } from '../llama/hf-small-files.js';
import type { ConversionPlan } from './plan.js';

/** Names of the files that each layout is read by; a GGUF file shares its folder with whatever lies there. */
const NAMES: Readonly<Record<ConversionPlan['to'], readonly (string | RegExp)[]>> = {
  safetensors: [
    /^model(-\d{5}-of-\d{5})?\.safetensors$/,
    'model.safetensors.index.json',
    ...['config.json', 'preprocessor_config.json', ...CARRIED],
  ],
  meta: [
    /^consolidated(\.\d{2,3})?\.pth$/,
    ...['params.json', 'tokenizer.model', 'checklist.chk', 'tokenizer_checklist.chk'],
  ],
  gguf: [],
};

/** Names in the folder that belong to the layout and that the plan does not write; none where there is no folder yet. */
export async function staleFiles(folder: string, plan: ConversionPlan): Promise<string[]> {
  const names = NAMES[plan.to];
  if (names.length === 0) return [];
  const written = new Set(plan.files.map(({ name }) => name));
  const belongs = (file: string): boolean =>
    names.some((name) => (typeof name === 'string' ? name === file : name.test(file)));
  const present = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return present
    .filter((entry) => !entry.isDirectory() && belongs(entry.name) && !written.has(entry.name))
    .map(({ name }) => name);
}
