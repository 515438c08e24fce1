/**
 * Chat templates of Llama 3 and later.
 *
 * Llama 3 strips each message, later releases leave it as it is. Meta's format knows no tools but what a caller writes
 * into a message; where the program hands tools over, the template tells of them in words of its own, and without tools it
 * renders Meta's text. The date that Hugging Face's templates put before every chat is a habit of theirs and left out.
 *
 * @see https://github.com/meta-llama/llama3/blob/main/llama/tokenizer.py (ChatFormat)
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama3/chat_format.py
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama4/chat_format.py
 * @module
 */
import { signature, textMacro } from './parts.js';
import { BUILT_IN_TOOLS, TOOL_MACROS } from './tools.js';

/** Llama 3 Instruct. */
export const LLAMA_3 = String.raw`${signature('llama3')}
${textMacro()}
{{- bos_token -}}
{%- for message in messages -%}
  {%- if message.role not in ['system', 'user', 'assistant'] -%}
    {{- raise_exception('Llama 3 knows the roles system, user and assistant') -}}
  {%- endif -%}
  {{- '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' + (text(message.content) | trim) + '<|eot_id|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' -}}
{%- endif -%}
`;

/** Special tokens around the messages of a release. */
interface Marks {
  /** Before the role. */
  readonly start: string;
  /** After the role. */
  readonly end: string;
  /** Ends a turn. */
  readonly eot: string;
  /** Ends a message after which the assistant goes on, when a tool has answered. */
  readonly eom: string;
  /** Stands before code to be run; undefined where the format has no such token. */
  readonly code: string | undefined;
  /** Stands for an image; undefined for text models. */
  readonly image: string | undefined;
}

const LLAMA_3_1_MARKS: Marks = {
  ...{ start: '<|start_header_id|>', end: '<|end_header_id|>', eot: '<|eot_id|>', eom: '<|eom_id|>' },
  ...{ code: '<|python_tag|>', image: undefined },
};

/** Llama 3.1, 3.2 and 3.3 Instruct. */
export const LLAMA_3_1 = withTools('llama3.1', LLAMA_3_1_MARKS);

/** Llama 3.2 Vision Instruct. */
export const LLAMA_3_2_VISION = withTools('llama3.2-vision', { ...LLAMA_3_1_MARKS, image: '<|image|>' });

/** Llama 4 Instruct. */
export const LLAMA_4 = withTools('llama4', {
  ...{ start: '<|header_start|>', end: '<|header_end|>', eot: '<|eot|>', eom: '<|eom|>' },
  ...{ code: undefined, image: '<|image|>' },
});

function withTools(format: string, { start, end, eot, eom, code, image }: Marks): string {
  const codeMark =
    code === undefined
      ? ''
      : String.raw`
    {%- if name_of(message.tool_calls[0]) == 'code_interpreter' -%}
      {{- '${code}' -}}
    {%- endif -%}`;
  return String.raw`${signature(format)}
${textMacro(image)}
${TOOL_MACROS}
{%- macro header(role) -%}
  {{- '${start}' + role + '${end}\n\n' -}}
{%- endmacro -%}
{{- bos_token -}}
{%- if tools and not (messages and messages[0].role == 'system') -%}
  {{- header('system') + about(tools) + '${eot}' -}}
{%- endif -%}
{%- for message in messages -%}
  {%- if message.role not in ['system', 'user', 'assistant', 'tool', 'ipython'] -%}
    {{- raise_exception('the roles are system, user, assistant and tool') -}}
  {%- endif -%}
  {{- header('ipython' if message.role == 'tool' else message.role) -}}
  {%- if tools and loop.first and message.role == 'system' -%}
    {{- about(tools) + '\n\n' -}}
  {%- endif -%}
  {%- set calls = message.role == 'assistant' and message.tool_calls -%}
  {%- if calls -%}${codeMark}
  {%- endif -%}
  {{- text(message.content) -}}
  {%- if message.role == 'user' and message.context is defined and message.context is not none -%}
    {{- '\n\n' + text(message.context) -}}
  {%- endif -%}
  {%- set goes_on = message.stop_reason == 'end_of_message' -%}
  {%- if calls -%}
    {%- for call in message.tool_calls -%}
      {{- call_text(call) -}}
    {%- endfor -%}
    {%- if not message.stop_reason and name_of(message.tool_calls[0]) in ${BUILT_IN_TOOLS} -%}
      {%- set goes_on = true -%}
    {%- endif -%}
  {%- endif -%}
  {{- '${eom}' if goes_on and message.role == 'assistant' else '${eot}' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{- header('assistant') -}}
{%- endif -%}
`;
}
