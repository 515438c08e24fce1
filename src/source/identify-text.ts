/**
 * What a text file is, told from its beginning: a page, an error document, a pointer, JSON, plain text.
 *
 * Titles come from strangers and end up on a terminal, so control characters are taken out of them.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 * @see https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
 * @see https://git-annex.branchable.com/internals/pointer_file/
 * @module
 */
import prettyBytes from 'pretty-bytes';

import type { Identification } from './identify.js';

/** What a text of `size` bytes that begins with `head` is; undefined when it is not text. */
export function identifyText(head: Uint8Array, size: number): Identification | undefined {
  // Pages may be in any encoding, so this decoder forgives; it also drops a byte order mark.
  const text = new TextDecoder().decode(head).trimStart();
  return (
    identifyPointer(text, size) ??
    identifyMarkup(text, size) ??
    (isPlainText(head, size) ? identifyPlainText(text, size) : undefined)
  );
}

function identifyPointer(text: string, size: number): Identification | undefined {
  if (/^version https:\/\/(?:git-lfs|hawser)\.github\.com\/spec\//.test(text)) {
    return pointer('lfs-pointer', 'a Git LFS pointer', /^size (\d{1,15})$/m.exec(text)?.[1], size);
  }
  if (/^(?:\/annex\/objects\/|(?:\.\.\/)*\.git\/annex\/objects\/)/.test(text)) {
    return pointer('annex-pointer', 'a git-annex pointer', /-s(\d{1,15})-/.exec(text)?.[1], size);
  }
  return undefined;
}

function pointer(
  kind: 'lfs-pointer' | 'annex-pointer',
  what: string,
  digits: string | undefined,
  size: number,
): Identification {
  if (digits === undefined) return { kind, sentence: what, size };
  const targetSize = Number(digits);
  return { kind, sentence: `${what} to ${targetSize.toLocaleString('en-US')} bytes`, size, targetSize };
}

const PROLOG = /^<\?xml[^>]*>\s*/;
const HTML = /^(?:<!--[\s\S]*?-->\s*)?<(?:!doctype\s+html|html|head|title|body|meta|script)[\s>]/i;
/** Amazon S3, CloudFront, Google Cloud Storage and Azure all answer with this root element. */
const ERROR_ROOT = /^<Error[\s>]/;

function identifyMarkup(text: string, size: number): Identification | undefined {
  const body = text.replace(PROLOG, '');
  if (HTML.test(body)) {
    const title = contentOf('title', body) ?? contentOf('h1', body);
    return titled({ kind: 'html-page', sentence: `an HTML page, ${prettyBytes(size)}`, size }, title);
  }
  if (ERROR_ROOT.test(body)) {
    const title = [contentOf('Code', body), contentOf('Message', body)].filter((part) => part !== undefined).join(': ');
    return titled({ kind: 'xml-error', sentence: `an XML error document, ${prettyBytes(size)}`, size }, title);
  }
  return undefined;
}

/** Whether the head is valid UTF-8 (its last character may be cut) without control characters. */
function isPlainText(head: Uint8Array, size: number): boolean {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: head.byteLength < size });
    return !/(?![\t\n\f\r])\p{Cc}/u.test(text);
  } catch {
    return false;
  }
}

function identifyPlainText(text: string, size: number): Identification {
  const sized = prettyBytes(size);
  if (PROLOG.test(text)) return { kind: 'text', sentence: `an XML document, ${sized}`, size };
  if (!/^[[{]/.test(text))
    return titled({ kind: 'text', sentence: `plain text, ${sized}`, size }, text.replace(/[\r\n][\s\S]*$/, ''));
  return titled({ kind: 'json', sentence: `a JSON document, ${sized}`, size }, errorOf(text));
}

/** What a JSON answer such as `{"error":"Repository not found"}` complains of. */
function errorOf(text: string): string | undefined {
  const found = /^\{\s*"(?:error|message|detail|error_message)"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
  return found?.replace(/\\(.)/g, '$1');
}

function contentOf(element: string, markup: string): string | undefined {
  const found = new RegExp(`<${element}(?:\\s[^>]*)?>([^<]*)`, 'i').exec(markup)?.[1];
  return found?.trim() === '' ? undefined : found;
}

/** Longest title kept, in characters: one line of a terminal. */
const TITLE_LENGTH = 80;

/** Character references that titles of error pages use; `&amp;` comes last, so that nothing is decoded twice. */
const REFERENCES: readonly (readonly [RegExp, string])[] = [
  [/&lt;/g, '<'],
  [/&gt;/g, '>'],
  [/&quot;/g, '"'],
  [/&(?:apos|#39);/g, "'"],
  [/&nbsp;/g, ' '],
  [/&amp;/g, '&'],
];

function titled(identification: Identification, raw = ''): Identification {
  const readable = REFERENCES.reduce((text, [pattern, character]) => text.replace(pattern, character), raw)
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim();
  if (readable === '') return identification;
  const title = readable.length > TITLE_LENGTH ? `${readable.slice(0, TITLE_LENGTH - 1).trimEnd()}…` : readable;
  return { ...identification, sentence: `${identification.sentence}: "${title}"`, title };
}
