/**
 * Text to ids and back as Llama 1 and 2 do it: SentencePiece's BPE with bytes for what no piece covers.
 *
 * Spaces become `▁`, one is put before the text, and the characters of the whole text are merged; there are no
 * words. What else happens to spaces differs from program to program, and is in the vocabulary's {@link SpaceRules}. Pieces that are control tokens, bytes or unused are never made from text. Decoding takes the first space
 * away again, spells unknown text ` ⁇ `, and makes each byte that is no UTF-8 a replacement character of its own.
 *
 * @see https://github.com/google/sentencepiece/blob/master/src/sentencepiece_processor.cc (Decode)
 * @module
 */
import { AddedTokens } from './added-tokens.js';
import { BpeMerger } from './bpe-merger.js';
import { utf8Length } from './character-classes.js';
import { ListRule, ScoreRule } from './join-rules.js';
import type { TextCodec } from './text-codec.js';
import { TokenIndex } from './token-index.js';
import { ByteSink, validLength } from './utf8-repair.js';
import { TOKEN_TYPE, type Vocabulary } from './vocabulary.js';

/** Encodes and decodes with a vocabulary of SentencePiece. */
export class SentencePieceCodec implements TextCodec {
  readonly spellsControl = false;
  readonly #vocabulary: Vocabulary;
  readonly #index: TokenIndex;
  readonly #added: AddedTokens;
  readonly #merger: BpeMerger;
  /** Id of the piece for each byte, -1 where there is none; and back. */
  readonly #idOfByte = new Int32Array(256).fill(-1);
  readonly #byteOfId = new Map<number, number>();

  /** Indexes the pieces; some 50 ms for Llama 2. @throws TokenizerError as `ListRule` does, for files without scores */
  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    this.#index = indexOf(vocabulary);
    this.#added = new AddedTokens(insideTokens(vocabulary));
    const { scores, types, pieces } = vocabulary;
    this.#merger = new BpeMerger(scores ? new ScoreRule(this.#index, scores) : new ListRule(vocabulary));
    for (const [id, type] of types.entries()) {
      const byte = type === TOKEN_TYPE.byte ? Number(/^<(0x[0-9A-F]{2})>$/.exec(pieces[id]!)?.[1]) : NaN;
      if (Number.isNaN(byte)) continue;
      this.#idOfByte[byte] = id;
      this.#byteOfId.set(id, byte);
    }
  }

  encode(text: string, ids: number[], isFirst: boolean): void {
    for (const part of this.#added.split(this.#spaced(text, isFirst))) {
      if (typeof part === 'number') ids.push(part);
      else this.#encodePart(UTF8.encode(part), ids);
    }
  }

  bytesOf(id: number): Uint8Array {
    const byte = this.#byteOfId.get(id);
    if (byte !== undefined) return Uint8Array.of(byte);
    if (id === this.#vocabulary.unknownId) return UTF8.encode(UNKNOWN);
    return UTF8.encode(this.#vocabulary.pieces[id]!.replaceAll('▁', ' '));
  }

  decode(ids: readonly number[], control: boolean): Uint8Array {
    const { types, pieces, spaces } = this.#vocabulary;
    const text = new ByteSink();
    const run: number[] = []; // bytes in a row, of which characters are made
    let atBegin = spaces?.addPrefix !== false || spaces.removeExtra;
    for (const id of ids) {
      const byte = this.#byteOfId.get(id);
      if (byte !== undefined) {
        run.push(byte);
        continue;
      }
      repair(run.splice(0), text);
      atBegin &&= text.length === 0;
      if (types[id] === TOKEN_TYPE.control || types[id] === TOKEN_TYPE.unused) {
        if (control && types[id] === TOKEN_TYPE.control) text.push(UTF8.encode(pieces[id]));
        continue;
      }
      const bytes = this.bytesOf(id);
      const dropsSpace = atBegin && id !== this.#vocabulary.unknownId && pieces[id]!.startsWith('▁');
      text.push(dropsSpace ? bytes.subarray(1) : bytes);
      if (dropsSpace && spaces?.removeExtra !== true) atBegin = false;
    }
    repair(run, text);
    return text.bytes;
  }

  /** The text with its spaces as pieces have them. */
  #spaced(text: string, isFirst: boolean): string {
    const { addPrefix = true, removeExtra = false, onlyFirst, unlessSpace } = this.#vocabulary.spaces ?? {};
    const kept = (removeExtra ? this.#joined(text) : text).replaceAll(' ', '▁');
    if (kept === '') return kept;
    const isPrefixed = addPrefix && (isFirst || onlyFirst !== true) && !(unlessSpace === true && kept.startsWith('▁'));
    const whole = isPrefixed ? `▁${kept}` : kept;
    return removeExtra ? whole.slice(0, lengthWithoutSpaces(whole)) : whole;
  }

  /** One space for many, none at the begin; within what a user defined they stay, but not after another space. */
  #joined(text: string): string {
    let joined = '';
    let isAfterSpace = true;
    for (const part of this.#added.split(text)) {
      const piece = typeof part === 'number' ? this.#vocabulary.pieces[part]! : part.replace(/ +/g, ' ');
      const kept: string = isAfterSpace ? piece.replace(/^ +/, '') : piece;
      joined += kept;
      if (kept !== '') isAfterSpace = kept.endsWith(' ');
    }
    return joined;
  }

  #encodePart(bytes: Uint8Array, ids: number[]): void {
    this.#merger.begin(bytes, 0, bytes.byteLength);
    for (let at = 0; at < bytes.byteLength;) {
      const end = at + utf8Length(bytes[at]!);
      this.#merger.add(this.#index.findIn(bytes, at, end), end);
      at = end;
    }
    let afterUnknown = false;
    this.#merger.merge((id, start, end) => {
      if (id >= 0) ids.push(id);
      else if (this.#idOfByte[bytes[start]!]! >= 0) {
        for (let at = start; at < end; at++) ids.push(this.#idOfByte[bytes[at]!]!);
      } else if (!afterUnknown) ids.push(this.#vocabulary.unknownId ?? 0);
      afterUnknown = id < 0 && this.#idOfByte[bytes[start]!]! < 0;
    });
  }
}

/** Whether a token is matched in the text that has its space already, and so is none between whose parts text begins anew. */
export function isInside({ spaces, baseSize, types }: Vocabulary, id: number): boolean {
  if (types[id] !== TOKEN_TYPE.userDefined) return false;
  return (spaces?.addedInside === true && id < baseSize) || spaces?.afterSpace?.includes(id) === true;
}

const UTF8 = new TextEncoder();
/** How SentencePiece spells what it does not know. */
const UNKNOWN = ' \u2047 ';
const REPLACEMENT = UTF8.encode('\ufffd');

function insideTokens(vocabulary: Vocabulary): [text: string, id: number][] {
  const { pieces, types, spaces } = vocabulary;
  const spellings: [string, number][] = [];
  for (let id = 0; id < types.length; id++) {
    if (!isInside(vocabulary, id)) continue;
    spellings.push([
      spaces?.afterSpace?.includes(id) === true ? `▁${pieces[id]!.replaceAll(' ', '▁')}` : pieces[id]!,
      id,
    ]);
  }
  return spellings;
}

/** Where the spaces at the end begin; a regular expression would begin anew at each run of them. */
function lengthWithoutSpaces(text: string): number {
  let end = text.length;
  while (end > 0 && text[end - 1] === '▁') end--;
  return end;
}

/** The pieces that text is made of. */
function indexOf({ pieces, types, baseSize }: Vocabulary): TokenIndex {
  const encoded = pieces.slice(0, baseSize).map((piece) => UTF8.encode(piece));
  const offsets = new Uint32Array(baseSize + 1);
  for (const [id, { byteLength }] of encoded.entries()) offsets[id + 1] = offsets[id]! + byteLength;
  const bytes = new Uint8Array(offsets[baseSize]!);
  for (const [id, piece] of encoded.entries()) bytes.set(piece, offsets[id]);
  const index = new TokenIndex({ bytes, offsets });
  for (let id = 0; id < baseSize; id++) {
    if (types[id] === TOKEN_TYPE.normal || types[id] === TOKEN_TYPE.userDefined) index.add(id);
  }
  return index;
}

/** Bytes as text: each one that is no part of a character becomes a replacement character. */
function repair(run: readonly number[], text: ByteSink): void {
  const bytes = Uint8Array.from(run);
  for (let at = 0; at < bytes.byteLength;) {
    const length = validLength(bytes, at);
    text.push(length === 0 ? REPLACEMENT : bytes.subarray(at, at + length));
    at += Math.max(1, length);
  }
}
