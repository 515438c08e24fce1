/**
 * Where the parts of an archive will lie, byte for byte as PyTorch's writer places them.
 *
 * Data begin at multiples of the alignment, which an extra field named "FB" of the local header pads
 * out to. Lengths depend on offsets (ZIP64 fields appear beyond 4 GiB), so members are placed in order.
 *
 * @see https://github.com/pytorch/pytorch/blob/main/caffe2/serialize/inline_container.cc (getPadding)
 * @module
 */
import { LENGTHS, SEE_ZIP64_32 } from './records.js';

/** Data begin at multiples of this, so that they can be mapped into memory; PyTorch's default. */
export const DEFAULT_ALIGNMENT = 64;

/** A member to be written. */
export interface PlannedMember {
  /** Its name. */
  readonly name: string;
  /** Bytes of its data. */
  readonly byteLength: number;
}

/** Where a member will lie. */
export interface PlacedMember extends PlannedMember {
  /** Where its local header begins. */
  readonly headerOffset: number;
  /** Its name in UTF-8. */
  readonly nameBytes: Uint8Array;
  /** Bytes of the ZIP64 field, without its own header of 4; 0 where there is none. */
  readonly zip64Length: number;
  /** Bytes of padding in the "FB" field. */
  readonly padding: number;
  /** Where its data begin. */
  readonly dataOffset: number;
  /** Bytes of the descriptor after its data. */
  readonly descriptorLength: number;
  /** Where what follows begins. */
  readonly end: number;
}

/** Where all parts of an archive will lie. */
export interface ArchiveLayout {
  /** The members, in order. */
  readonly members: readonly PlacedMember[];
  /** Where the directory begins. */
  readonly directoryOffset: number;
  /** Bytes of the directory. */
  readonly directorySize: number;
  /** Bytes of the whole archive. */
  readonly byteLength: number;
}

const encoder = new TextEncoder();

/** Places one member whose header begins at `headerOffset`. */
export function placeMember(member: PlannedMember, headerOffset: number, alignment = DEFAULT_ALIGNMENT): PlacedMember {
  const nameBytes = encoder.encode(member.name);
  const zip64Length =
    (member.byteLength >= SEE_ZIP64_32 ? 16 : 0) + // both sizes
    (headerOffset >= SEE_ZIP64_32 ? 8 : 0); // the offset of the header
  const unpadded =
    headerOffset + LENGTHS.localHeader + nameBytes.byteLength + fieldLength(zip64Length) + EXTRA_HEADER_LENGTH;
  const padding = (alignment - (unpadded % alignment)) % alignment;
  const dataOffset = unpadded + padding;
  // PyTorch leaves out the descriptor of an empty member.
  const present = zip64Length > 0 ? LENGTHS.zip64DataDescriptor : LENGTHS.dataDescriptor;
  const descriptorLength = member.byteLength === 0 ? 0 : present;
  const end = dataOffset + member.byteLength + descriptorLength;
  return { ...member, headerOffset, nameBytes, zip64Length, padding, dataOffset, descriptorLength, end };
}

/** Places all members, the directory and the end records; the whole archive is known without a byte of data. */
export function layoutArchive(members: readonly PlannedMember[], alignment = DEFAULT_ALIGNMENT): ArchiveLayout {
  const placed: PlacedMember[] = [];
  let directoryOffset = 0;
  for (const member of members) {
    const place = placeMember(member, directoryOffset, alignment);
    placed.push(place);
    directoryOffset = place.end;
  }
  const directorySize = placed.reduce((sum, place) => sum + centralHeaderLength(place), 0);
  const byteLength =
    directoryOffset + directorySize + LENGTHS.zip64EndRecord + LENGTHS.zip64Locator + LENGTHS.endRecord;
  return { members: placed, directoryOffset, directorySize, byteLength };
}

/** Identifier and length that each extra field begins with. */
export const EXTRA_HEADER_LENGTH = 4;

/** Bytes of an extra field of `length` bytes of data, which is left out where that is 0. */
function fieldLength(length: number): number {
  return length === 0 ? 0 : EXTRA_HEADER_LENGTH + length;
}

/** Bytes of a member's header in the directory. */
export function centralHeaderLength({ nameBytes, zip64Length }: PlacedMember): number {
  return LENGTHS.centralHeader + nameBytes.byteLength + fieldLength(zip64Length);
}
