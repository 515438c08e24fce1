/**
 * Hashes of a conversion's files and fingerprints of its tensors, taken while they are written.
 *
 * Every block is hashed twice on its way to the disk, while the disk takes it: as a part of its file, and as rows of its
 * tensor, each in a thread where there are some. So the output is not read again. Only a tensor that is cut over several files, as shards of Meta's are, is read
 * once more from the source.
 *
 * @module
 */
import { type DType, isQuantized } from '../dtype.js';
import type { Tensor } from '../formats/tensor.js';
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
  #current: TensorFingerprinter | undefined;

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
        const ofTensor =
          rows !== undefined && isWholeTensor(rows.piece, this.model) && this.#takeRows(bytes, rows, beginHash);
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
    return this.#writtenOf([...this.#tensors.keys(), ...cut], options);
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

  async #takeRows(bytes: Uint8Array, { piece, first, count }: RecordedRows, beginHash: BeginHash): Promise<void> {
    const { from: name = '', dtype, shape } = piece;
    if (first === 0) this.#current = await beginFingerprint(piece, writtenForms(piece), beginHash);
    const isRotary = this.plan.to === 'safetensors' && rotatesHalves(name, this.model);
    const width = shape.slice(1);
    const rows: Tensor = { name, dtype, shape: [count, ...width], readRows: readFrom(bytes, bytes.byteLength / count) };
    const ordered = isRotary ? await toMetaRowOrder(rows, this.model.config.headDim).readRows(0, count) : bytes;
    await this.#current?.update(ordered);
    const isLast = shape.length < 2 || first + count === shape[0];
    const digest = isLast ? await this.#current?.digest() : undefined;
    if (digest !== undefined) this.#tensors.set(name, { name, shape, ...digest });
  }
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
