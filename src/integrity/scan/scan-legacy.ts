/**
 * A file in the form before PyTorch 1.6: five pickles, and the storages behind them.
 *
 * The bytes of the storages are numbers and nobody unpickles them, so what matters is where they end: whatever
 * follows belongs to nothing.
 *
 * @module
 */
import { hexOffset } from '../../errors.js';
import { storageBytes } from '../../formats/torch/missing-bytes.js';
import { TorchError } from '../../formats/torch/torch-error.js';
import type { PickleWalk } from '../../pickle/walk.js';
import type { WalkStorage } from '../../pickle/walk-state.js';
import type { ByteSource } from '../../source/byte-source.js';
import { sliceSource } from '../../source/slice.js';
import { type Findings, type Place, placeAt } from './findings.js';
import type { ScanPart } from './scan-archive.js';
import { scanPickleAt } from './scan-pickles.js';

/** Magic number, protocol number, facts about the machine, object, keys of the storages. */
const PICKLES = 5;

/** Which of them is the object. */
const OBJECT = 3;

/** Bytes of the number of elements before each storage. */
const COUNT_BYTES = 8;

/**
 * Scans the five pickles and whatever follows the storages.
 *
 * @throws TorchError `torch/cut-off` when the storages reach past the end
 */
export async function scanLegacy(
  source: ByteSource,
  place: Place,
  findings: Findings,
  scanPart: ScanPart,
): Promise<void> {
  const scanInside = (bytes: ByteSource, inside: Place): Promise<void> => scanPart(bytes, inside, 'data');
  let end = 0;
  let storages: PickleWalk['storages'] = new Map();
  for (let nth = 0; nth < PICKLES; nth++) {
    const walk = await scanPickleAt(source, end, place, findings, scanInside);
    if (!walk.stopped) return; // a finding says so
    end = walk.end;
    if (nth === OBJECT) storages = walk.storages;
  }
  const length = lengthOf(storages);
  if (length === undefined) {
    findings.add('not-scanned', 'the storages are of no known length, so what follows them was not looked for', place, {
      offset: end,
    });
    return;
  }
  end += length;
  if (end > source.size) {
    throw new TorchError(
      'torch/cut-off',
      `cut off: its storages should end at ${hexOffset(end)}, but the file has ${source.size} bytes`,
      { path: source.name, offset: source.size, hint: 'download this file again' },
    );
  }
  if (end === source.size) return;
  findings.add('bytes-after', `${source.size - end} bytes follow the last storage`, place, { offset: end });
  await scanPart(sliceSource(source, end, source.size - end), placeAt(place, end), 'perhaps');
}

/** Bytes of all storages with the numbers before them; undefined where one cannot be told. */
function lengthOf(storages: ReadonlyMap<string, WalkStorage>): number | undefined {
  let length = 0;
  for (const storage of storages.values()) {
    const bytes = storageBytes(storage);
    if (bytes === undefined) return undefined;
    length += COUNT_BYTES + bytes;
  }
  return length;
}
