/**
 * Bytes of any kind, dispatched by what they are.
 *
 * @module
 */
import type { ByteSource } from '../../source/byte-source.js';
import { sliceSource } from '../../source/slice.js';
import { identifySource } from '../../source/identify.js';
import { asContentError } from './content-error.js';
import { type Findings, type Place, isTooDeep, placeAt } from './findings.js';
import { PACKED, magicOf, npyPickleOffset } from './other-formats.js';
import { type ScanPart, scanArchive } from './scan-archive.js';
import { scanLegacy } from './scan-legacy.js';
import { scanPickles, scanPossiblePickle } from './scan-pickles.js';
import { scanTar } from './scan-tar.js';

/** A way to scan parts of a file that adds to these findings. */
export function partScanner(findings: Findings): ScanPart {
  const scanPart: ScanPart = async (source, place, expectation) => {
    const { kind } = await identifySource(source, findings.options);
    const isEnclosing = kind === 'zip' || kind === 'tar' || kind === 'torch-legacy';
    if (isEnclosing && isTooDeep(place)) {
      findings.add('not-scanned', 'a file in files in files, too deep to be looked into', place);
      return;
    }
    if (isEnclosing) {
      const scan = { zip: scanArchive, tar: scanTar, 'torch-legacy': scanLegacy }[kind];
      const failure = await scan(source, place, findings, scanPart).then(() => undefined, asContentError);
      if (failure !== undefined) findings.addError('not-scanned', failure, place);
      return;
    }
    const inside = (bytes: ByteSource, at: Place): Promise<void> => scanPart(bytes, at, 'data');
    const magic = await magicOf(source, findings.options);
    if (magic === 'npy') await scanNpy(source, place, findings, scanPart);
    else if (expectation === 'pickle') await scanPickles(source, place, findings, inside);
    else if (kind === 'pickle') await scanPossiblePickle(source, place, findings, inside, expectation);
    else if (magic !== undefined && expectation !== 'data') addPacked(magic, place, findings);
    else await scanPossiblePickle(source, place, findings, inside, 'data');
  };
  return scanPart;
}

function addPacked(magic: keyof typeof PACKED, place: Place, findings: Findings): void {
  findings.add('not-scanned', `this is ${PACKED[magic]}, which is not looked into`, place);
}

/** An array of Python objects is one pickle behind the header; other arrays are numbers. */
export async function scanNpy(source: ByteSource, place: Place, findings: Findings, scanPart: ScanPart): Promise<void> {
  const start = await npyPickleOffset(source, findings.options);
  if (start === undefined) return;
  await scanPart(sliceSource(source, start, source.size - start), placeAt(place, start), 'pickle');
}
