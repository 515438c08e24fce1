/**
 * Bytes of any kind, dispatched by what they are.
 *
 * @module
 */
import type { ByteSource } from '../../source/byte-source.js';
import { type ContentKind, HEAD_BYTES, identifyBytes } from '../../source/identify.js';
import { sliceSource } from '../../source/slice.js';
import { asContentError } from './content-error.js';
import { type Findings, type Place, isTooDeep, placeAt } from './findings.js';
import { PACKED, npyPickleOffset, packedAs } from './other-formats.js';
import { type ScanPart, scanArchive } from './scan-archive.js';
import { scanLegacy } from './scan-legacy.js';
import { scanPossiblePickle } from './scan-pickles.js';
import { scanTar } from './scan-tar.js';

const ENCLOSING = { zip: scanArchive, tar: scanTar, 'torch-legacy': scanLegacy } as const;

/** A way to scan parts of a file that adds to these findings. */
export function partScanner(findings: Findings): ScanPart {
  const scanPart: ScanPart = async (source, place, expectation) => {
    const head = await source.read(0, Math.min(HEAD_BYTES, source.size), findings.options);
    const kind = kindOf(head, source.size);
    if (kind === 'zip' || kind === 'tar' || kind === 'torch-legacy') {
      await scanEnclosed(kind, source, place, findings, scanPart);
      return;
    }
    const inside = (bytes: ByteSource, at: Place): Promise<void> => scanPart(bytes, at, 'data');
    const packed = packedAs(head);
    if (kind === 'npy') await scanNpy(source, place, findings, scanPart);
    else if (kind === 'pickle' || expectation === 'headless') {
      await scanPossiblePickle(source, place, findings, inside, expectation);
    } else if (packed !== undefined && expectation !== 'data') {
      findings.add('not-scanned', `this is ${PACKED[packed]}, which is not looked into`, place);
    } else await scanPossiblePickle(source, place, findings, inside, 'data');
  };
  return scanPart;
}

/** `P` of ZIP, PROTO of pickles, the first byte of a NumPy array. */
const FIRST_BYTES: ReadonlySet<number | undefined> = new Set([0x50, 0x80, 0x93]);

/** Where a tar archive has its magic, and what that begins with. */
const TAR = { at: 257, byte: 0x75 } as const;

/** What bytes are, as far as a scan of parts asks; most are numbers, and told so by one byte. */
function kindOf(head: Uint8Array, size: number): ContentKind {
  const isOfInterest = FIRST_BYTES.has(head[0]) || head[TAR.at] === TAR.byte;
  return isOfInterest ? identifyBytes(head, size).kind : 'unknown';
}

async function scanEnclosed(
  kind: keyof typeof ENCLOSING,
  source: ByteSource,
  place: Place,
  findings: Findings,
  scanPart: ScanPart,
): Promise<void> {
  if (isTooDeep(place)) {
    findings.add('not-scanned', 'a file in files in files, too deep to be looked into', place);
    return;
  }
  const failure = await ENCLOSING[kind](source, place, findings, scanPart).then(() => undefined, asContentError);
  if (failure !== undefined) findings.addError('not-scanned', failure, place);
}

/** An array of Python objects is one pickle behind the header; other arrays are numbers. */
export async function scanNpy(source: ByteSource, place: Place, findings: Findings, scanPart: ScanPart): Promise<void> {
  const start = await npyPickleOffset(source, findings.options);
  if (start === undefined) return;
  await scanPart(sliceSource(source, start, source.size - start), placeAt(place, start), 'headless');
}
