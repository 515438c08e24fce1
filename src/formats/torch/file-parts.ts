/**
 * A file of PyTorch's as a row of parts: bytes that are known from the plan, storages, and bytes that follow from the
 * checksums of the storages before them.
 *
 * For a writer that streams the storages itself. `writeTorchFile` writes the same bytes.
 *
 * @module
 */
import { crc32 } from '../../zip/crc32.js';
import { type PlacedMember, centralHeaderLength } from '../../zip/layout.js';
import { type WrittenMember, centralHeader, dataDescriptor, endRecords, localHeader } from '../../zip/write-records.js';
import { RECORDS_BEFORE, TEXTS_AFTER, TEXTS_BEFORE, encodeText } from './records.js';
import { serializationId } from './serialization-id.js';
import type { TorchFilePlan } from './write.js';

/** CRC-32 of the storage of an entry, given its index; only asked for storages that have been written. */
export type ChecksumOfEntry = (entry: number) => number;

/** A part of the file. */
export type TorchFilePart =
  | {
      /** Tells the parts apart. */
      readonly kind: 'bytes';
      /** Bytes that are known when the file is planned. */
      readonly bytes: Uint8Array;
    }
  | {
      /** Tells the parts apart. */
      readonly kind: 'storage';
      /** Index of the entry whose bytes it holds. */
      readonly entry: number;
      /** Where it begins in the file. */
      readonly fileOffset: number;
    }
  | {
      /** Tells the parts apart. */
      readonly kind: 'late';
      /** Number of bytes. */
      readonly byteLength: number;
      /** The bytes, once all storages before them have been written. */
      readonly make: (checksumOf: ChecksumOfEntry) => Uint8Array;
    };

/** The parts of a planned file, in order; the bytes of the small records are made here, those of the directory late. */
export function torchFileParts(plan: TorchFilePlan): TorchFilePart[] {
  const { members, storages } = plan;
  const before = TEXTS_BEFORE.map(([, text]) => encodeText(text));
  const leading = [plan.pickle, ...before].flatMap((data, index) => wholeMember(members[index]!, data));
  const parts: TorchFilePart[] = [{ kind: 'bytes', bytes: joined(leading) }];
  storages.forEach(({ entry }, index) => {
    const member = members[RECORDS_BEFORE + index]!;
    parts.push({ kind: 'bytes', bytes: localHeader(member) });
    parts.push({ kind: 'storage', entry, fileOffset: member.dataOffset });
    if (member.descriptorLength === 0) return;
    parts.push({
      kind: 'late',
      byteLength: member.descriptorLength,
      make: (checksumOf) => dataDescriptor(member, checksumOf(entry)),
    });
  });
  const trailing = members.slice(RECORDS_BEFORE + storages.length);
  parts.push({
    kind: 'late',
    byteLength: plan.byteLength - trailing[0]!.headerOffset,
    make: (checksumOf) => ending(plan, trailing, checksumOf),
  });
  return parts;
}

/** The records behind the storages, the directory and the end records. */
function ending(plan: TorchFilePlan, trailing: readonly PlacedMember[], checksumOf: ChecksumOfEntry): Uint8Array {
  const { members, storages, pickle } = plan;
  const sums = [
    ...[pickle, ...TEXTS_BEFORE.map(([, text]) => encodeText(text))].map((data) => crc32(data)),
    ...storages.map(({ entry, byteLength }) => (byteLength === 0 ? 0 : checksumOf(entry))),
    ...TEXTS_AFTER.map(([, text]) => crc32(encodeText(text))),
  ];
  const written = sums.map((sum, index): WrittenMember => ({ ...members[index]!, crc32: sum }));
  const prefix = plan.archiveName.length + 1;
  const id = encodeText(serializationId(written.map((member) => ({ ...member, name: member.name.slice(prefix) }))));
  const last = trailing[trailing.length - 1]!;
  const all = [...written, { ...last, crc32: crc32(id) }];
  const texts = [...TEXTS_AFTER.map(([, text]) => encodeText(text)), id];
  const directorySize = all.reduce((sum, member) => sum + centralHeaderLength(member), 0);
  return joined([
    ...texts.flatMap((data, index) => wholeMember(trailing[index]!, data)),
    ...all.map((member) => centralHeader(member)),
    endRecords(all.length, directorySize, last.end),
  ]);
}

function wholeMember(member: PlacedMember, data: Uint8Array): Uint8Array[] {
  return [localHeader(member), data, dataDescriptor(member, crc32(data))];
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}
