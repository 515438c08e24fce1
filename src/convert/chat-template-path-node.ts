/**
 * Reading a chat template from a path. One of the few modules that know Node.
 *
 * @module
 */
import { openFileSource } from '../source/file.js';
import { readWhole } from '../source/whole.js';
import { TEMPLATE_BYTES_LIMIT, parseChatTemplate } from '../tokenizer/chat-template/templates.js';
import type { ChatTemplateUse } from './options.js';

/**
 * Reads a file that holds one Jinja template, for use in a conversion.
 *
 * @throws TokenizerError `tokenizer/bad-template`
 * @throws SourceError
 */
export async function readChatTemplate(path: string): Promise<ChatTemplateUse> {
  await using source = await openFileSource(path);
  return { text: parseChatTemplate(await readWhole(source, TEMPLATE_BYTES_LIMIT), path), file: path };
}
