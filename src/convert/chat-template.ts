/**
 * Which chat template a converted model gets: the one that was given, else the source's own, else one of ours where an
 * instruct model has none.
 *
 * @see docs/chat-templates.md
 * @module
 */
import type { GgufMetadataEntry } from '../formats/gguf/plan.js';
import type { Decision, LlamaModel } from '../llama/model.js';
import { isGuardName, isInstructName } from '../llama/model-name.js';
import {
  CHAT_FORMAT_TITLES,
  CHAT_TEMPLATES,
  type ChatFormat,
  chatFormatOf,
  formatOfTemplate,
} from '../tokenizer/chat-template/formats.js';
import { chatTemplateEntries, isChatTemplateKey } from '../tokenizer/chat-template/gguf-templates.js';
import type { ChatTemplates } from '../tokenizer/chat-template/templates.js';
import { withTemplates } from './hf-carried-files.js';
import { isInstruct } from './hf-text-files.js';
import type { ConvertOptions } from './options.js';

/** A choice and what the person should know of it. */
interface Choice {
  readonly templates: ChatTemplates | undefined;
  /** Undefined where a base model gets none, as is the rule. */
  readonly decision?: Decision | undefined;
}

/**
 * The model with the templates that are to be written; those of a GGUF file are in its metadata too, those of a
 * Hugging Face folder in the files that are carried along.
 */
export function withChosenTemplates(
  model: LlamaModel,
  options: Pick<ConvertOptions, 'to' | 'chatTemplate'>,
): LlamaModel {
  if (options.to === 'meta') return model;
  const { templates, decision } = chosen(model, options);
  const decisions = decision === undefined ? model.decisions : [...model.decisions, decision];
  if (templates === model.chatTemplates) return { ...model, decisions };
  const gguf = model.gguf && { ...model.gguf, metadata: replaced(model.gguf.metadata, templates) };
  const hf = model.hf && withTemplates(model.hf, templates);
  return { ...model, chatTemplates: templates, gguf, hf, decisions };
}

/** What is lost where a layout has no place for the source's own template. */
export function templateWarnings({ chatTemplates }: LlamaModel, { to }: Pick<ConvertOptions, 'to'>): string[] {
  const isOthers = chatTemplates !== undefined && formatOfTemplate(chatTemplates.main ?? '') === undefined;
  if (to !== 'meta' || !isOthers) return [];
  return [`Meta's layout has no place for a chat template: that in ${chatTemplates.from} is left out`];
}

function chosen(model: LlamaModel, { to, chatTemplate }: Pick<ConvertOptions, 'to' | 'chatTemplate'>): Choice {
  if (chatTemplate === null) return { templates: undefined, decision: because('none', 'none was asked for') };
  if (chatTemplate !== undefined) {
    const templates = { main: chatTemplate.text, named: [], from: chatTemplate.file };
    return { templates, decision: because(chatTemplate.file, 'it was given') };
  }
  const own = model.chatTemplates;
  if (own !== undefined) return { templates: own, decision: because(whose(own), `it is in ${own.from} of the source`) };
  // what is made of a GGUF file keeps that file's pairs, so that a quantized one has llama-quantize's bytes
  return to === 'gguf' && model.gguf !== undefined ? { templates: undefined } : ours(model);
}

/** Whose the templates of a source are. */
function whose({ main }: ChatTemplates): string {
  const format = main === undefined ? undefined : formatOfTemplate(main);
  return format === undefined ? 'the source’s own' : `llama-inspect’s for ${CHAT_FORMAT_TITLES[format]}`;
}

/** A template of ours, where the model is one for chats and its format is known. */
function ours(model: LlamaModel): Choice {
  const nothingToWriteInto = model.vocabulary === undefined && model.family?.kind !== 'llama4';
  if (nothingToWriteInto || !(isInstruct(model) || isInstructName(model.name))) return { templates: undefined };
  const none = (reason: string): Choice => ({ templates: undefined, decision: because('none', reason) });
  if (isGuardName(model.name)) return none('Llama Guard judges by a prompt of its own, which is no chat');
  const format = formatOf(model);
  if (format === undefined) return none('its tokens are those of no chat format that is known here');
  if (format === 'llama2' && model.config.contextLength < LLAMA_2_CONTEXT) return none('Llama 1 has no chat format');
  const decision = because(
    `llama-inspect’s for ${CHAT_FORMAT_TITLES[format]}`,
    'the source has none, and it is an instruct model',
  );
  return { templates: { main: CHAT_TEMPLATES[format], named: [], from: 'llama-inspect' }, decision };
}

/** Tokens of context from Llama 2 on; its tokenizer is that of Llama 1, which was never tuned for chats. */
const LLAMA_2_CONTEXT = 4096;

function formatOf({ family, vocabulary }: LlamaModel): ChatFormat | undefined {
  if (family?.kind === 'llama4') return 'llama4';
  const format = vocabulary && chatFormatOf(vocabulary);
  return family?.kind === 'vision' && format === 'llama3.1' ? 'llama3.2-vision' : format;
}

function because(value: string, reason: string): Decision {
  return { about: 'chat template', value, because: reason };
}

/** The pairs with these templates in place of their own: at the place of the first, or behind the tokenizer's. */
function replaced(metadata: readonly GgufMetadataEntry[], templates: ChatTemplates | undefined): GgufMetadataEntry[] {
  const kept = metadata.filter(({ key }) => !isChatTemplateKey(key));
  if (templates === undefined) return kept;
  const first = metadata.findIndex(({ key }) => isChatTemplateKey(key));
  const place = first === -1 ? kept.findLastIndex(({ key }) => key.startsWith('tokenizer.')) + 1 : first;
  return kept.toSpliced(place === 0 ? kept.length : place, 0, ...chatTemplateEntries(templates));
}
