/**
 * What a checkpoint is, for a person.
 *
 * @module
 */
import type { SizeForecast } from '../convert/what-if.js';
import type { Inspection } from '../llama/inspect.js';
import type { LlamaConfig } from '../llama/model.js';
import { CHAT_FORMAT_TITLES } from '../tokenizer/chat-template/formats.js';
import { collapseLayers, expandLayers } from './collapse-layers.js';
import { decisionLines } from './decisions.js';
import { fileLines } from './files.js';
import { identityLines } from './identity.js';
import { type Line, flow, marked, shown, wrap } from './lines.js';
import { counted, parameters, plain, sized } from './numbers.js';
import { tensorTable } from './tensor-table.js';
import { weightLine, weightTables } from './weights.js';
import { whatIfLines } from './what-if.js';

/** How much of an inspection is shown. */
export interface InspectionOptions {
  /** Each tensor in a row of its own instead of repeated layers in one. */
  readonly all?: boolean | undefined;
  /** Sizes of files of other types, which are then shown in place of the tensors and files. */
  readonly whatIf?: readonly SizeForecast[] | undefined;
}

/** An inspection as lines: what it is, its hyperparameters, types, tensors, files, and what was decided. */
export function inspectionLines(inspection: Inspection, options: InspectionOptions = {}): Line[] {
  const head = [
    ...headline(inspection),
    ...(inspection.identity === undefined ? [] : identityLines(inspection.identity, inspection.config !== undefined)),
    ...inspection.notes.flatMap((note) => wrap(note, 2)),
    ...chatTemplateLines(inspection),
    ...section([...hyperparameterLines(inspection), ...weightLine(inspection)]),
  ];
  if (options.whatIf !== undefined) return [...head, ...section(whatIfLines(options.whatIf, inspection))];
  return [
    ...head,
    ...section(weightTables(inspection)),
    ...section(tensorLines(inspection, options)),
    ...section(fileLines(inspection)),
    ...section(decisionLines(inspection.decisions)),
  ];
}

/** Whether there is a chat template and whose it is; Meta's folders have no place for one. */
function chatTemplateLines({ chatTemplate, layout }: Inspection): Line[] {
  if (chatTemplate === undefined) return layout === 'hf' || layout === 'gguf' ? wrap('no chat template', 2) : [];
  const { ours, characters, named, from } = chatTemplate;
  const whose =
    ours === undefined
      ? `its own, ${counted(characters, 'character')}`
      : `llama-inspect’s for ${CHAT_FORMAT_TITLES[ours]},`;
  const others = named.length === 0 ? '' : `, others named ${named.map((name) => shown(name)).join(', ')}`;
  return wrap(`chat template: ${whose} in ${from}${others}`, 2, 4);
}

/** Further checkpoints in sub-folders, which have an inspection of their own. */
export function insideLines(paths: readonly string[]): Line[] {
  return paths.length === 0
    ? []
    : ['', ...wrap(`also a checkpoint: ${paths.map((path) => shown(path)).join(', ')}`, 2, 4)];
}

function section(lines: readonly Line[]): Line[] {
  return lines.length === 0 ? [] : ['', ...lines];
}

function headline(inspection: Inspection): Line[] {
  const { parameterCount, byteLength } = inspection;
  const parts = [layoutOf(inspection), `${parameters(parameterCount)} parameters`, sized(byteLength)];
  return flow([marked('strong', shown(inspection.name)), ...parts], { hanging: 2 });
}

/** The layout and its number of files, as a noun phrase. */
function layoutOf({ layout, shardCount }: Pick<Inspection, 'layout' | 'shardCount'>): string {
  switch (layout) {
    case 'meta':
      return `Meta checkpoint, ${counted(shardCount, 'shard')}`;
    case 'hf':
      return `Hugging Face folder, ${counted(shardCount, 'file')} of weights`;
    case 'gguf':
      return 'GGUF file';
    case 'file':
      return 'file of tensors';
  }
}

function hyperparameterLines({ config, params }: Inspection): Line[] {
  if (config !== undefined) return configLines(config);
  if (params === undefined) return [];
  const { dim, n_layers: layers, n_heads: heads, n_kv_heads: kvHeads, vocab_size: vocabSize } = params;
  const vocabulary = vocabSize === -1 ? [] : [`vocab ${vocabSize}`];
  return dotted([`dim ${dim}`, `${layers} layers`, `${heads} heads, ${kvHeads} kv`, ...vocabulary]);
}

function configLines(config: LlamaConfig): Line[] {
  const { ropeScaling: scaling } = config;
  const scaled = scaling === null ? '' : `, scaled ×${plain(scaling.factor)} from ${scaling.originalContextLength}`;
  return [
    ...dotted([
      ...[`dim ${config.dim}`, `${config.nLayers} layers`, `${config.nHeads} heads, ${config.nKvHeads} kv`],
      ...[`head dim ${config.headDim}`, `ffn ${config.ffnDim}`, `vocab ${config.vocabSize}`],
    ]),
    ...dotted([
      ...[`rope θ ${plain(config.ropeTheta)}${scaled}`, `norm ε ${plain(config.normEps)}`],
      ...[`context ${config.contextLength}`, config.tied ? 'output tied to embedding' : 'output of its own'],
    ]),
  ];
}

function dotted(parts: readonly string[]): Line[] {
  return flow(parts, { separator: ' · ', indent: 2 });
}

function tensorLines({ tensors, config, layout }: Inspection, { all }: InspectionOptions): Line[] {
  const more = config?.tied === true ? [['output.weight', '= tok_embeddings']] : [];
  const title = layout === 'hf' || layout === 'gguf' ? "tensor, by Meta's name" : 'tensor';
  return tensorTable(all === true ? expandLayers(tensors) : collapseLayers(tensors), { title, more });
}
