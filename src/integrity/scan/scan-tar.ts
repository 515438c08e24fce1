/**
 * A tar archive, as torch.save wrote in 2016: pickles with the bytes of storages between them.
 *
 * @see https://github.com/pytorch/pytorch/blob/main/torch/serialization.py (legacy_load)
 * @module
 */
import { storageBytes } from '../../formats/torch/missing-bytes.js';
import { TorchError } from '../../formats/torch/torch-error.js';
import { readTar } from '../../formats/tar.js';
import { rootItems } from '../../pickle/walk.js';
import { isWalk } from '../../pickle/walk-values.js';
import type { ByteSource } from '../../source/byte-source.js';
import { sliceSource } from '../../source/slice.js';
import { type Findings, type Place, placeInside } from './findings.js';
import type { ScanPart } from './scan-archive.js';
import { scanPickleAt, scanPickles } from './scan-pickles.js';
import type { ScannedFormat } from './scan-report.js';

/**
 * Scans every member of a tar archive.
 *
 * @throws TorchError `torch/tar` when a member cannot be found
 */
export async function scanTar(
  source: ByteSource,
  place: Place,
  findings: Findings,
  scanPart: ScanPart,
): Promise<ScannedFormat> {
  const { members, odd, brokenAt } = await readTar(source, findings.options);
  for (const offset of odd) {
    const message = 'a link, an extended header or a name twice: programs differ in what this member is';
    findings.add('archive-structure', message, place, { offset });
  }
  if (brokenAt !== undefined) {
    throw new TorchError('torch/tar', 'a tar archive, but no header of a member stands where one should', {
      path: source.name,
      offset: brokenAt,
    });
  }
  for (const { name, offset, size } of members) {
    const fileBase = place.fileBase === null ? null : place.fileBase + offset;
    const member = new TarMemberScan(sliceSource(source, offset, size), placeInside(place, name, fileBase), findings, scanPart); // prettier-ignore
    if (size === 0) continue;
    if (name === 'storages') await member.scanStorages();
    else if (name === 'tensors') await member.scanTensors();
    else if (name === 'pickle' || name === 'sys_info') await member.scanPickles();
    else await scanPart(member.source, member.place, 'perhaps');
  }
  return members.some(({ name }) => name === 'pickle') ? 'torch-tar' : 'tar';
}

/** Bytes of the number of elements before the bytes of a storage. */
const COUNT_BYTES = 8;

/** Bytes behind a tensor's pickle: number of dimensions, two numbers for each, offset in its storage. */
const DIMENSIONS_BYTES = 8;

class TarMemberScan {
  constructor(
    readonly source: ByteSource,
    readonly place: Place,
    private readonly findings: Findings,
    private readonly scanPart: ScanPart,
  ) {}

  async scanPickles(): Promise<void> {
    await scanPickles(this.source, this.place, this.findings, this.inside);
  }

  /** A number, then for each storage a pickle of (key, device, class) and its bytes, then the views. */
  async scanStorages(): Promise<void> {
    const count = await this.walk(0);
    let at = count.end;
    for (let nth = 0; nth < numberOf(count.root) && at < this.source.size; nth++) {
      const walk = await this.walk(at);
      const [, , type] = rootItems(walk);
      const elementCount = await this.uint64(walk.end);
      const bytes = storageBytes({ storageClass: isWalk(type, 'import') ? type : undefined, elementCount });
      if (!walk.stopped || bytes === undefined) {
        this.giveUp(walk.end);
        return;
      }
      at = walk.end + COUNT_BYTES + bytes;
    }
    if (at >= this.source.size) this.giveUp(this.source.size);
    else await this.expectEnd((await this.walk(at)).end);
  }

  /** A number, then for each tensor a pickle of (key, storage, class) and its shape and strides. */
  async scanTensors(): Promise<void> {
    const count = await this.walk(0);
    let at = count.end;
    for (let nth = 0; nth < numberOf(count.root) && at < this.source.size; nth++) {
      const walk = await this.walk(at);
      const dimensions = await this.dimensionsAt(walk.end);
      if (!walk.stopped || dimensions === undefined) {
        this.giveUp(walk.end);
        return;
      }
      at = walk.end + DIMENSIONS_BYTES + dimensions * 16 + 8;
    }
    await this.expectEnd(at);
  }

  private readonly inside = (bytes: ByteSource, place: Place): Promise<void> => this.scanPart(bytes, place, 'data');

  private walk(at: number): ReturnType<typeof scanPickleAt> {
    return scanPickleAt(this.source, at, this.place, this.findings, this.inside);
  }

  /** Undefined where it is not there. */
  private async uint64(at: number): Promise<number | undefined> {
    if (at + 8 > this.source.size) return undefined;
    const bytes = await this.source.read(at, 8, this.findings.options);
    return Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  }

  /** A number of 32 bits, and four bytes that PyTorch passes over; undefined where they are not there. */
  private async dimensionsAt(at: number): Promise<number | undefined> {
    if (at + DIMENSIONS_BYTES > this.source.size) return undefined;
    const bytes = await this.source.read(at, 4, this.findings.options);
    return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  }

  private giveUp(at: number): void {
    this.findings.add('not-scanned', 'what stands here cannot be told apart', this.place, { offset: at });
  }

  private async expectEnd(at: number): Promise<void> {
    const { source, place, findings } = this;
    if (at === source.size) return;
    if (at > source.size) {
      this.giveUp(source.size);
      return;
    }
    findings.add('bytes-after', `${source.size - at} bytes belong to nothing`, place, { offset: at });
    await this.scanPart(sliceSource(source, at, source.size - at), { ...place, base: place.base + at }, 'perhaps');
  }
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
