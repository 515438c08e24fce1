/**
 * What is wrong with a file, as far as can be seen without knowing its true content.
 *
 * A wrong hash says only that something differs. Most often the file is an error page, a pointer, cut off or
 * doubled by a resumed download, and each of these has its own remedy.
 *
 * @module
 */
import { leastMissingBytes } from '../formats/torch/missing-bytes.js';
import type { OperationOptions } from '../options.js';
import type { ByteSource, SourceError, SourceErrorCode } from '../source/byte-source.js';
import { type Identification, describeMistake, identifySource, mistakeOfName } from '../source/identify.js';
import { type ArchiveExtent, findEarlierEnd, parseTailExtent, readTail } from './archive-extent.js';

/** Kinds of fault; those of {@link SourceErrorCode} are meant where a file is something else altogether. */
export type ConditionKind =
  | SourceErrorCode
  | 'truncated'
  | 'unfinished'
  | 'shortened'
  | 'repeated'
  | 'bytes-before'
  | 'bytes-after'
  | 'damaged'
  | 'differs';

/** What is wrong with a file. */
export interface Condition {
  /** The fault, for a program. */
  readonly kind: ConditionKind;
  /** The fault, for a person: what was found and, where known, what was expected. */
  readonly message: string;
  /** What to do. */
  readonly hint?: string;
  /** Size in bytes that the file should have, by its own account. */
  readonly expectedSize?: number;
}

/**
 * What is visibly wrong with a file; undefined when nothing is. Reads the first 4 KiB and, of an archive, the
 * last 64 KiB; only an archive without an end is searched from its beginning.
 *
 * @param name - its name, which promises a format
 * @param source - the file; stays open
 * @param options - an abort rejects with the signal's reason; the progress is that of the search
 * @throws SourceError the errors of the source
 */
export async function examineFile(
  name: string,
  source: ByteSource,
  options: OperationOptions = {},
): Promise<Condition | undefined> {
  return examineAs(name, await identifySource(source, options), source, options);
}

/**
 * What is wrong with a file whose hash is not the expected one; costs and throws as {@link examineFile}.
 *
 * @param name - its name, which promises a format
 * @param source - the file; stays open
 * @param options - an abort rejects with the signal's reason; the progress is that of the search
 */
export async function explainMismatch(
  name: string,
  source: ByteSource,
  options: OperationOptions = {},
): Promise<Condition> {
  const identification = await identifySource(source, options);
  const seen = await examineAs(name, identification, source, options);
  if (seen !== undefined) return seen;
  const size = bytesIn(source.size);
  return identification.kind === 'zip'
    ? { kind: 'damaged', message: `${size}, as its ZIP end record says: damaged, not truncated`, hint: AGAIN }
    : { kind: 'differs', message: `its ${size} are not those that the list was made from`, hint: AGAIN };
}

/** A source's error as a finding. */
export function conditionOf({ code: kind, message, hint }: SourceError): Condition {
  return hint === undefined ? { kind, message } : { kind, message, hint };
}

async function examineAs(
  name: string,
  identification: Identification,
  source: ByteSource,
  options: OperationOptions,
): Promise<Condition | undefined> {
  const { kind, targetSize } = identification;
  const mistake = kind === 'empty' ? describeMistake(identification, name) : mistakeOfName(name, identification);
  if (mistake === undefined) return kind === 'zip' ? examineArchive(source, options) : undefined;
  return { ...conditionOf(mistake), ...(targetSize === undefined ? {} : { expectedSize: targetSize }) };
}

const AGAIN = 'download this file again';

async function examineArchive(source: ByteSource, options: OperationOptions): Promise<Condition | undefined> {
  const { size } = source;
  const tail = await readTail(source, options);
  const extent = parseTailExtent(tail, size);
  if (extent !== undefined) return examineExtent(extent, size);
  const end = await findEarlierEnd(source, options);
  if (end !== undefined) {
    const again = (await source.read(end, Math.min(4, size - end), options)).join(' ') === MEMBER_SIGNATURE;
    const what = again ? 'begin it again: a resumed download was appended' : 'follow';
    return {
      kind: 'bytes-after',
      message: `the archive ends after ${bytesIn(end)}, and ${bytesIn(size - end)} ${what}`,
      hint: keepFirst(end),
      expectedSize: end,
    };
  }
  if (tail.every((byte) => byte === 0)) {
    const message = `the last ${bytesIn(tail.byteLength)} of ${bytesIn(size)} are zero: the download did not finish`;
    return { kind: 'unfinished', message, hint: AGAIN };
  }
  const missing = await leastMissingBytes(source, options);
  const lacks = missing === undefined ? '' : `; at least ${bytesIn(missing)} are missing`;
  return { kind: 'truncated', message: `cut off: no ZIP end record in ${bytesIn(size)}${lacks}`, hint: AGAIN };
}

const MEMBER_SIGNATURE = '80 75 3 4';

/** What is wrong with an archive whose end record stands at the end of the file. */
function examineExtent({ start }: ArchiveExtent, size: number): Condition | undefined {
  const expectedSize = size - start;
  if (start === 0) return undefined;
  if (start < 0) {
    const message = `${bytesIn(expectedSize)} expected by the ZIP end record, ${bytesIn(size)} found: a part is missing`;
    return { kind: 'shortened', message, hint: AGAIN, expectedSize };
  }
  if (size % expectedSize === 0) {
    const times = size === 2 * expectedSize ? 'twice' : `${size / expectedSize} times`;
    const message = `holds the archive of ${bytesIn(expectedSize)} ${times}: a resumed download was appended`;
    return { kind: 'repeated', message, hint: keepFirst(expectedSize), expectedSize };
  }
  const message = `${bytesIn(start)} stand before the archive of ${bytesIn(expectedSize)}: a new download was appended to an interrupted one`;
  const hint = `keep only its last ${bytesIn(expectedSize)}, or ${AGAIN}`;
  return { kind: 'bytes-before', message, hint, expectedSize };
}

function keepFirst(length: number): string {
  return `keep only its first ${bytesIn(length)}, or ${AGAIN}`;
}

function bytesIn(count: number): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? 'byte' : 'bytes'}`;
}
