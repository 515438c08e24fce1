/**
 * Checksums of files as they are written, for the pieces behind them that tell them.
 *
 * @module
 */
import { type BeginHash, type CreateHasher, type DeferredHasher, hashingHere } from '../integrity/hash.js';
import { createWasmHasher } from '../integrity/hash-wasm.js';
import { crc32 } from '../zip/crc32.js';
import type { PlannedFile, WrittenSums } from './plan.js';

/** The functions that checksums are made by; slow ones that run everywhere where absent. */
export interface SumFunctions {
  /** CRC-32 of bytes, continuing from that of the bytes before them. */
  readonly crc32?: ((bytes: Uint8Array, previous: number) => number) | undefined;
  /** Makes MD5. */
  readonly createHasher?: CreateHasher | undefined;
}

/** Takes what is written, in its order. */
export class RunningSums implements WrittenSums {
  readonly fileHashes = new Map<string, string>();
  readonly tensorSums = new Map<string, number>();
  readonly #crc32: (bytes: Uint8Array, previous: number) => number;
  readonly #beginHash: BeginHash;
  #needsCrc = false;
  #hasher: DeferredHasher | undefined;

  /** @param beginHash - hashing in other threads; in this one when absent */
  constructor({ crc32: crc = crc32, createHasher = createWasmHasher }: SumFunctions, beginHash?: BeginHash) {
    this.#crc32 = crc;
    this.#beginHash = beginHash ?? hashingHere(createHasher);
  }

  /** Begins a file. */
  async begin({ hashed, pieces }: PlannedFile): Promise<void> {
    this.tensorSums.clear();
    this.#needsCrc = pieces.some(({ kind }) => kind === 'late') && pieces.some(({ kind }) => kind === 'tensor');
    this.#hasher = hashed === true ? await this.#beginHash('md5') : undefined;
  }

  /**
   * Takes bytes of the file, which may be changed when it has settled; `tensor` is the name of the one they belong to,
   * undefined for others.
   */
  async take(bytes: Uint8Array, tensor: string | undefined): Promise<void> {
    const hashed = this.#hasher?.update(bytes);
    if (this.#needsCrc && tensor !== undefined) {
      this.tensorSums.set(tensor, this.#crc32(bytes, this.tensorSums.get(tensor) ?? 0));
    }
    await hashed;
  }

  /** Ends the file. */
  async end({ name }: PlannedFile): Promise<void> {
    if (this.#hasher !== undefined) this.fileHashes.set(name, await this.#hasher.digestHex());
    this.#hasher = undefined;
  }
}
