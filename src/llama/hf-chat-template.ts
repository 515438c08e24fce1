/**
 * The chat templates of a Hugging Face folder.
 *
 * They stand in `tokenizer_config.json`, or since transformers 4.52 in a file of their own, which counts where both are
 * there. Folders of vision models have them in `chat_template.json` as well.
 *
 * @module
 */
import { type ChatTemplates, chatTemplatesOfJson, parseChatTemplate } from '../tokenizer/chat-template/templates.js';
import type { HfSmallFiles } from './hf-small-files.js';

/** The file that holds one template and nothing else. */
export const TEMPLATE_FILE = 'chat_template.jinja';

/** The JSON files that may hold templates, the one that counts first. */
export const TEMPLATE_JSON_FILES = ['tokenizer_config.json', 'chat_template.json'] as const;

/**
 * The templates among the small files of a folder; undefined where there are none.
 *
 * @throws TokenizerError `tokenizer/bad-template`
 */
export function chatTemplatesOf({ files, json }: HfSmallFiles, path: string): ChatTemplates | undefined {
  const bytes = files.get(TEMPLATE_FILE);
  if (bytes !== undefined) {
    return { main: parseChatTemplate(bytes, `${path}/${TEMPLATE_FILE}`), named: [], from: TEMPLATE_FILE };
  }
  for (const name of TEMPLATE_JSON_FILES) {
    const found = chatTemplatesOfJson(json(name)?.['chat_template'], name, `${path}/${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
