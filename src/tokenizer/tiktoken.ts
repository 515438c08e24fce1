/**
 * Tiktoken ranks: the `tokenizer.model` of Llama 3 and later.
 *
 * Plain text, one token a line: its bytes in base64, a space, its rank. The rank is the token's id and at
 * once the priority of its merge. The special tokens are not in the file, although the model has 256 of them.
 *
 * @see https://github.com/openai/tiktoken/blob/main/tiktoken/load.py (load_tiktoken_bpe)
 * @module
 */
import { decodeBase64Into } from './base64.js';
import { type TokenBytes, TokenIndex } from './token-index.js';
import { TOKEN_BYTES_LIMIT, TOKENS_LIMIT, TokenizerError, type TokenizerErrorCode } from './vocabulary.js';

/** Tokens in rank order. */
export interface TiktokenRanks extends TokenBytes {
  /** Their ranks by their bytes. */
  readonly index: TokenIndex;
}

/** Lines of a tiktoken file, hence tokens without the special ones. Decodes nothing: about 2 ms a megabyte. */
export function countTiktokenRanks(bytes: Uint8Array): number {
  let lines = bytes.byteLength > 0 && bytes.at(-1) !== LF ? 1 : 0;
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) lines++;
  return lines;
}

/**
 * Parses ranks strictly: every line `base64 rank`, the ranks 0 to n - 1 once each in any order, no token twice.
 * The last line may lack its line feed; lines may end in CR LF.
 *
 * @throws TokenizerError `tokenizer/malformed` with the number of the line, `tokenizer/truncated` when the
 *   last line is cut off, `tokenizer/unsupported` for more than {@link TOKENS_LIMIT} lines or a token of more
 *   than {@link TOKEN_BYTES_LIMIT} bytes
 */
export function parseTiktoken(bytes: Uint8Array, path?: string): TiktokenRanks {
  const count = countTiktokenRanks(bytes);
  if (count > TOKENS_LIMIT) {
    const message = `the file has ${count} lines; a tokenizer has at most ${TOKENS_LIMIT} tokens`;
    throw new TokenizerError('tokenizer/unsupported', message, { path });
  }
  const lines = parseLines(bytes, count, path);
  const tokens = inRankOrder(lines, path);
  const index = new TokenIndex(tokens);
  for (let rank = 0; rank < count; rank++) {
    const other = index.add(rank);
    if (other >= 0) throw sameTokenTwice(bytes, lines, [rank, other], path);
  }
  return { ...tokens, index };
}

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const ZERO = 0x30;

/** What the lines say, in the order of the file. */
interface Lines {
  /** Token bytes, line after line. */
  readonly decoded: Uint8Array;
  /** Where the token of each line starts in `decoded`, and at the end the total. */
  readonly offsets: Uint32Array;
  /** 1 + the line (from 0) that holds each rank; 0 where none does. */
  readonly lineOfRank: Uint32Array;
}

function parseLines(bytes: Uint8Array, count: number, path: string | undefined): Lines {
  const decoded = new Uint8Array(bytes.byteLength); // base64 only ever shrinks
  const offsets = new Uint32Array(count + 1);
  const lineOfRank = new Uint32Array(count);
  let start = 0;
  for (let line = 0; line < count; line++) {
    const found = bytes.indexOf(LF, start);
    const next = found === -1 ? bytes.byteLength : found;
    const end = next > start && bytes[next - 1] === CR ? next - 1 : next;
    const space = spaceIn(bytes, start, end);
    const offset = offsets[line]!;
    const length = decodeBase64Into(bytes, start, space, decoded, offset);
    const rank = parseRank(bytes, space + 1, end);
    if (length < 0 || rank < 0) {
      const code = found === -1 && line > 0 ? 'tokenizer/truncated' : 'tokenizer/malformed';
      throw faultIn(line, start, notATokenLine(bytes.subarray(start, end)), path, code);
    }
    if (length > TOKEN_BYTES_LIMIT) {
      const what = `holds a token of ${length} bytes; a token has at most ${TOKEN_BYTES_LIMIT}`;
      throw faultIn(line, start, what, path, 'tokenizer/unsupported');
    }
    if (rank >= count) {
      throw faultIn(line, start, `gives rank ${rank}, but ${count} lines hold ranks 0 to ${count - 1}`, path);
    }
    const before = lineOfRank[rank]!;
    if (before > 0) throw faultIn(line, start, `gives rank ${rank} again, first given in line ${before}`, path);
    lineOfRank[rank] = line + 1;
    offsets[line + 1] = offset + length;
    start = next + 1;
  }
  return { decoded, offsets, lineOfRank };
}

/** Position of the first space, or `end`; a loop, because `indexOf` would search the rest of the file. */
function spaceIn(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== SPACE) at++;
  return at;
}

/** Nine digits at most, which no file reaches and no number type minds; -1 for anything but digits. */
const RANK_DIGITS = 9;

function parseRank(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end || end - start > RANK_DIGITS) return -1;
  let rank = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit < 0 || digit > 9) return -1;
    rank = rank * 10 + digit;
  }
  return rank;
}

/** Same tokens by rank. Files list them in that order, and then nothing is copied. */
function inRankOrder({ decoded, offsets, lineOfRank }: Lines, path: string | undefined): TokenBytes {
  const count = lineOfRank.length;
  if (count === 0) throw new TokenizerError('tokenizer/malformed', 'the file holds no tokens', { path });
  if (lineOfRank.every((line, rank) => line === rank + 1)) {
    return { bytes: decoded.subarray(0, offsets[count]), offsets };
  }
  const bytes = new Uint8Array(offsets[count]!);
  const ordered = new Uint32Array(count + 1);
  for (let rank = 0; rank < count; rank++) {
    const line = lineOfRank[rank]! - 1;
    const token = decoded.subarray(offsets[line], offsets[line + 1]);
    bytes.set(token, ordered[rank]);
    ordered[rank + 1] = ordered[rank]! + token.byteLength;
  }
  return { bytes, offsets: ordered };
}

function sameTokenTwice(
  bytes: Uint8Array,
  { lineOfRank }: Lines,
  ranks: readonly number[],
  path: string | undefined,
): TokenizerError {
  const [first, second] = ranks.map((rank) => lineOfRank[rank]!).sort((a, b) => a - b) as [number, number];
  let start = 0;
  for (let line = 1; line < second; line++) start = bytes.indexOf(LF, start) + 1;
  return faultIn(second - 1, start, `holds the same token as line ${first}`, path);
}

/** Characters of a bad line that the message shows. */
const SHOWN_CHARACTERS = 40;

function notATokenLine(line: Uint8Array): string {
  const shown = JSON.stringify(new TextDecoder().decode(line.subarray(0, SHOWN_CHARACTERS)));
  return `is ${shown}${line.byteLength > SHOWN_CHARACTERS ? '…' : ''}, not a token in base64, a space and its rank`;
}

function faultIn(
  line: number,
  offset: number,
  what: string,
  path: string | undefined,
  code: TokenizerErrorCode = 'tokenizer/malformed',
): TokenizerError {
  return new TokenizerError(code, `line ${line + 1} ${what}`, { path, offset });
}
