/**
 * The records around members' data as PyTorch's writer spells them, as bytes.
 *
 * @see https://github.com/pytorch/pytorch/blob/main/third_party/miniz-3.0.2/miniz.c (mz_zip_writer_add_mem_ex_v2)
 * @module
 */
import { EXTRA_HEADER_LENGTH, type PlacedMember, centralHeaderLength } from './layout.js';
import {
  CENTRAL_HEADER,
  DATA_DESCRIPTOR,
  END_RECORD,
  FLAGS,
  LENGTHS,
  LOCAL_HEADER,
  SEE_ZIP64_16,
  SEE_ZIP64_32,
  ZIP64_END_RECORD,
  ZIP64_EXTRA,
  ZIP64_LOCATOR,
  setUint64,
  viewOf,
} from './records.js';

/** Extra field that carries the padding: "FB" in ASCII, filled with "Z". */
const PADDING_EXTRA = 0x4246;
const PADDING_BYTE = 0x5a;

/** Version 3.0 on Unix and version 4.5 (ZIP64), as the ZIP64 end record of PyTorch's files says. */
const VERSION_MADE_BY = 0x031e;
const VERSION_NEEDED = 45;

/** A member that has been written. */
export interface WrittenMember extends PlacedMember {
  /** CRC-32 of its data. */
  readonly crc32: number;
}

function flagsOf(place: PlacedMember): number {
  return FLAGS.utf8 | (place.descriptorLength > 0 ? FLAGS.dataDescriptor : 0);
}

/** The header before a member's data, with the padding that aligns them; CRC and compressed size follow the data. */
export function localHeader(place: PlacedMember): Uint8Array {
  const bytes = new Uint8Array(place.dataOffset - place.headerOffset);
  const view = viewOf(bytes);
  const nameEnd = LENGTHS.localHeader + place.nameBytes.byteLength;
  view.setUint32(0, LOCAL_HEADER, true);
  view.setUint16(6, flagsOf(place), true); // 4: version needed stays 0
  // 8: method, 10: time, 12: date, 14: CRC-32 and 18, 22: sizes stay 0
  view.setUint16(26, place.nameBytes.byteLength, true);
  view.setUint16(28, bytes.byteLength - nameEnd, true);
  bytes.set(place.nameBytes, LENGTHS.localHeader);
  // At this point PyTorch does not know the compressed size yet, and leaves it at 0.
  const padding = writeZip64Field(view, nameEnd, place, 0);
  view.setUint16(padding, PADDING_EXTRA, true);
  view.setUint16(padding + 2, place.padding, true);
  bytes.fill(PADDING_BYTE, padding + EXTRA_HEADER_LENGTH);
  return bytes;
}

/** Writes the ZIP64 field where one is needed, and gives the position after it. */
function writeZip64Field(view: DataView, start: number, place: PlacedMember, compressedSize: number): number {
  if (place.zip64Length === 0) return start;
  view.setUint16(start, ZIP64_EXTRA, true);
  view.setUint16(start + 2, place.zip64Length, true);
  let at = start + EXTRA_HEADER_LENGTH;
  if (place.byteLength >= SEE_ZIP64_32) {
    setUint64(view, at, place.byteLength);
    setUint64(view, at + 8, compressedSize);
    at += 16;
  }
  if (place.headerOffset >= SEE_ZIP64_32) {
    setUint64(view, at, place.headerOffset);
    at += 8;
  }
  return at;
}

/** CRC and sizes behind a member's data. */
export function dataDescriptor(place: PlacedMember, crc: number): Uint8Array {
  const bytes = new Uint8Array(place.descriptorLength);
  const view = viewOf(bytes);
  view.setUint32(0, DATA_DESCRIPTOR, true);
  view.setUint32(4, crc, true);
  if (place.descriptorLength === LENGTHS.zip64DataDescriptor) {
    setUint64(view, 8, place.byteLength);
    setUint64(view, 16, place.byteLength);
  } else {
    view.setUint32(8, place.byteLength, true);
    view.setUint32(12, place.byteLength, true);
  }
  return bytes;
}

/** A member's header in the directory. */
export function centralHeader(member: WrittenMember): Uint8Array {
  const bytes = new Uint8Array(centralHeaderLength(member));
  const view = viewOf(bytes);
  view.setUint32(0, CENTRAL_HEADER, true);
  view.setUint16(8, flagsOf(member), true); // 4, 6: versions stay 0
  view.setUint32(16, member.crc32, true); // 10: method, 12: time, 14: date stay 0
  view.setUint32(20, Math.min(member.byteLength, SEE_ZIP64_32), true);
  view.setUint32(24, Math.min(member.byteLength, SEE_ZIP64_32), true);
  view.setUint16(28, member.nameBytes.byteLength, true);
  view.setUint16(30, member.zip64Length > 0 ? EXTRA_HEADER_LENGTH + member.zip64Length : 0, true);
  view.setUint32(42, Math.min(member.headerOffset, SEE_ZIP64_32), true); // 32 to 41 stay 0
  bytes.set(member.nameBytes, LENGTHS.centralHeader);
  writeZip64Field(view, LENGTHS.centralHeader + member.nameBytes.byteLength, member, member.byteLength);
  return bytes;
}

/** The ZIP64 end record, its locator and the classic end record: always all three. */
export function endRecords(count: number, directorySize: number, directoryOffset: number): Uint8Array {
  const bytes = new Uint8Array(LENGTHS.zip64EndRecord + LENGTHS.zip64Locator + LENGTHS.endRecord);
  const view = viewOf(bytes);
  view.setUint32(0, ZIP64_END_RECORD, true);
  setUint64(view, 4, LENGTHS.zip64EndRecord - 12);
  view.setUint16(12, VERSION_MADE_BY, true);
  view.setUint16(14, VERSION_NEEDED, true);
  setUint64(view, 24, count); // 16, 20: disks stay 0
  setUint64(view, 32, count);
  setUint64(view, 40, directorySize);
  setUint64(view, 48, directoryOffset);
  const locator = LENGTHS.zip64EndRecord;
  view.setUint32(locator, ZIP64_LOCATOR, true);
  setUint64(view, locator + 8, directoryOffset + directorySize); // 4: disk stays 0
  view.setUint32(locator + 16, 1, true); // number of disks
  const classic = locator + LENGTHS.zip64Locator;
  view.setUint32(classic, END_RECORD, true);
  view.setUint16(classic + 8, Math.min(count, SEE_ZIP64_16), true); // 4, 6: disks stay 0
  view.setUint16(classic + 10, Math.min(count, SEE_ZIP64_16), true);
  view.setUint32(classic + 12, Math.min(directorySize, SEE_ZIP64_32), true);
  view.setUint32(classic + 16, Math.min(directoryOffset, SEE_ZIP64_32), true); // 20: no comment
  return bytes;
}
