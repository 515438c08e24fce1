/**
 * Archives made and read by other programs than ours: jszip makes them, yauzl reads them.
 *
 * Not part of the package.
 *
 * @module
 */
import JSZip from 'jszip';
import yauzl from 'yauzl';

/** What yauzl says about a member. */
export interface YauzlEntry {
  /** Its name. */
  readonly name: string;
  /** Compression method. */
  readonly method: number;
  /** CRC-32 in the directory. */
  readonly crc32: number;
  /** Bytes in the archive. */
  readonly compressedSize: number;
  /** Bytes of the data. */
  readonly size: number;
  /** Where its local header begins. */
  readonly localHeaderOffset: number;
  /** Its data, unpacked. */
  readonly data: Buffer;
}

/** All members of an archive as yauzl reads them, data included. */
export function readWithYauzl(archive: Uint8Array): Promise<YauzlEntry[]> {
  return new Promise((resolve, reject) => {
    yauzl.fromBuffer(Buffer.from(archive), { lazyEntries: true }, (error, zip) => {
      if (error) {
        reject(error);
        return;
      }
      const entries: YauzlEntry[] = [];
      zip.on('error', reject);
      zip.on('end', () => {
        resolve(entries);
      });
      zip.on('entry', (entry: yauzl.Entry) => {
        readData(zip, entry).then((data) => {
          entries.push({
            name: entry.fileName,
            method: entry.compressionMethod,
            crc32: entry.crc32,
            compressedSize: entry.compressedSize,
            size: entry.uncompressedSize,
            localHeaderOffset: entry.relativeOffsetOfLocalHeader,
            data,
          });
          zip.readEntry();
        }, reject);
      });
      zip.readEntry();
    });
  });
}

function readData(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error) {
        reject(error);
        return;
      }
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('end', () => {
        resolve(Buffer.concat(chunks));
      });
    });
  });
}

/** An archive made by jszip; no folders, no ZIP64, fixed times. */
export async function makeWithJszip(
  members: Readonly<Record<string, Uint8Array | string>>,
  options: { readonly deflate?: boolean; readonly descriptors?: boolean; readonly comment?: string } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const zip = new JSZip();
  for (const [name, data] of Object.entries(members)) {
    zip.file(name, data, { createFolders: false, date: new Date(Date.UTC(2026, 0, 1)) });
  }
  return zip.generateAsync({
    type: 'uint8array',
    compression: options.deflate === true ? 'DEFLATE' : 'STORE',
    streamFiles: options.descriptors === true,
    ...(options.comment === undefined ? {} : { comment: options.comment }),
  }) as Promise<Uint8Array<ArrayBuffer>>;
}
