/**
 * Which tensors go into which part of a split GGUF file, as llama-gguf-split deals them out.
 *
 * A part is closed by the first tensor that would overfill it; only tensors are counted, each padded. All metadata stands
 * in the first part, and each part says which one it is. A tensor larger than the limit gets a part of its own, also
 * the first one, for which llama-gguf-split gives up. What fits into one part stays a whole file without those keys.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/tools/gguf-split/gguf-split.cpp
 * @module
 */
import { alignedUp, DEFAULT_ALIGNMENT } from '../formats/gguf/alignment.js';
import type { GgufMetadataEntry } from '../formats/gguf/plan.js';
import { splitNameOf } from '../formats/gguf/split-name.js';
import type { LooseTensor } from './cast.js';
import type { GgufFileContent } from './gguf-content.js';
import { ConvertError } from './plan.js';

/** A GGUF file to be written. */
export interface GgufPart extends Pick<GgufFileContent, 'metadata' | 'tensors'> {
  /** Its name. */
  readonly name: string;
}

/** Most parts that the names have digits for and `split.no` has bits for. */
const MAX_PARTS = 65_535;

/** The file whole, or in parts whose tensors take at most `limit` bytes. @throws ConvertError `convert/bad-option` */
export function ggufParts(
  { metadata, tensors }: Pick<GgufFileContent, 'metadata' | 'tensors'>,
  fileName: string,
  limit = Infinity,
): readonly GgufPart[] {
  const dealt = dealOut(tensors, limit);
  if (dealt.length < 2) return [{ name: fileName, metadata, tensors }];
  if (dealt.length > MAX_PARTS) {
    throw new ConvertError('convert/bad-option', `the file would have ${dealt.length} parts, more than ${MAX_PARTS}`);
  }
  const stem = fileName.replace(/\.gguf$/i, '');
  return dealt.map((own, index) => ({
    name: splitNameOf({ stem, part: index + 1, count: dealt.length }),
    metadata: [...(index === 0 ? metadata : []), ...splitEntries(index, dealt.length, tensors.length)],
    tensors: own,
  }));
}

function dealOut(tensors: readonly LooseTensor[], limit: number): LooseTensor[][] {
  const parts: LooseTensor[][] = [];
  let size = 0;
  for (const tensor of tensors) {
    const padded = alignedUp(tensor.byteLength, DEFAULT_ALIGNMENT);
    const current = parts.at(-1);
    if (current === undefined || size + padded > limit) {
      parts.push([tensor]);
      size = padded;
    } else {
      current.push(tensor);
      size += padded;
    }
  }
  return parts;
}

/** In the order that comes of the number of parts being set anew at the end. */
function splitEntries(index: number, count: number, tensorCount: number): GgufMetadataEntry[] {
  return [
    { key: 'split.no', type: 'u16', value: index },
    { key: 'split.tensors.count', type: 'i32', value: tensorCount },
    { key: 'split.count', type: 'u16', value: count },
  ];
}
