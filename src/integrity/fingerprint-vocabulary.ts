/**
 * Fingerprint of a vocabulary, the same from whichever tokenizer file it was read.
 *
 * What decides how text is split is hashed: pieces, types, merges, the rule for words, and what is done to spaces. Scores are not, as
 * `tokenizer.json` has none; the merges follow from them. Neither is the token that ends a text: the layouts say it of
 * different things (a base model's text, a chat model's turn).
 *
 * @see docs/fingerprints.md
 * @module
 */
import { PackedStrings, type SplitRule, type StringList, type Vocabulary } from '../tokenizer/vocabulary.js';
import { canonicalJson } from './canonical-json.js';
import type { CreateHasher, Hasher } from './hash.js';

/** What is hashed of a vocabulary: small facts, and hashes of its lists as they lie in a GGUF file. */
export interface VocabularyFacts {
  /** How text is split. */
  readonly kind: Vocabulary['kind'];
  /** The rule by which text is split into words, where it is not that of Llama 3. */
  readonly split?: SplitRule | undefined;
  /** Number of tokens. */
  readonly size: number;
  /** Id of the token that begins a text. */
  readonly bosId: number;
  /** Whether a space is put before the text; null for byte-level BPE. */
  readonly addPrefix: boolean | null;
  /** SHA-256 of the tokens in id order: for each its length in bytes as u64, then its UTF-8. */
  readonly pieces: string;
  /** SHA-256 of their types as i32. */
  readonly types: string;
  /** SHA-256 of the merges in their order, written as the tokens are. */
  readonly merges: string;
}

/** Facts that are hashed, and their SHA-256. */
export interface VocabularyFingerprint extends VocabularyFacts {
  /** SHA-256 of the canonical JSON of the facts. */
  readonly sha256: string;
}

/**
 * Fingerprint of a vocabulary. Derives its merges, in about 50 ms for Llama 3. Peak memory: those merges, and 64 KiB.
 *
 * @param vocabulary - tokens of any file
 * @param createHasher - implementation of SHA-256
 */
export async function fingerprintVocabulary(
  vocabulary: Vocabulary,
  createHasher: CreateHasher,
): Promise<VocabularyFingerprint> {
  const { kind, size, bosId, split, spaces, types, packedPieces } = vocabulary;
  const facts: VocabularyFacts = {
    ...{ kind, size, bosId },
    ...(split === 'llama4' ? { split } : {}),
    addPrefix: kind === 'sentencepiece' ? spaces?.addPrefix !== false : null,
    // `pieces` itself would make a string of each packed token
    pieces: await hashStrings(packedPieces ?? vocabulary.pieces, createHasher),
    types: await hashTypes(types, createHasher),
    merges: await hashStrings(vocabulary.merges(), createHasher),
  };
  return { ...facts, sha256: await hashText(canonicalJson({ ...facts }), createHasher) };
}

/** SHA-256 of a text's UTF-8, in lower-case hexadecimal. */
export async function hashText(text: string, createHasher: CreateHasher): Promise<string> {
  const hasher = await createHasher('sha256');
  hasher.update(new TextEncoder().encode(text));
  return hasher.digestHex();
}

async function hashTypes(types: Int32Array, createHasher: CreateHasher): Promise<string> {
  const hasher = await createHasher('sha256');
  hasher.update(new Uint8Array(types.buffer, types.byteOffset, types.byteLength));
  return hasher.digestHex();
}

/** Bytes that are gathered before they are hashed: a call for each token would cost more than its bytes. */
const GATHERED = 1 << 16;

/** Bytes of the length before a string. */
const LENGTH_BYTES = 8;

async function hashStrings(strings: StringList, createHasher: CreateHasher): Promise<string> {
  const hasher = await createHasher('sha256');
  const gathered = new GatheredBytes(hasher);
  if (strings instanceof PackedStrings) {
    for (let index = 0; index < strings.length; index++) {
      gathered.add(strings.byteLengthOf(index), (target, at) => strings.copyInto(index, target, at));
    }
  } else {
    const encoder = new TextEncoder();
    for (const text of strings) {
      const bytes = encoder.encode(text);
      gathered.add(bytes.byteLength, (target, at) => target.set(bytes, at));
    }
  }
  gathered.flush();
  return hasher.digestHex();
}

/** Strings with their lengths on their way to a hasher. */
class GatheredBytes {
  #bytes = new Uint8Array(GATHERED);
  #end = 0;

  constructor(readonly hasher: Hasher) {}

  /** Adds a string of so many bytes, which `fill` writes. */
  add(byteLength: number, fill: (target: Uint8Array, at: number) => void): void {
    const needed = LENGTH_BYTES + byteLength;
    if (this.#end + needed > this.#bytes.byteLength) this.flush();
    if (needed > this.#bytes.byteLength) this.#bytes = new Uint8Array(needed);
    const view = new DataView(this.#bytes.buffer);
    view.setUint32(this.#end, byteLength, true);
    view.setUint32(this.#end + 4, 0); // no token has 4 GB
    fill(this.#bytes, this.#end + LENGTH_BYTES);
    this.#end += needed;
  }

  /** Hashes what has been gathered. */
  flush(): void {
    this.hasher.update(this.#bytes.subarray(0, this.#end));
    this.#end = 0;
  }
}
