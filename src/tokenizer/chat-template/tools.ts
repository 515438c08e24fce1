/**
 * How chat templates write tools, and calls of them.
 *
 * Calls are in the format of Meta's code: the built-in tools in a short form of their own, others as JSON. What tells the
 * model of its tools is worded here, as Meta's code leaves it to the system message.
 *
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama3/tool_utils.py (encode_tool_call)
 * @module
 */

/** Tools that the releases were trained to use, as a list in Jinja. */
export const BUILT_IN_TOOLS = `['brave_search', 'wolfram_alpha', 'photogen', 'code_interpreter']`;

/**
 * Macros `name_of(call)`, `call_text(call)` and `about(tools)`. A call may stand in a `function`, as in OpenAI's interface,
 * and its arguments may be JSON in a string already.
 */
export const TOOL_MACROS = String.raw`{%- macro name_of(call) -%}
  {{- call.function.name if call.function else call.name -}}
{%- endmacro -%}
{%- macro call_text(call) -%}
  {%- set name = name_of(call) -%}
  {%- set arguments = call.function.arguments if call.function else call.arguments -%}
  {%- if name in ${BUILT_IN_TOOLS} -%}
    {%- if arguments is string -%}
      {{- raise_exception('the arguments of the tool ' + name + ' must be an object') -}}
    {%- elif name == 'code_interpreter' -%}
      {{- arguments.code -}}
    {%- else -%}
      {{- name + '.call(query="' + arguments.query + '")' -}}
    {%- endif -%}
  {%- else -%}
    {{- '{"type": "function", "name": ' + (name | tojson) + ', "parameters": ' -}}
    {{- (arguments if arguments is string else (arguments | tojson)) + '}' -}}
  {%- endif -%}
{%- endmacro -%}
{%- macro about(tools) -%}
  {{- 'You can call the functions below, each described by JSON.' -}}
  {%- for tool in tools -%}
    {{- '\n' + (tool | tojson) -}}
  {%- endfor -%}
  {{- '\nTo call one, answer with this JSON and nothing else: ' -}}
  {{- '{"type": "function", "name": NAME, "parameters": {ARGUMENT: VALUE}' + '}' -}}
  {{- '\nWhere no function helps, answer in words.' -}}
{%- endmacro -%}`;
