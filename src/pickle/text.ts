/**
 * Bytes to text as Python decodes it.
 *
 * Python writes lone surrogates into pickles (`surrogatepass`), which no TextDecoder accepts, so invalid
 * UTF-8 is looked at again by hand. JavaScript joins a high and a low surrogate that Python may keep apart;
 * both show as the same text.
 *
 * @see https://docs.python.org/3/library/codecs.html#error-handlers
 * @module
 */

/**
 * Up to here a string is put together by hand, which is twice as fast as a TextDecoder, never throws, and
 * with an array kept for each length leaves nothing to collect.
 */
const SHORT = 64;

/** One array of code units for each length up to {@link SHORT}. */
const UNITS: readonly (number[] | undefined)[] = Array.from({ length: SHORT + 1 }, (_, length) =>
  Array.from({ length }, () => 0),
);

/** Code units put together at a time: well below the number of arguments that every engine takes. */
const CHUNK = 4096;

/** Smallest code point that takes 1, 2, 3 or 4 bytes: anything less is an overlong form. */
const SMALLEST = { 1: 0, 2: 0x80, 3: 0x800, 4: 0x10000 } as const;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The bytes from `start` to `end` as UTF-8, or undefined where they are not.
 *
 * @param surrogates - whether a surrogate may be encoded by itself (`surrogatepass`)
 */
export function decodeUtf8(view: DataView, start: number, end: number, surrogates: boolean): string | undefined {
  const units = UNITS[end - start];
  if (units !== undefined) return decodeAscii(view, start, units) ?? decodeByHand(view, start, end, surrogates);
  try {
    return UTF8.decode(new Uint8Array(view.buffer, view.byteOffset + start, end - start));
  } catch {
    return surrogates ? decodeByHand(view, start, end, surrogates) : undefined;
  }
}

/** The bytes from `start` to `end`, one character (0 to 255) each. */
export function decodeLatin1(view: DataView, start: number, end: number): string {
  const units = UNITS[end - start];
  if (units !== undefined) {
    for (let at = 0; at < units.length; at++) units[at] = view.getUint8(start + at);
    return String.fromCharCode(...units);
  }
  const text = new TextBuilder();
  for (let at = start; at < end; at++) text.add(view.getUint8(at));
  return text.finish();
}

/** Puts a string together from code points; linear, for any number of them. */
export class TextBuilder {
  private readonly units: number[] = [];
  private text = '';

  /** Adds a code point up to 0x10ffff; a lone surrogate stays one. */
  add(codePoint: number): void {
    if (codePoint > 0xffff) {
      this.units.push(0xd7c0 + (codePoint >> 10), 0xdc00 + (codePoint & 0x3ff));
    } else {
      this.units.push(codePoint);
    }
    if (this.units.length >= CHUNK) this.flush();
  }

  /** Everything added so far. */
  finish(): string {
    this.flush();
    return this.text;
  }

  private flush(): void {
    this.text += String.fromCharCode(...this.units);
    this.units.length = 0;
  }
}

/** As many bytes as there are units, or undefined where one is not ASCII. */
function decodeAscii(view: DataView, start: number, units: number[]): string | undefined {
  for (let at = 0; at < units.length; at++) {
    const byte = view.getUint8(start + at);
    if (byte > 0x7f) return undefined;
    units[at] = byte;
  }
  return String.fromCharCode(...units);
}

function decodeByHand(view: DataView, start: number, end: number, surrogates: boolean): string | undefined {
  const text = new TextBuilder();
  let at = start;
  while (at < end) {
    const length = sequenceLength(view.getUint8(at));
    if (length === 0 || at + length > end) return undefined;
    const codePoint = sequenceValue(view, at, length);
    if (codePoint < SMALLEST[length] || codePoint > 0x10ffff) return undefined;
    if (!surrogates && codePoint >= 0xd800 && codePoint <= 0xdfff) return undefined;
    text.add(codePoint);
    at += length;
  }
  return text.finish();
}

/** Bytes of the sequence that `lead` begins; 0 for a byte that begins none. */
function sequenceLength(lead: number): 0 | 1 | 2 | 3 | 4 {
  if (lead < 0x80) return 1;
  if (lead < 0xc0) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf8 ? 4 : 0;
}

/** Code point of a sequence, or -1 where a continuation byte is missing. */
function sequenceValue(view: DataView, at: number, length: 1 | 2 | 3 | 4): number {
  const lead = view.getUint8(at);
  if (length === 1) return lead;
  let value = lead & (0xff >> (length + 1));
  for (let step = 1; step < length; step++) {
    const byte = view.getUint8(at + step);
    if ((byte & 0xc0) !== 0x80) return -1;
    value = value * 64 + (byte & 0x3f);
  }
  return value;
}
