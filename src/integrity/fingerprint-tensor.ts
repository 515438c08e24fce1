/**
 * Fingerprint of a tensor: the SHA-256 of its canonical form.
 *
 * Hashed is one line of ASCII, `llama-inspect/tensor/v1 bfloat16 [1024,256]` and a line feed, then all elements,
 * row-major and little-endian, rows in Meta's order, in the narrowest form that holds them. The name is not hashed, so an
 * output matrix that equals the embedding has its fingerprint.
 *
 * @see docs/fingerprints.md
 * @module
 */
import type { DType } from '../dtype.js';
import { type Tensor, type TensorInfo, rowBlocks } from '../formats/tensor.js';
import type { ReadOptions } from '../source/byte-source.js';
import { type BeginHash, type CreateHasher, type DeferredHasher, hashingHere } from './hash.js';
import { formsOf, inForm } from './narrowest-form.js';

/** Fingerprint of a tensor, and the type it was hashed as. */
export interface TensorFingerprint {
  /** Canonical name, which is not hashed. */
  readonly name: string;
  /** Type whose elements were hashed: the narrowest that holds all values, or that of the blocks. */
  readonly dtype: DType;
  /** Extents in PyTorch's order. */
  readonly shape: readonly number[];
  /** The fingerprint: SHA-256 in lower-case hexadecimal. */
  readonly sha256: string;
}

/** A fingerprint in the making: rows come in canonical order, each once. */
export interface TensorFingerprinter {
  /** Takes the next rows, which may be changed when it has settled; false when no form is left that holds all values. */
  update(bytes: Uint8Array): Promise<boolean>;
  /** The type hashed and the fingerprint; undefined when no form was left. */
  digest(): Promise<Pick<TensorFingerprint, 'dtype' | 'sha256'> | undefined>;
}

/**
 * Begins the fingerprint of a tensor whose rows are handed over one by one. Each form is hashed until a value does not
 * fit it, so rows of float32 are hashed up to three times.
 *
 * @param tensor - the type of the rows, and the shape of the whole
 * @param forms - forms to try, the narrowest first
 * @param beginHash - implementation of SHA-256
 */
export async function beginFingerprint(
  { dtype, shape }: Pick<TensorInfo, 'dtype' | 'shape'>,
  forms: readonly DType[],
  beginHash: BeginHash,
): Promise<TensorFingerprinter> {
  const begun: { readonly form: DType; readonly hasher: DeferredHasher }[] = [];
  for (const form of forms) {
    const hasher = await beginHash('sha256');
    await hasher.update(new TextEncoder().encode(`llama-inspect/tensor/v1 ${form} [${shape.join(',')}]\n`));
    begun.push({ form, hasher });
  }
  let left = begun;
  return {
    update: async (bytes) => {
      const hashed: Promise<void>[] = [];
      left = left.filter(({ form, hasher }) => {
        const elements = inForm(dtype, bytes, form);
        if (elements !== undefined) hashed.push(hasher.update(elements));
        return elements !== undefined;
      });
      await Promise.all(hashed);
      return left.length > 0;
    },
    digest: async () => {
      const [first] = left;
      return first && { dtype: first.form, sha256: await first.hasher.digestHex() };
    },
  };
}

/** What {@link fingerprintTensor} takes beside the tensor. */
export interface FingerprintTensorOptions extends ReadOptions {
  /** Told of every block that was hashed, in bytes as stored; blocks read again for another form do not count again. */
  readonly onBytes?: ((byteLength: number) => void) | undefined;
}

/**
 * Fingerprint of a tensor in canonical form. Reads it once where its narrowest form shows in its first block, as it
 * nearly always does, and at most three times. Peak memory: two blocks of rows, and one in float32.
 *
 * @throws the errors of the tensor's file; the signal's reason
 */
export async function fingerprintTensor(
  tensor: Tensor,
  createHasher: CreateHasher,
  { signal, onBytes }: FingerprintTensorOptions = {},
): Promise<TensorFingerprint> {
  const { name, dtype, shape } = tensor;
  let counted = 0;
  for (const form of formsOf(dtype)) {
    const fingerprinter = await beginFingerprint(tensor, [form], hashingHere(createHasher));
    let done = 0;
    let fits = true;
    for await (const { bytes } of rowBlocks(tensor, { signal, reuse: true })) {
      signal?.throwIfAborted();
      fits = await fingerprinter.update(bytes);
      if (!fits) break;
      done += bytes.byteLength;
      if (done <= counted) continue;
      onBytes?.(done - counted);
      counted = done;
    }
    const digest = fits ? await fingerprinter.digest() : undefined;
    if (digest !== undefined) return { name, shape, ...digest };
  }
  throw new Error(`no form holds the values of ${name}`); // the last form holds all values of its type
}
