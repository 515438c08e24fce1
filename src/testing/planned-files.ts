/**
 * What a plan knows of its files before a weight is read.
 *
 * Not part of the package.
 *
 * @module
 */
import type { FilePiece, PlannedFile } from '../convert/plan.js';

/** The bytes of a piece that are known when the plan is made; undefined for weights and checksums. */
export function knownBytes(piece: FilePiece): Uint8Array | undefined {
  if (piece.kind === 'bytes') return piece.bytes;
  return piece.kind === 'made' ? Buffer.concat(Array.from(piece.chunks(), (chunk) => chunk.slice())) : undefined;
}

/** The text of a planned file all of whose bytes are known; undefined for others, and where there is none of the name. */
export function plannedText(files: readonly PlannedFile[], name: string): string | undefined {
  const known = files.find((file) => file.name === name)?.pieces.map(knownBytes);
  if (known === undefined || known.includes(undefined)) return undefined;
  return new TextDecoder().decode(Buffer.concat(known.filter((bytes) => bytes !== undefined)));
}
