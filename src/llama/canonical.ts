/**
 * From the tensors of a Hugging Face or GGUF file to Meta's names, every name and shape checked.
 *
 * @module
 */
import type { StoredTensor, Tensor } from '../formats/tensor.js';
import { type LayoutName, canonicalName, expectNameInLayout, expectedTensors } from './layout.js';
import { type LlamaConfig, LlamaError } from './model.js';
import { layersOf } from './names.js';
import { renamed } from './views.js';

/** Where the tensors come from, and what a reader does to them. */
export interface CanonicalSource {
  /** Layout whose names they have. */
  readonly layout: Exclude<LayoutName, 'meta'>;
  /** What a person calls the file or folder. */
  readonly path: string;
  /** What states the shapes: `config.json`, `the metadata`. */
  readonly statedIn: string;
  /** What states the number of layers there. */
  readonly layersKey: string;
  /** What to do about a tensor of another shape than stated. */
  readonly otherShape: string;
  /** Names that are known but not weights. */
  readonly isIgnored: (name: string) => boolean;
  /** Puts a tensor's rows into Meta's order. */
  readonly inMetaOrder: (tensor: Tensor, name: string) => Tensor;
}

/**
 * The tensors under Meta's names, in the order of Meta's state dict; lazy.
 *
 * @throws LlamaError `llama/contradiction`, `llama/unknown-tensor`, `llama/missing-tensor`, `llama/wrong-shape`
 */
export function canonicalTensors(
  stored: readonly StoredTensor[],
  config: LlamaConfig,
  source: CanonicalSource,
): Map<string, Tensor> {
  const { layout, path } = source;
  const byName = new Map<string, StoredTensor>();
  for (const tensor of stored) {
    const name = canonicalName(tensor.name, layout);
    if (name !== undefined) {
      if (byName.has(name)) {
        throw new LlamaError('llama/bad-index', `the tensor ${tensor.name} lies in two files`, { path });
      }
      byName.set(name, tensor);
    } else if (!source.isIgnored(tensor.name)) {
      throw new LlamaError('llama/unknown-tensor', `the tensor ${tensor.name} is not a part of a Llama`, { path });
    }
  }
  expectLayers([...byName.keys()], config.nLayers, stored.length, source);
  return new Map(
    expectedTensors(config).map(({ name, shape }): [string, Tensor] => {
      const tensor = expectShaped(byName.get(name), name, shape, source);
      return [name, renamed(source.inMetaOrder(tensor, name), name)];
    }),
  );
}

/** Comes before names are made for the layers: a file may state any number of them. */
function expectLayers(
  names: readonly string[],
  stated: number,
  tensorCount: number,
  { path, statedIn, layersKey }: CanonicalSource,
): void {
  const found = layersOf(names);
  if (stated === found && stated <= tensorCount) return;
  const message = `${statedIn} says ${layersKey} ${stated}, but there are tensors of ${found} layers`;
  throw new LlamaError('llama/contradiction', message, { path });
}

function expectShaped(
  tensor: StoredTensor | undefined,
  name: string,
  shape: readonly number[],
  source: CanonicalSource,
): StoredTensor {
  if (tensor === undefined) {
    const own = expectNameInLayout(name, source.layout);
    throw new LlamaError('llama/missing-tensor', `the tensor ${own} is missing`, { path: source.path });
  }
  if (tensor.shape.join() === shape.join()) return tensor;
  throw new LlamaError(
    'llama/wrong-shape',
    `${tensor.name} has shape (${tensor.shape.join(', ')}); ${source.statedIn} asks for (${shape.join(', ')})`,
    { path: source.path, hint: source.otherShape },
  );
}
