/**
 * What several chat templates have in common.
 *
 * Every tag strips the white space around it (`{%-`, `-%}`), so a template renders the same whatever the program sets for
 * `trim_blocks` and `lstrip_blocks`. A template must do with what all renderers know: jinja2 in transformers' sandbox,
 * llama.cpp's own engine, and the package `@huggingface/jinja`.
 *
 * @module
 */

/** First line of every template of ours: a comment, which renders to nothing and by which they are recognised. */
export function signature(format: string): string {
  return `{#- ${SIGNATURE_START}${format} -#}`;
}

/** What all signatures begin with; the name of the format follows. */
export const SIGNATURE_START = 'llama-inspect chat template: ';

/**
 * Macro `text(content)`: the content of a message, which is a string, a list of parts, or missing.
 *
 * @param image - what stands for an image; text models have none and refuse it
 */
export function textMacro(image?: string): string {
  const picture =
    image === undefined ? String.raw`{{- raise_exception('this model reads text only') -}}` : `{{- '${image}' -}}`;
  return String.raw`{%- macro text(content) -%}
  {%- if content is string -%}
    {{- content -}}
  {%- elif content -%}
    {%- for part in content -%}
      {%- if part.type == 'text' -%}
        {{- part.text -}}
      {%- else -%}
        ${picture}
      {%- endif -%}
    {%- endfor -%}
  {%- endif -%}
{%- endmacro -%}`;
}
