/**
 * The small files of a Hugging Face folder that is made of another one: its own, byte for byte.
 *
 * Only `config.json` tells of the weights, and only what a conversion changes is replaced in it: the type, and the rope
 * factor where another one was asked for.
 *
 * @module
 */
import type { DType } from '../dtype.js';
import { parseHfConfig } from '../llama/hf-config.js';
import type { HfContents, LlamaModel } from '../llama/model.js';
import { TEMPLATE_FILE, TEMPLATE_JSON_FILES } from '../llama/hf-chat-template.js';
import { type ChatTemplates, chatTemplateJson } from '../tokenizer/chat-template/templates.js';
import type { TokenizerJsonOptions } from '../tokenizer/tokenizer-json.js';
import { replaceJsonValue, setJsonMember } from './json-edit.js';
import { ConvertError, type PlannedFile, bytesFile, textFile } from './plan.js';

/** `config.json` and the files that are carried along. */
export function carriedFiles(model: LlamaModel, hf: HfContents, dtype: DType): PlannedFile[] {
  return [textFile('config.json', editedConfig(model, hf.configText, dtype)), ...smallFiles(hf)];
}

/** The files that are carried along. */
export function smallFiles(hf: HfContents): PlannedFile[] {
  return [...hf.files].map(([name, bytes]) => bytesFile(name, bytes));
}

/**
 * Whether the source has a tokenizer that is carried along.
 *
 * @throws ConvertError `convert/bad-option` for a form of merges that would need another file
 */
export function carriesTokenizer({ files }: HfContents, path: string, { mergesAs }: TokenizerJsonOptions): boolean {
  const carries = files.has('tokenizer.json') || files.has('tokenizer.model');
  if (!carries || mergesAs === undefined) return carries;
  throw new ConvertError('convert/bad-option', 'the tokenizer of the source is carried along as it is', {
    path,
    hint: 'leave mergesAs (--merges-as) out',
  });
}

/**
 * The contents with these chat templates in place of their own, which may stand in three files: `tokenizer_config.json`
 * holds the new ones, the processor's `chat_template.json` the main one where it is there, and nothing else of them changes.
 */
export function withTemplates(hf: HfContents, templates: ChatTemplates | undefined): HfContents {
  const files = new Map(hf.files);
  files.delete(TEMPLATE_FILE);
  const [config, processor] = TEMPLATE_JSON_FILES;
  setTemplate(files, config, templates && chatTemplateJson(templates));
  setTemplate(files, processor, templates?.main);
  if (!files.has(config) && templates?.main !== undefined) {
    files.set(TEMPLATE_FILE, new TextEncoder().encode(templates.main));
  }
  return { ...hf, files };
}

/** Sets the template of a file that is there; one that held nothing else goes with it. */
function setTemplate(files: Map<string, Uint8Array>, name: string, template: unknown): void {
  const bytes = files.get(name);
  if (bytes === undefined) return;
  const value = template === undefined ? undefined : JSON.stringify(template);
  const text = setJsonMember(new TextDecoder().decode(bytes), 'chat_template', value);
  if (value === undefined && Object.keys(JSON.parse(text) as object).length === 0) files.delete(name);
  else files.set(name, new TextEncoder().encode(text));
}

/** Where the type of the weights stands: transformers 5 calls it otherwise. */
const DTYPE_KEYS = ['torch_dtype', 'dtype'];
/** Where the rotary settings stand. */
const ROPE_KEYS = ['rope_scaling', 'rope_parameters'];

function editedConfig({ config, path }: LlamaModel, text: string, dtype: DType): string {
  let edited = text;
  const stated = JSON.parse(text) as Readonly<Record<string, unknown>>;
  // a file may say float16 in its own way, "torch.float16"
  const changed = DTYPE_KEYS.filter((key) => String(stated[key]).replace(/^torch\./, '') !== dtype);
  for (const key of changed) edited = replaceJsonValue(edited, [key], JSON.stringify(dtype));
  const factor = config.ropeScaling?.factor;
  if (factor === undefined || parseHfConfig(text, path).ropeScaling?.factor === factor) return edited;
  for (const key of ROPE_KEYS) edited = replaceJsonValue(edited, [key, 'factor'], JSON.stringify(factor));
  return edited;
}
