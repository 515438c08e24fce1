/**
 * Writes SentencePiece models for the tests, field by field, so that wrong ones can be written too.
 *
 * Not part of the package.
 *
 * @module
 */

/** A varint; negative numbers as protobuf writes an int32, in ten bytes. */
export function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

/** A field with a varint. */
export function numberField(field: number, value: number): number[] {
  return [...varint(field * 8), ...varint(value)];
}

/** A field with bytes: a text or a message. */
export function bytesField(field: number, content: string | readonly number[]): number[] {
  const bytes = typeof content === 'string' ? [...new TextEncoder().encode(content)] : content;
  return [...varint(field * 8 + 2), ...varint(bytes.length), ...bytes];
}

/** A field with a float. */
export function floatField(field: number, value: number): number[] {
  return [...varint(field * 8 + 5), ...new Uint8Array(new Float32Array([value]).buffer)];
}

/** A `pieces` message. */
export function piece(text: string, score = 0, type = 1): number[] {
  return bytesField(1, [...bytesField(1, text), ...floatField(2, score), ...numberField(3, type)]);
}

/** The three pieces every Llama begins with. */
export const START_PIECES: readonly number[] = [...piece('<unk>', 0, 2), ...piece('<s>', 0, 3), ...piece('</s>', 0, 3)];

/** A `trainer_spec` message that says the model is BPE. */
export const BPE_TRAINER: readonly number[] = bytesField(2, numberField(3, 2));
