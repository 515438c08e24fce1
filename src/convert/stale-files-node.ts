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
import { type ConversionPlan, ConvertError, namesOfWhole } from './plan.js';

/** A name, or what names of the kind look like. */
type Names = readonly (string | RegExp)[];

/** Names that a layout is read by. */
interface LayoutNames {
  readonly weights: Names;
  /** Of the files that tell of the weights. */
  readonly others: Names;
}

/** A folder holds one model of these; a GGUF file shares its folder with whatever lies there. */
const NAMES: Readonly<Record<'safetensors' | 'meta', LayoutNames>> = {
  safetensors: {
    weights: [
      /^model(-\d{5}-of-\d{5})?\.safetensors$/,
      'model.safetensors.index.json',
      /^pytorch_model(-\d{5}-of-\d{5})?\.bin$/,
      'pytorch_model.bin.index.json',
    ],
    others: ['config.json', ...CARRIED],
  },
  meta: {
    weights: [/^consolidated(\.\d{2,3})?\.pth$/],
    others: ['params.json', 'tokenizer.model', 'checklist.chk', 'tokenizer_checklist.chk'],
  },
};

/** Names in the folder that belong to the layout and that the plan does not write; none where there is no folder yet. */
export async function staleFiles(folder: string, plan: ConversionPlan): Promise<string[]> {
  if (plan.to === 'gguf') return [];
  const { weights, others } = NAMES[plan.to];
  const written = new Set(namesOfWhole(plan));
  const present = await namesIn(folder);
  return present.filter((name) => isAmong(name, [...weights, ...others]) && !written.has(name));
}

/**
 * Refuses a folder with weights of the other layout: both share names of small files, so one model would destroy the
 * other, and a reader would take the weights of one with the tokenizer of the other.
 *
 * @throws ConvertError `convert/exists`
 */
export async function expectNoOtherModel(folder: string, { to }: Pick<ConversionPlan, 'to'>): Promise<void> {
  if (to === 'gguf') return;
  const other = to === 'meta' ? 'safetensors' : 'meta';
  const found = (await namesIn(folder)).find((name) => isAmong(name, NAMES[other].weights));
  if (found === undefined) return;
  const message = `${found} is here, and a folder cannot hold models of two layouts`;
  throw new ConvertError('convert/exists', message, { path: folder, hint: 'choose another folder' });
}

function isAmong(file: string, names: Names): boolean {
  return names.some((name) => (typeof name === 'string' ? name === file : name.test(file)));
}

/** Names of the files in a folder, without those of folders; none where there is no folder. */
export async function namesIn(folder: string): Promise<string[]> {
  const present = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return present.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
}
