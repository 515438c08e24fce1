/**
 * The error for a file that is something else than expected, with what to do about it.
 *
 * A reader calls it when its own magic is absent: the person then learns that the file is an error page,
 * not merely that it is not a ZIP archive.
 *
 * @module
 */
import { SourceError, type SourceErrorCode } from './byte-source.js';
import type { ContentKind, Identification } from './identify.js';

/**
 * The error to throw when `expected` (`params.json`, `a ZIP archive`) was wanted and something else was found.
 *
 * @param identification - what the file is
 * @param expected - what it should have been, a noun phrase
 * @param path - the file, for the error's context
 */
export function describeMistake(identification: Identification, expected: string, path?: string): SourceError {
  const [code, hint] = causeOf(identification);
  return new SourceError(code, `${expected} was expected, but this is ${identification.sentence}`, { path, hint });
}

/**
 * The error for a file whose content contradicts its name (a safetensors file named `.pth`, an HTML page named
 * `.json`); undefined when they agree or the name promises nothing.
 */
export function mistakeOfName(name: string, identification: Identification): SourceError | undefined {
  const promise = PROMISES.find(({ ending }) => ending.test(name));
  if (promise === undefined || promise.kinds.includes(identification.kind)) return undefined;
  return describeMistake(identification, promise.expected, name);
}

const PROMISES: readonly {
  readonly ending: RegExp;
  readonly expected: string;
  readonly kinds: readonly ContentKind[];
}[] = [
  { ending: /\.(?:pth|pt)$/i, expected: 'a PyTorch file', kinds: ['zip', 'torch-legacy', 'tar', 'pickle'] },
  { ending: /\.safetensors$/i, expected: 'a safetensors file', kinds: ['safetensors'] },
  { ending: /\.gguf$/i, expected: 'a GGUF file', kinds: ['gguf'] },
  { ending: /\.json$/i, expected: 'a JSON document', kinds: ['json'] },
  // SentencePiece models are protobuf messages without a magic; tiktoken ranks are text.
  { ending: /\.model$/i, expected: 'a tokenizer model', kinds: ['text', 'unknown'] },
  // A list written by PowerShell is UTF-16, which looks like no text.
  { ending: /\.chk$/i, expected: 'a checklist', kinds: ['text', 'unknown'] },
];

const AGAIN = 'download this file again';
const LINK = 'the download link has expired or asks for a login; request a new one and download again';

function causeOf({ kind, title }: Identification): readonly [SourceErrorCode, string | undefined] {
  switch (kind) {
    case 'empty':
      return ['source/empty', AGAIN];
    case 'all-zero':
      return ['source/all-zero', `space was set aside but never filled, or an empty tar archive; ${AGAIN}`];
    case 'html-page':
      return ['source/html-page', LINK];
    case 'xml-error':
      return ['source/error-document', LINK];
    case 'json':
      return title === undefined ? ['source/other-format', undefined] : ['source/error-document', LINK];
    case 'lfs-pointer':
      return ['source/lfs-pointer', 'run `git lfs pull` in the folder it came from'];
    case 'annex-pointer':
      return ['source/annex-pointer', 'run `git annex get` on it in the folder it came from'];
    case 'safetensors':
      return ['source/other-format', 'rename it so that it ends in .safetensors'];
    case 'gguf':
      return ['source/other-format', 'rename it so that it ends in .gguf'];
    case 'gzip':
      return ['source/other-format', 'unpack it with gunzip'];
    case 'hdf5':
      return ['source/other-format', 'Keras writes such files: open it there and save the weights as safetensors'];
    case 'npy':
    case 'zip':
    case 'torch-legacy':
    case 'tar':
    case 'pickle':
      return ['source/other-format', undefined];
    case 'text':
    case 'unknown':
      return ['source/unrecognised', undefined];
  }
}
