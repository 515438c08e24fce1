/**
 * Pickles one behind the other, and the files that hide in their byte strings.
 *
 * `pickle.load` reads one pickle and leaves the rest, so what follows STOP is seen by some programs only.
 *
 * @module
 */
import { hexOffset } from '../../errors.js';
import { opcodeOf } from '../../pickle/opcodes.js';
import { type PickleWalk, isWholePickle, walkPickle } from '../../pickle/walk.js';
import type { EmbeddedBytes } from '../../pickle/walk-state.js';
import type { ByteSource } from '../../source/byte-source.js';
import { memorySource } from '../../source/memory.js';
import { sliceSource } from '../../source/slice.js';
import { type Findings, type Place, isTooDeep, placeInside } from './findings.js';
import { judgeWalk } from './judge-walk.js';

/** Pickles in a row that are looked at. */
const MOST_IN_A_ROW = 1000;

/** Scans a file inside another; given by the caller because files and pickles lie in each other. */
export type ScanInside = (source: ByteSource, place: Place) => Promise<void>;

/** Walks all pickles of a source, which should be one; gives the first walk. */
export async function scanPickles(
  source: ByteSource,
  place: Place,
  findings: Findings,
  scanInside: ScanInside,
): Promise<PickleWalk> {
  const first = await scanPickleAt(source, 0, place, findings, scanInside);
  if (first.stopped && first.end < source.size) {
    const message = `${source.size - first.end} bytes follow the pickle's STOP`;
    findings.add('bytes-after-pickle', message, place, { offset: first.end });
  }
  let { end, stopped } = first;
  for (let count = 1; stopped && end < source.size && count < MOST_IN_A_ROW; count++) {
    const next = await walkAt(source, end, findings);
    if (!next.stopped && next.imports.length === 0) break; // no pickle: bytes of some other kind
    await judgeWithBytes(source, next, place, findings, scanInside);
    ({ end, stopped } = next);
    if (count + 1 === MOST_IN_A_ROW && stopped && end < source.size) {
      findings.add('not-scanned', `only the first ${MOST_IN_A_ROW} pickles were looked into`, place, { offset: end });
    }
  }
  return first;
}

/** Walks the pickle at an offset and judges it, with what its byte strings hold; gives the walk. */
export async function scanPickleAt(
  source: ByteSource,
  start: number,
  place: Place,
  findings: Findings,
  scanInside: ScanInside,
): Promise<PickleWalk> {
  const walk = await walkAt(source, start, findings);
  await judgeWithBytes(source, walk, place, findings, scanInside);
  return walk;
}

/**
 * What some bytes may be: a pickle, whether or not it has a head (`headless`), a pickle if it has one, or numbers, which
 * are a pickle only by chance.
 */
export type Expectation = 'headless' | 'perhaps' | 'data';

/**
 * Walks bytes that need not be a pickle, and judges them if they are: with a head of their own if they import
 * anything or end as pickles do, without one if they are a pickle from the first byte to the last.
 */
export async function scanPossiblePickle(
  source: ByteSource,
  place: Place,
  findings: Findings,
  scanInside: ScanInside,
  expectation: Expectation,
): Promise<boolean> {
  if (expectation === 'data' && !(await isFramedLikePickle(source, findings))) return false;
  const walk = await walkAt(source, 0, findings);
  const isPickle = expectation === 'data' ? isWholePickle(walk, source.size) : walk.stopped || walk.imports.length > 0;
  if (isPickle) await scanPickles(source, place, findings, scanInside);
  return isPickle;
}

/** Whether the first byte is an opcode and the last one STOP, which spares most numbers a walk. */
async function isFramedLikePickle(source: ByteSource, { options }: Findings): Promise<boolean> {
  const [first = 0] = await source.read(0, 1, options);
  if (opcodeOf(first) === undefined) return false;
  const [last = 0] = await source.read(source.size - 1, 1, options);
  return opcodeOf(last)?.name === 'STOP';
}

function walkAt(source: ByteSource, start: number, { limits, budget, options }: Findings): Promise<PickleWalk> {
  return walkPickle(source, { start, limits, budget, ...options });
}

async function judgeWithBytes(
  source: ByteSource,
  walk: PickleWalk,
  place: Place,
  findings: Findings,
  scanInside: ScanInside,
): Promise<void> {
  judgeWalk(walk, place, findings);
  for (const embedded of walk.embedded) await scanEmbedded(source, embedded, place, findings, scanInside);
}

/** Longest text of bytes that is turned back into bytes, in memory. */
const LONGEST_TEXT = 1 << 24;

/** A byte string that begins like a file. Chance makes such bytes too, so only what is a file from end to end counts. */
async function scanEmbedded(
  source: ByteSource,
  { offset, length, isText }: EmbeddedBytes,
  place: Place,
  findings: Findings,
  scanInside: ScanInside,
): Promise<void> {
  const name = `bytes at ${hexOffset(place.base + offset)}`;
  const fileBase = place.fileBase === null || isText ? null : place.fileBase + offset;
  const inside = placeInside(place, name, fileBase);
  if (isTooDeep(place) || (isText && length > LONGEST_TEXT)) {
    findings.add(
      'not-scanned',
      'a byte string that may be a file lies too deep, or is too long, to be looked into',
      place,
      {
        offset,
      },
    );
    return;
  }
  const bytes = isText ? await bytesOfText(source, offset, length, findings) : sliceSource(source, offset, length);
  if (bytes !== undefined) await scanInside(bytes, inside);
}

/** Protocols 0 to 2 write bytes as text, one character for each byte; undefined where the text is no such thing. */
async function bytesOfText(
  source: ByteSource,
  offset: number,
  length: number,
  { options }: Findings,
): Promise<ByteSource | undefined> {
  const text = new TextDecoder().decode(await source.read(offset, length, options));
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0xff) return undefined;
    bytes[at] = code;
  }
  return memorySource(bytes, source.name);
}
