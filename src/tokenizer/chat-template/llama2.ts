/**
 * Chat templates of Llama 2 and Code Llama.
 *
 * Both hold turns in alternation and refuse anything else, as Meta's code asserts. White space is stripped from the
 * instruction as a whole: with a system message in it, that is the end of the user's text and not its beginning.
 *
 * Programs that use llama.cpp's C interface have no Jinja: it looks for "bos_token + '[INST]", `<<SYS>>` and
 * `content.strip()` in a template and knows the format by them, so these are spelled so.
 *
 * @see https://github.com/meta-llama/llama/blob/main/llama/generation.py (chat_completion)
 * @see https://github.com/meta-llama/codellama/blob/main/llama/generation.py (dialog_prompt_tokens)
 * @module
 */
import { signature, textMacro } from './parts.js';

/** Llama 2 Chat, and Code Llama Instruct up to 34B. */
export const LLAMA_2 = String.raw`${signature('llama2')}
${textMacro()}
{%- set system = '' -%}
{%- set turns = messages -%}
{%- if messages and messages[0].role == 'system' -%}
  {%- set system = '<<SYS>>\n' + text(messages[0].content) + '\n<</SYS>>\n\n' -%}
  {%- set turns = messages[1:] -%}
{%- endif -%}
{%- if not turns -%}
  {{- raise_exception('a chat needs a message of the user') -}}
{%- endif -%}
{%- for message in turns -%}
  {%- if message.role != ('user' if loop.index0 % 2 == 0 else 'assistant') -%}
    {{- raise_exception('roles must be user and assistant in turn, after at most one system message') -}}
  {%- endif -%}
  {%- set content = text(message.content) -%}
  {%- if loop.first -%}
    {%- set content = system + content -%}
  {%- endif -%}
  {%- if message.role == 'user' -%}
    {{- bos_token + '[INST] ' + content.strip() + ' [/INST]' -}}
  {%- elif loop.last and add_generation_prompt -%}
    {{- raise_exception('the last message must be of the user') -}}
  {%- else -%}
    {{- ' ' + content.strip() + ' ' + eos_token -}}
  {%- endif -%}
{%- endfor -%}
`;

/** Code Llama 70B Instruct, which ends each message with a token of its own, and always has a system message. */
export const CODE_LLAMA_70B = String.raw`${signature('code-llama-70b')}
${textMacro()}
{%- macro turn(role, message) -%}
  {{- ' Source: ' + role -}}
  {%- if message.destination -%}
    {{- '\nDestination: ' + (message.destination | trim) -}}
  {%- endif -%}
  {%- set content = text(message.content) -%}
  {%- if content -%}
    {{- '\n\n ' + (content | trim) -}}
  {%- endif -%}
  {{- '<step>' -}}
{%- endmacro -%}
{%- set first = 0 -%}
{{- bos_token -}}
{%- if messages and messages[0].role == 'system' -%}
  {%- set first = 1 -%}
  {{- turn('system', messages[0]) -}}
{%- else -%}
  {{- turn('system', {'content': ''}) -}}
{%- endif -%}
{%- if messages | length == first -%}
  {{- raise_exception('a chat needs a message of the user') -}}
{%- endif -%}
{%- for message in messages[first:] -%}
  {%- if message.role != ('user' if loop.index0 % 2 == 0 else 'assistant') -%}
    {{- raise_exception('roles must be user and assistant in turn, after at most one system message') -}}
  {%- endif -%}
  {%- if loop.last and add_generation_prompt and message.role != 'user' -%}
    {{- raise_exception('the last message must be of the user') -}}
  {%- endif -%}
  {{- turn(message.role, message) -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{- ' Source: assistant\nDestination: user\n\n ' -}}
{%- endif -%}
`;
