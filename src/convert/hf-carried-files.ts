/**
 * The small files of a Hugging Face folder that is made of another one: its own, byte for byte.
 *
 * Only `config.json` tells of the weights, and only what a conversion changes is replaced in it: the type, and the rope
 * factor where another one was asked for.
 *
 * @module
 */
import type { DType } from '../dtype.js';
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
/** The parts that state them: a text model has none, models beyond text have one for the text and one for the encoder. */
const PARTS: readonly (readonly string[])[] = [[], ['text_config'], ['vision_config']];

/** The text of `config.json` with the type of the weights and the rope factor of the model, and nothing else changed. */
export function editedConfig({ config }: LlamaModel, text: string, dtype: DType): string {
  const json: unknown = JSON.parse(text);
  let edited = text;
  for (const path of PARTS.flatMap((part) => DTYPE_KEYS.map((key) => [...part, key]))) {
    // a file may say float16 in its own way, "torch.float16"
    if (String(valueAt(json, path)).replace(/^torch\./, '') === dtype) continue;
    edited = replaceJsonValue(edited, path, JSON.stringify(dtype));
  }
  const factor = config.ropeScaling?.factor;
  if (factor === undefined) return edited;
  for (const path of PARTS.flatMap((part) => ROPE_KEYS.map((key) => [...part, key, 'factor']))) {
    if (valueAt(json, path) !== factor) edited = replaceJsonValue(edited, path, JSON.stringify(factor));
  }
  return edited;
}

function valueAt(json: unknown, path: readonly string[]): unknown {
  return path.reduce((value, key) => (value as Readonly<Record<string, unknown>> | null | undefined)?.[key], json);
}
