/**
 * Hashes of a conversion's files and fingerprints of its tensors, taken while they are written.
 *
 * Every block is hashed twice on its way to the disk, while the disk takes it: as a part of its file, and as rows of its
 * tensor, each in a thread where there are some. So the output is not read again. Of tensors that are cut over several files,
 * as shards of Meta's are, those cut between rows go on in the next file; those cut between columns are read once more from
 * the source.
 *
 * @module
 */
import { type DType, elementCount, isQuantized } from '../dtype.js';
import { type Tensor, rowCountOf } from '../formats/tensor.js';
import { type TensorFingerprint, type TensorFingerprinter, beginFingerprint, fingerprintTensor } from '../integrity/fingerprint-tensor.js'; // prettier-ignore
import type { BeginHash, CreateHasher } from '../integrity/hash.js';
import type { LockedFile } from '../integrity/lock.js';
import { formsOf } from '../integrity/narrowest-form.js';
import { type LlamaModel, expectTensor } from '../llama/model.js';
import { rotatesHalves, toMetaRowOrder } from '../llama/row-order.js';
import { cast } from '../llama/views.js';
import type { ReadOptions } from '../source/byte-source.js';
import { type ConversionPlan, type FileRecord, type RecordedRows, type TensorPiece, plannedTensors } from './plan.js';

/** What was written, when all of it is. */
export interface Written {
  /** The files in writing order. */
  readonly files: readonly LockedFile[];
  /** The tensors in canonical order. */
  readonly tensors: readonly TensorFingerprint[];
}

/** Takes what is written, in order. */
export class WriteRecord {
  readonly #files: LockedFile[] = [];
  readonly #tensors = new Map<string, TensorFingerprint>();
  /** Fingerprints in the making, by the name of the tensor in the output. */
  readonly #begun = new Map<string, BegunTensor>();
  /** Rows in another order than they are written. */
  #ordered = new Uint8Array(0);

  /** @param known - what was written before, by other processes, and is not hashed again */
  constructor(
    readonly model: LlamaModel,
    readonly plan: Pick<ConversionPlan, 'to' | 'files'>,
    readonly createHasher: CreateHasher,
    known: Written = { files: [], tensors: [] },
  ) {
    this.#files.push(...known.files);
    for (const tensor of known.tensors) this.#tensors.set(tensor.name, tensor);
  }

  /** Begins a file; what it gives takes the file's bytes, with the rows of a tensor that they are, and is told of the end. */
  async beginFile(name: string, beginHash: BeginHash): Promise<FileRecord> {
    const hasher = await beginHash('sha256');
    return {
      take: async (bytes, rows) => {
        const ofTensor = rows !== undefined && this.#isOfRows(rows.piece) && this.#takeRows(bytes, rows, beginHash);
        await Promise.all([hasher.update(bytes), ofTensor]);
      },
      end: async () => void this.#files.push({ name, digest: { sha256: await hasher.digestHex() } }),
    };
  }

  /** All that was written; reads tensors that were written in parts once more from the source. @throws the errors of the source */
  async finish(options: ReadOptions): Promise<Written> {
    return this.#writtenOf([...this.model.tensors.keys()], options);
  }

  /**
   * What was written so far, where that is a share of the whole; reads those of `cut` from the source, tensors that no file
   * holds whole. @throws the errors of the source
   */
  async finishShare(cut: readonly string[], options: ReadOptions): Promise<Written> {
    return this.#writtenOf([...new Set([...this.#tensors.keys(), ...cut])], options);
  }

  async #writtenOf(names: readonly string[], { signal }: ReadOptions): Promise<Written> {
    const tensors: TensorFingerprint[] = [];
    for (const name of names) tensors.push(this.#tensors.get(name) ?? (await this.#readTensor(name, signal)));
    return { files: this.#files, tensors };
  }

  #readTensor(name: string, signal: AbortSignal | undefined): Promise<TensorFingerprint> {
    const asWritten = cast(expectTensor(this.model, name), this.dtypeOf(name));
    return fingerprintTensor(asWritten, this.createHasher, { signal });
  }

  /** Type in which a tensor is written. */
  dtypeOf(name: string): DType {
    const piece = plannedTensors(this.plan).find(({ from }) => from === name);
    return piece?.dtype ?? expectTensor(this.model, name).dtype;
  }

  /** Whether a piece is a whole tensor of the model, or some of its rows: then those before it are in the file before. */
  #isOfRows({ from, shape }: TensorPiece): boolean {
    const whole = this.model.tensors.get(from ?? '')?.shape;
    if (shape.length > 2 || whole?.slice(1).join() !== shape.slice(1).join()) return false; // experts are written in another order
    return whole[0] === shape[0] || (this.plan.to === 'meta' && whole.length > 1);
  }

  async #takeRows(bytes: Uint8Array, { piece, count }: RecordedRows, beginHash: BeginHash): Promise<void> {
    const { from: name = '', dtype, shape } = piece;
    if (this.#tensors.has(name)) return; // shards replicate it
    const begun = this.#begun.get(piece.name) ?? (await this.#begin(piece, beginHash));
    const isRotary = this.plan.to === 'safetensors' && rotatesHalves(name, this.model);
    const width = shape.slice(1);
    const rows: Tensor = { name, dtype, shape: [count, ...width], readRows: readFrom(bytes, bytes.byteLength / count) };
    await begun.fingerprinter.update(isRotary ? await this.#inMetaOrder(rows, bytes.byteLength) : bytes);
    begun.rowsLeft -= count;
    if (begun.rowsLeft > 0) return;
    this.#begun.delete(piece.name);
    const digest = await begun.fingerprinter.digest();
    if (digest !== undefined) this.#tensors.set(name, { name, shape: expectTensor(this.model, name).shape, ...digest });
  }

  async #begin(piece: TensorPiece, beginHash: BeginHash): Promise<BegunTensor> {
    const { shape } = expectTensor(this.model, piece.from ?? '');
    const fingerprinter = await beginFingerprint({ dtype: piece.dtype, shape }, writtenForms(piece), beginHash);
    const parts = elementCount(shape) / elementCount(piece.shape);
    const begun = { fingerprinter, rowsLeft: parts * rowCountOf(piece.tensor.shape) };
    this.#begun.set(piece.name, begun);
    return begun;
  }

  async #inMetaOrder(rows: Tensor, byteLength: number): Promise<Uint8Array> {
    if (this.#ordered.byteLength < byteLength) this.#ordered = new Uint8Array(byteLength);
    const into = this.#ordered.subarray(0, byteLength);
    return toMetaRowOrder(rows, this.model.config.headDim).readRows(0, rows.shape[0] ?? 0, { into });
  }
}

interface BegunTensor {
  readonly fingerprinter: TensorFingerprinter;
  /** Rows that are still to come, of this file and of those after it. */
  rowsLeft: number;
}

/** Whether a piece is a whole tensor of the model, whose rows are hashed as they pass; experts are written in another order. */
export function isWholeTensor(
  { from, shape }: Pick<TensorPiece, 'from' | 'shape'>,
  model: Pick<LlamaModel, 'tensors'>,
): boolean {
  return from !== undefined && shape.length <= 2 && model.tensors.get(from)?.shape.join() === shape.join();
}

/** Forms in which values may have to be hashed: those of the source's type where nothing is lost. */
function writtenForms({ dtype, tensor, loss }: TensorPiece): readonly DType[] {
  return isQuantized(dtype) || loss !== undefined ? formsOf(dtype) : formsOf(tensor.dtype);
}

function readFrom(bytes: Uint8Array, rowBytes: number): Tensor['readRows'] {
  return async (first, count) => bytes.subarray(first * rowBytes, (first + count) * rowBytes);
}
