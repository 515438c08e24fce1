/**
 * The member at the front of an archive, found without the list at its end.
 *
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (section 4.3.7)
 * @module
 */
import type { ByteSource, ReadOptions } from '../source/byte-source.js';
import { decodeName } from './entry.js';
import { LENGTHS, LOCAL_HEADER, viewOf } from './records.js';

/** What the first local header says. */
export interface FirstMember {
  /** Its name. */
  readonly name: string;
  /** Where its data begin. */
  readonly dataOffset: number;
}

/** The first member if it is stored as it is; undefined for anything else. Two small reads. */
export async function firstMember(source: ByteSource, options?: ReadOptions): Promise<FirstMember | undefined> {
  if (source.size < LENGTHS.localHeader) return undefined;
  const view = viewOf(await source.read(0, LENGTHS.localHeader, options));
  const isStored = view.getUint32(0, true) === LOCAL_HEADER && view.getUint16(8, true) === 0; // 8: method
  const nameLength = view.getUint16(26, true); // 26: the name follows the fixed part
  const dataOffset = LENGTHS.localHeader + nameLength + view.getUint16(28, true); // 28: the extra fields follow the name
  if (!isStored || dataOffset > source.size) return undefined;
  return { name: decodeName(await source.read(LENGTHS.localHeader, nameLength, options)), dataOffset };
}
