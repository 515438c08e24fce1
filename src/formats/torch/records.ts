/**
 * The records of a file of PyTorch's beside the storages, in the order of the file.
 *
 * @see https://github.com/pytorch/pytorch/blob/main/caffe2/serialize/inline_container.cc (PyTorchStreamWriter)
 * @module
 */
import { DEFAULT_ALIGNMENT, type PlannedMember } from '../../zip/layout.js';

/** Records that PyTorch writes before the storages, after the pickle. */
export const TEXTS_BEFORE = [
  ['.format_version', '1'],
  ['.storage_alignment', String(DEFAULT_ALIGNMENT)],
  ['byteorder', 'little'],
] as const;

/** Number of records before the storages: the pickle, and the texts above. */
export const RECORDS_BEFORE = 1 + TEXTS_BEFORE.length;

/** Records after the storages, before the id. */
export const TEXTS_AFTER = [['version', '3\n']] as const;

/** The last record: an id that is made of all names and checksums. */
export const ID_RECORD = '.data/serialization_id';

/** Digits of the id. */
export const ID_LENGTH = 40;

/** A text of a record as bytes. */
export function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** All members of the archive, in order. */
export function membersOf(
  archiveName: string,
  pickleLength: number,
  storages: readonly { readonly record: string; readonly byteLength: number }[],
): PlannedMember[] {
  const records: PlannedMember[] = [
    { name: 'data.pkl', byteLength: pickleLength },
    ...TEXTS_BEFORE.map(([name, text]) => ({ name, byteLength: text.length })),
    ...storages.map(({ record, byteLength }) => ({ name: record, byteLength })),
    ...TEXTS_AFTER.map(([name, text]) => ({ name, byteLength: text.length })),
    { name: ID_RECORD, byteLength: ID_LENGTH },
  ];
  return records.map(({ name, byteLength }) => ({ name: `${archiveName}/${name}`, byteLength }));
}
